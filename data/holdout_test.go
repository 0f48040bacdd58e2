package data

import (
	"fmt"
	"testing"
)

// TestValidationOfGeneratedTasks holds that a validation part leaves training and test samples as
// they are, is the same in every epoch, and shares no sample with either.
func TestValidationOfGeneratedTasks(t *testing.T) {
	for _, g := range generated {
		t.Run(g.name, func(t *testing.T) {
			task, err := g.task.Open(Env{Seed: 5, Validation: 0.2})
			if err != nil {
				t.Fatal(err)
			}
			plain, err := g.task.Open(Env{Seed: 5})
			if err != nil {
				t.Fatal(err)
			}
			if plain.Validation != nil || task.Validation == nil || task.Validation.Len() != 8 || task.Train.Len() != 40 {
				t.Fatalf("validation is %v without and %v with a part of 0.2 of 40", plain.Validation, task.Validation)
			}
			seen := map[string]bool{}
			for i := range 24 {
				one, held := sample(t, task, task.Train, 1, i), sample(t, task, task.Test, 0, i)
				if one != sample(t, plain, plain.Train, 1, i) || held != sample(t, plain, plain.Test, 0, i) {
					t.Errorf("sample %d is another one than without a validation part", i)
				}
				seen[one], seen[held] = true, true
			}
			for i := range task.Validation.Len() {
				one := sample(t, task, task.Validation, 0, i)
				if one != sample(t, task, task.Validation, 7, i) {
					t.Errorf("validation sample %d changes with the epoch", i)
				}
				if seen[one] {
					t.Errorf("validation sample %d is one of the others", i)
				}
				seen[one] = true
			}
		})
	}
}

// labelled is n samples, each with its number as label.
func labelled(n int) *Task {
	t := &Task{Name: "labelled", T: 1, I: 1, O: 256, Goal: Classify}
	pixels, labels := make([]byte, n), make([]byte, n)
	for i := range labels {
		labels[i] = byte(i)
	}
	t.Train = newImages(t, pixels, labels, inOrder(1), 0)
	return t
}

// TestHoldOut holds that training and validation share no sample, lose none, keep their order, and
// are the same for every seed.
func TestHoldOut(t *testing.T) {
	for _, c := range []struct {
		n    int
		part float64
		held int
	}{{100, 0.1, 10}, {7, 0.1, 1}, {2, 0.9, 1}, {1, 0.5, 0}, {100, 0, 0}, {200, 0.9, 180}} {
		task := labelled(c.n)
		holdOut(task, c.part)
		held := 0
		if task.Validation != nil {
			held = task.Validation.Len()
		}
		if held != c.held || task.Train.Len() != c.n-c.held {
			t.Errorf("%v of %d: %d for validation, %d for training, want %d for validation", c.part, c.n, held, task.Train.Len(), c.held)
		}
		if held == 0 {
			continue
		}
		seen := map[float32]bool{}
		for _, set := range []Set{task.Train, task.Validation} {
			last := float32(-1)
			for i := range set.Len() {
				b := NewBatch(task, 1)
				if err := set.Fill(b, 0, 0, i); err != nil {
					t.Fatal(err)
				}
				if seen[b.Label[0]] || b.Label[0] <= last {
					t.Errorf("%v of %d: sample %v comes twice or out of order", c.part, c.n, b.Label[0])
				}
				last = b.Label[0]
				seen[last] = true
			}
			if f, ok := set.(Fixed); !ok || !f.Fixed() {
				t.Errorf("%v of %d: a part of a fixed set is not fixed", c.part, c.n)
			}
			b := NewBatch(task, 1)
			if set.Fill(b, 0, 0, set.Len()) == nil || set.Fill(b, 0, 0, -1) == nil {
				t.Errorf("%v of %d: a sample that there is not was filled in", c.part, c.n)
			}
		}
		if len(seen) != c.n {
			t.Errorf("%v of %d: %d samples are left", c.part, c.n, len(seen))
		}
	}
	a, b := labelled(100), labelled(100)
	holdOut(a, 0.3)
	holdOut(b, 0.3)
	if fmt.Sprint(a.Validation.(*subset).index) != fmt.Sprint(b.Validation.(*subset).index) {
		t.Error("two runs leave out different samples")
	}
}

// TestValidationOfFiles holds that recordings have a validation part.
func TestValidationOfFiles(t *testing.T) {
	task := open(t, "recordings", Env{Dir: someRecordings(t, ""), Validation: 0.1}, nil)
	if task.Validation == nil || task.Validation.Len() != 1 || task.Train.Len() != 2 {
		t.Errorf("%v for validation and %d for training, want 1 and 2 of 3", task.Validation, task.Train.Len())
	}
}
