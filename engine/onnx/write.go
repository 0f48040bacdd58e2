package onnx

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"galvani/engine/safetensors"
)

// ErrModel means a network that no operator of ONNX computes.
var ErrModel = errors.New("not a network that ONNX has an operator for")

// Write writes a network, given its parameters under their names, and notes about it by name.
//
// A file of recurrent cells takes x [T,B,I] of sequences of one length and gives logits [T,B,O] and h [T,B,H] of the last
// layer; T and B may vary. A first state cell.h0 is part of it. One of model mlp takes x [B,I] and gives logits [B,O]; the
// note activation says what its hidden layers apply.
//
// Errors: ErrModel for another model, and for parameters that are not those of the model.
func Write(w io.Writer, model string, tensors []safetensors.Tensor, about map[string]string) error {
	n := &network{tensors: map[string]safetensors.Tensor{}}
	for _, t := range tensors {
		n.tensors[t.Name] = t
	}
	var err error
	switch op, ok := operators[model]; {
	case ok:
		n.op = op
		err = n.recurrent()
	case model == layered:
		err = n.layers(about["activation"])
	default:
		err = fmt.Errorf("%w; want one of %s", ErrModel, strings.Join(models(), ", "))
	}
	if err != nil {
		return fmt.Errorf("onnx: model %s: %w", model, err)
	}
	_, err = w.Write(n.graph.model(model, about["version"], slices.Sorted(maps.Keys(about)), about))
	return err
}

// models are the names that Write takes.
func models() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(operators)), layered)))
}

// network is what is written.
type network struct {
	op      operator // of a recurrent network
	tensors map[string]safetensors.Tensor
	graph   graph
}

// take returns the numbers of a parameter [r,c], or [r] with c of 0; a size of -1 may be any.
func (n *network) take(name string, r, c int) ([]float32, []int, error) {
	t, ok := n.tensors[name]
	want := []int{r, c}
	if c == 0 {
		want = want[:1]
	}
	fits := ok && len(t.Shape) == len(want)
	for k := 0; fits && k < len(want); k++ {
		fits = want[k] < 0 && t.Shape[k] > 0 || want[k] == t.Shape[k]
	}
	if !fits {
		return nil, nil, fmt.Errorf("%s is %v, want %v: %w", name, t.Shape, want, ErrModel)
	}
	v, err := t.Float32s()
	return v, t.Shape, err
}

func (n *network) has(name string) bool { _, ok := n.tensors[name]; return ok }
