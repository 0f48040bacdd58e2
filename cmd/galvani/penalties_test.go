package main

import (
	"strings"
	"testing"
)

// TestPenaltiesTrain trains with penalties and a learned first state: each penalty is a metric, and a run that was
// stopped ends with the bits of one that was not, on every backend and number of threads.
func TestPenaltiesTrain(t *testing.T) {
	for _, backend := range backends() {
		choice := []string{"--model", "rate", "--layers", "2", "--dropout", "0.3", "--backend", backend, "--max-steps", "4", "--h0", "learned", "--l1", "recurrent=1e-3", "--l2", "1e-4",
			"--rate-l1", "0.1", "--rate-l2", "0.1", "--rate-target-l2", "1", "--rate-target", "0.2", "--change-l2", "1"}
		whole := trained(t, choice...)
		if len(newestTensors(t, whole)["cell.h0"]) == 0 {
			t.Errorf("%s: no first state is learned", backend)
		}
		sameResumed(t, backend, whole, choice, "2", "4")
		if backend == "scan" {
			sameWeights(t, "three threads", trained(t, args(choice, "--threads", "3")...), whole)
		}
		seen := 0
		for _, row := range metricsOf(t, whole) {
			for name := range row.Values {
				if strings.HasPrefix(name, "penalty_") {
					seen++
				}
			}
		}
		if seen != 4*6 {
			t.Errorf("%s: %d values of penalties in 4 updates, want 24", backend, seen)
		}
	}
}

// TestWrongPenalties holds the lines that wrong settings end in.
func TestWrongPenalties(t *testing.T) {
	for _, tt := range []struct{ flag, value, want string }{
		{"--l2", "wheels=1", `l2 names "wheels"`},
		{"--l1", "W=often", "want a strength of 0 or more"},
		{"--rate-l2", "-1", "want 0 to"},
		{"--rate-target", "0.1", "it needs rate_target_l2 > 0"},
		{"--dropout", "0.3", "it needs number of layers > 1"},
		{"--h0", "random", "want one of zero, learned"},
	} {
		o := galvani(t, args(tiny, "--model", "rnn", tt.flag, tt.value)...)
		if o.code != exitConfig || !strings.Contains(o.stderr, tt.want) || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%s %s: code %d, %q", tt.flag, tt.value, o.code, o.stderr)
		}
	}
	o := galvani(t, "train", "--model", "mlp", "--task", "bars", "--rate-l2", "1")
	if o.code == 0 || !strings.Contains(o.stderr, "it needs network = recurrent") {
		t.Errorf("mlp: code %d, %q", o.code, o.stderr)
	}
}
