package engine

import (
	"errors"
	"fmt"
	"hash/crc64"

	"galvani/engine/group"
	"galvani/engine/safetensors"
)

// sameEvery is the number of updates after which ranks compare what they hold.
const sameEvery = 100

// ErrUnequal is wrapped where ranks that should hold the same bits do not.
var ErrUnequal = errors.New("ranks hold different numbers")

// fingerprint is the hash of a tensor, or of the data files.
type fingerprint struct {
	Name string
	Hash uint64
}

// dataFiles is the name of the fingerprint of the data files.
const dataFiles = "the data files"

// compares reports whether the ranks have to compare what they hold before the next update.
func (t *trainer) compares() bool {
	return t.compared < 0 || t.progress.Step%sameEvery == 0 && t.compared != t.progress.Step
}

// same holds that all ranks have the same parameters and optimiser, bit by bit. The first time it also
// compares the data files.
//
// Errors: ErrUnequal, on all ranks, with the first tensor that differs; ErrState for other data files.
func (t *trainer) same() error {
	g := t.cfg.group()
	if g.Size() == 1 {
		return nil
	}
	own, err := t.fingerprints()
	if err != nil {
		return err
	}
	all, err := group.Exchange(g, own)
	if err != nil {
		return err
	}
	t.compared = t.progress.Step
	for rank, other := range all {
		if err := unequal(all[0], other, rank, t.progress.Step); err != nil {
			t.unable = true // nobody knows who is right; the checkpoint before stays
			return err
		}
	}
	return nil
}

func (t *trainer) fingerprints() (list []fingerprint, err error) {
	if err := t.steps.pull(); err != nil {
		return nil, err
	}
	table := crc64.MakeTable(crc64.ECMA)
	if t.compared < 0 {
		digest, err := t.digest()
		if err != nil {
			return nil, err
		}
		list = append(list, fingerprint{dataFiles, crc64.Checksum([]byte(digest), table)})
	}
	for _, b := range t.bindings() {
		list = append(list, fingerprint{b.name, crc64.Checksum(safetensors.Float32(b.name, b.shape, b.data).Data, table)})
	}
	return list, nil
}

// unequal compares what a rank holds with what rank 0 holds.
func unequal(first, other []fingerprint, rank, step int) error {
	for i, f := range first {
		switch {
		case i < len(other) && f == other[i]:
		case f.Name == dataFiles:
			return fmt.Errorf("engine: rank %d reads other data files than rank 0; give all machines the same files: %w", rank, ErrState)
		default:
			return fmt.Errorf("engine: after %d updates %s of rank %d is not that of rank 0, bit by bit: memory, processor or library of one of the machines is at fault; go on from the checkpoint before without it: %w",
				step, f.Name, rank, ErrUnequal)
		}
	}
	return nil
}
