package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// agree holds that all ranks make the same simulation.
//
// Errors: those of agree.
func (f *simulateFlags) agree(now *saved) error {
	about, err := json.Marshal(now)
	if err != nil {
		return err
	}
	from := ""
	if f.file != nil {
		from = f.file.Metadata["sha256"]
	}
	return agree(f.ranks, fmt.Sprintf("the network %s", about), fmt.Sprintf("--sweep %q", f.sweep), fmt.Sprintf("--save %q", f.save),
		fmt.Sprintf("--resume %q (sha256 %.8s)", f.resume, from))
}

// vote reports on all ranks whether any of them is asked to stop, and whether rank 0 finds a save due.
func (f *simulateFlags) vote(ctx context.Context, due bool) (stop, save bool, err error) {
	votes := []float64{0, 0}
	if ctx.Err() != nil {
		votes[0] = 1
	}
	if due && f.ranks.Rank() == 0 {
		votes[1] = 1
	}
	err = f.ranks.Sum(nil, votes)
	return votes[0] > 0, votes[1] > 0, err
}
