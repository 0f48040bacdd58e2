package data

import (
	"fmt"

	"galvani/engine/setting"
)

// check holds the settings of a task against their tags.
//
// Errors: ErrConfig, with the task, the key, the value and the range.
func check(task string, config Config) error {
	if err := setting.Check(config); err != nil {
		return fmt.Errorf("data: %s: %w: %w", task, err, ErrConfig)
	}
	return nil
}

// checkFill refuses a batch that does not fit the task, and a column or sample outside it.
// Inner loops rely on it.
func checkFill(t *Task, size int, b *Batch, col, index int) error {
	if b.T != t.T || b.I != t.I || b.O != t.O || b.Every != t.Every || (b.Mask != nil) != t.Masked || (b.Decisions != nil) != t.Trials {
		return fmt.Errorf("data: %s: batch is T=%d I=%d O=%d every=%v masked=%v trials=%v, want T=%d I=%d O=%d every=%v masked=%v trials=%v",
			t.Name, b.T, b.I, b.O, b.Every, b.Mask != nil, b.Decisions != nil, t.T, t.I, t.O, t.Every, t.Masked, t.Trials)
	}
	if col < 0 || col >= b.B {
		return fmt.Errorf("data: %s: column is %d, want 0 to %d", t.Name, col, b.B-1)
	}
	if index < 0 || index >= size {
		return fmt.Errorf("data: %s: sample is %d, want 0 to %d", t.Name, index, size-1)
	}
	return nil
}
