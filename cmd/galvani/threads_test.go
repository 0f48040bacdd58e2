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
			numbers := []string{"3"}
			if e.Name == "lstm" { // how a scan is divided is the same for all; kernels/cpu tries each cell on more
				numbers = []string{"2", "3", "8"}
			}
			for _, threads := range numbers {
				if d := cmp.Diff(want, latest(t, trained(t, args(line, "--threads", threads)...))); d != "" {
					t.Errorf("%s threads train another network:\n%.500s", threads, d)
				}
			}
		})
	}
}
