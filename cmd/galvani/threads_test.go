package main

import (
	"testing"

	"galvani/models"

	"github.com/google/go-cmp/cmp"
)

// TestThreadsAreBitEqual trains every model on several numbers of threads, with batches that do not
// divide evenly, and wants the same state of training: parameters, optimiser, averages.
func TestThreadsAreBitEqual(t *testing.T) {
	needsCPU(t)
	t.Parallel()
	for _, e := range models.All() {
		t.Run(e.Name, func(t *testing.T) {
			line := []string{"--model", e.Name, "--device", "cpu", "--batch", "21", "--hidden", "19", "--max-steps", "6"}
			want := latest(t, trained(t, args(line, "--threads", "1")...))
			for _, threads := range []string{"2", "3", "8"} {
				if d := cmp.Diff(want, latest(t, trained(t, args(line, "--threads", threads)...))); d != "" {
					t.Errorf("%s threads train another network:\n%.500s", threads, d)
				}
			}
		})
	}
}
