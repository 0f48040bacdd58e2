package rules

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
)

// TestQuickly runs the experiments at their tiny settings, and counts the rows of those that have one for each of a list.
func TestQuickly(t *testing.T) {
	rows := map[string]int{"alignment": len(conditions), "bars": 4, "published": len(publishedRows)}
	exptest.All(t, func(t *testing.T, name string, o *experiment.Outcome) {
		if n := len(o.Tables[0].Rows); rows[name] != 0 && n != rows[name] {
			t.Errorf("the table has %d rows, want %d", n, rows[name])
		}
	})
}
