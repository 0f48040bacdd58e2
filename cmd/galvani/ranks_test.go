package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDryRunRanks trains with 4 shards on 1, 2 and 4 ranks, also resumed with another number of ranks,
// and wants the same bits in all checkpoints. On the unrolled graph and on the fused scan.
func TestDryRunRanks(t *testing.T) {
	t.Parallel()
	for _, backend := range backends() {
		shards := []string{"--backend", backend, "--shards", "4"}
		one := trained(t, shards...)
		for _, n := range []string{"2", "4"} {
			sameWeights(t, backend+", "+n+" ranks", trained(t, args(shards, "--dry-run-ranks", n)...), one)
		}
		o := galvani(t, args(tiny, args(shards, "--dry-run-ranks", "2", "--max-steps", "1", "--runs-dir", t.TempDir())...)...).ok(t)
		if line := "ranks: 2 in this process, with 4 shards of each batch\n"; !strings.Contains(o.stderr, line) {
			t.Errorf("%s: stderr lacks %q: %s", backend, line, o.stderr)
		}
		half := trained(t, args(shards, "--dry-run-ranks", "4", "--max-steps", "5")...)
		galvani(t, "train", "--resume", half, "--max-steps", "0", "--dry-run-ranks", "2", "--quiet", "--runs-dir", filepath.Dir(half)).ok(t)
		sameWeights(t, backend+", resumed with 2 ranks", half, one)
	}
}

// TestRanksTakeOver resumes a run that was begun with whole batches on ranks, which divide them from then on and
// say so, and wants the bits of one process that is told to. The run keeps its shards.
func TestRanksTakeOver(t *testing.T) {
	t.Parallel()
	half := func() string { return trained(t, "--max-steps", "5") }
	resume := func(dir string, more ...string) string {
		return galvani(t, args([]string{"train", "--resume", dir, "--runs-dir", filepath.Dir(dir)}, more...)...).ok(t).stderr
	}
	alone, ranks := half(), half()
	resume(alone, "--max-steps", "7", "--shards", "8")
	if said := resume(ranks, "--max-steps", "6", "--dry-run-ranks", "2"); !strings.Contains(said, "shards: 8 from update 5 on instead of 1") {
		t.Errorf("says %s", said)
	}
	if said := resume(ranks, "--max-steps", "7"); strings.Contains(said, "instead") {
		t.Errorf("says %s", said)
	}
	sameWeights(t, "ranks", ranks, alone)
}

func TestDryRunRanksRefused(t *testing.T) {
	for want, more := range map[string][]string{
		"1 parts for 2 ranks": {"--shards", "1", "--dry-run-ranks", "2"},
		"accumulate is 4, and each of 4 ranks has 2 of 8 shards":  {"--accumulate", "4", "--dry-run-ranks", "4"},
		`key "accumulate" has no effect: it needs`:                {"--accumulate", "2", "--shards", "1"},
		"4 parts for 8 ranks":                                     {"--shards", "4", "--dry-run-ranks", "8"},
		"5 parts for 1 ranks":                                     {"--shards", "5"},
		"batches of 8 sequences cannot be divided into 16 shards": {"--shards", "16"},
	} {
		o := galvani(t, args(tiny, args(more, "--runs-dir", t.TempDir())...)...)
		o.refused(t, exitConfig, want)
		if strings.Count(strings.TrimSpace(o.stderr), "\n") > 0 {
			t.Errorf("more than one line: %s", o.stderr)
		}
	}
}
