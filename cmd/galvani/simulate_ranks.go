package main

import (
	"context"
	"encoding/json"
	"fmt"

	"galvani/engine/infile"
	"galvani/engine/safetensors"
	"galvani/kernels"
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

// readResumed is readSaved for the file of --resume, which rank 0 reads and tells the others of.
func (f *simulateFlags) readResumed() (*saved, *safetensors.File, error) {
	if f.ranks.Size() == 1 {
		return readSaved(f.resume)
	}
	var content []byte
	if f.ranks.Rank() == 0 {
		var err error
		if content, err = infile.Read(f.resume); err != nil {
			return nil, nil, missingInput(err)
		}
	}
	all, err := f.ranks.Gather(content)
	if err != nil {
		return nil, nil, err
	}
	file, err := safetensors.Decode(all[0], f.resume)
	if err != nil {
		return nil, nil, err
	}
	s := &saved{state: &kernels.CircuitState{}}
	return s, file, checkSaved(file, f.resume, savedFormat, s, &s.state.Step)
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
