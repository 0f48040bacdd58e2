//go:build cgo

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// limited runs galvani with a limit of address space in KiB.
func limited(t *testing.T, kib int, args ...string) outcome {
	t.Helper()
	c := exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, kib), os.Args[0]}, args...)...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return finish(t, c)
}

// TestTooLargeIsRefused holds that what cannot fit is refused before it is begun, with the bytes that
// are wanted and there, and leaves no run behind.
func TestTooLargeIsRefused(t *testing.T) {
	for _, more := range [][]string{
		{"--hidden", "65536", "--steps", "10000"}, {"--batch", "65536", "--hidden", "8192"}, {"--model", "lstm", "--hidden", "20000"},
		{"--model", "rnn", "--hidden", "20000"}, {"--model", "rnn", "--hidden", "30000", "--dale"}, {"--backend", "graph", "--batch", "65536", "--steps", "1000"},
		{"--task", "copy", "--delay", "100000", "--categories", "1000"}, {"--model", "gru", "--optimizer", "sgd", "--hidden", "16000"},
		{"--model", "lstm", "--hidden", "2000", "--layers", "30"}, {"--model", "rnn", "--hidden", "128", "--steps", "10000", "--batch", "256", "--layers", "8"},
	} {
		t.Run(strings.Join(more, " "), func(t *testing.T) {
			runs := t.TempDir()
			o := limited(t, 6_000_000, args([]string{"train", "--max-steps", "1", "--runs-dir", runs}, more...)...)
			o.refused(t, exitDevice, "not enough memory")
			if !strings.Contains(o.stderr, " bytes") || !strings.Contains(o.stderr, "smaller") {
				t.Errorf("stderr tells no bytes or no remedy: %s", o.stderr)
			}
			if left, _ := os.ReadDir(runs); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// TestPlannedMemoryHolds (with the fused scan, whose memory is known; of an unrolled graph it is bounded
// from below) runs the same training under limits from too little to enough: it is refused
// or it comes to its end, and never falls over.
func TestPlannedMemoryHolds(t *testing.T) {
	for _, more := range [][]string{{"--model", "irnn", "--hidden", "3000"}, {"--model", "lstm", "--hidden", "128", "--layers", "3", "--steps", "1200", "--batch", "32", "--train-size", "32"}} {
		refused, done := 0, 0
		for _, kib := range []int{2_200_000, 2_500_000, 3_000_000, 4_000_000} { // with less the program itself may find no room for its threads
			o := limited(t, kib, args(tiny, args(more, "--max-steps", "1", "--quiet", "--runs-dir", t.TempDir())...)...)
			switch o.code {
			case exitOK:
				done++
			case exitDevice:
				refused++
				o.refused(t, exitDevice, "not enough memory")
			default:
				t.Errorf("%v, %d KiB: exit code %d, %.300s", more, kib, o.code, o.stderr)
			}
			if o.code == exitDevice && done > 0 {
				t.Errorf("%v: %d KiB are refused, and less was enough", more, kib)
			}
		}
		if refused == 0 || done == 0 {
			t.Errorf("%v: %d were refused and %d done, want some of each", more, refused, done)
		}
	}
}

// TestTooLargeNetworks holds that a network that cannot fit is refused before it is drawn, and that one near the
// limit is refused or comes to its end.
func TestTooLargeNetworks(t *testing.T) {
	for _, more := range [][]string{{"--n", "1000000", "--p", "1"}, {"--n", "200000"}, {"--n", "30000", "--p", "1"}} {
		o := limited(t, 6_000_000, args([]string{"simulate", "balanced", "--for", "1ms", "--storage", "stored"}, more...)...)
		o.refused(t, exitDevice, "not enough memory")
		if !strings.Contains(o.stderr, " bytes; ") || !strings.Contains(o.stderr, "fewer neurons or connections") || !strings.Contains(o.stderr, "by --storage procedural") {
			t.Errorf("stderr tells no bytes or no remedy: %s", o.stderr)
		}
	}
	refused, done := 0, 0
	for _, kib := range []int{2_200_000, 2_500_000, 4_000_000} { // as above
		o := limited(t, kib, "simulate", "balanced", "--n", "16000", "--for", "1ms", "--threads", "2", "--storage", "stored")
		switch o.code {
		case exitOK:
			done++
		case exitDevice:
			refused++
		default:
			t.Errorf("%d KiB: exit code %d, %.300s", kib, o.code, o.stderr)
		}
	}
	if refused == 0 || done == 0 {
		t.Errorf("%d limits were refused and %d enough, want some of each", refused, done)
	}
	if o := limited(t, 2_200_000, "simulate", "balanced", "--n", "16000", "--for", "1ms", "--threads", "2", "--json").ok(t); !strings.Contains(o.stdout, `"storage":"procedural"`) || !strings.Contains(o.stderr, "synapses do not fit into the memory: they are drawn again in each step") {
		t.Errorf("where they do not fit connections are told of by %s and %s", o.stdout, o.stderr)
	}
}
