package rundir

import (
	"crypto/sha256"
	"encoding/hex"

	"galvani/engine/safetensors"
)

// State is what a checkpoint holds: all that training needs to go on bit for bit.
//
// Parameters stand under their own names (cell.W, readout.weight), optimiser slots under
// those of SlotName.
type State struct {
	Step, Epoch int64
	Cursor      int64 // next batch within the epoch
	Seed        uint64
	Config      string // the whole config.toml
	Version     string // of the program that wrote it
	Device      string
	Model, Task string
	Best        float64 // best value of the watched metric so far; any float, NaN and Inf too
	Extra       map[string]string
	Tensors     []safetensors.Tensor

	Path string // where it was loaded from; Save does not look at it
}

// Tensor returns the tensor of that name.
func (s *State) Tensor(name string) (safetensors.Tensor, bool) {
	for _, t := range s.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return safetensors.Tensor{}, false
}

// ConfigHash returns the hash of Config by which a resumed run knows its settings again.
func (s *State) ConfigHash() string { return hash([]byte(s.Config)) }

// SlotName returns the name under which a checkpoint keeps an optimiser slot of a parameter.
func SlotName(slot, param string) string { return "optimizer." + slot + "." + param }

func hash(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
