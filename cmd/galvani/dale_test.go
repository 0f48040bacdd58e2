package main

import (
	"fmt"
	"testing"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels"

	"gorgonia.org/tensor"
)

// daleSteps is how many updates a network makes, at a rate that throws weights across zero.
const daleSteps = 6

// TestDaleSigns holds the weights that a network uses to their signs after every update, for every
// form of Dale's law, with units enough for rows and columns to differ.
func TestDaleSigns(t *testing.T) {
	t.Parallel()
	for _, device := range backends() {
		for _, form := range []string{"abs", "relu", "clamp"} {
			if device == "graph" && form != "abs" && hasScan() {
				continue // package models has every form on graphs
			}
			for _, model := range []string{"rate", "cond-varying", "crnn-simple"} {
				t.Run(fmt.Sprintf("%s %s %s", device, form, model), func(t *testing.T) {
					checkDaleSigns(t, "device", "cpu", "backend", device, "dale_form", form, "model", model)
				})
			}
		}
		for _, ratio := range []string{"0", "1"} { // units of one kind
			t.Run(fmt.Sprintf("%s ei_ratio %s", device, ratio), func(t *testing.T) {
				checkDaleSigns(t, "device", "cpu", "backend", device, "ei_ratio", ratio, "model", "cond-varying")
			})
		}
	}
}

// checkDaleSigns trains a network of the given keys and values.
func checkDaleSigns(t *testing.T, keys ...string) {
	t.Helper()
	given := layer{pairs: pairs("task", "dms", "dale", true, "hidden", config.Text("10"), "batch", config.Text("8"), "lr", config.Text("0.3"))}
	for i := 0; i < len(keys); i += 2 {
		given.pairs = append(given.pairs, config.Pair{Name: keys[i], Value: config.Text(keys[i+1])})
	}
	s, err := resolve(given)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	b, err := j.session.Batch(j.task.Train, 8)
	if err != nil {
		t.Fatal(err)
	}
	first := recurrent(t, j)
	moved := false
	for range daleSteps {
		if _, err := j.session.Step(b); err != nil {
			t.Fatal(err)
		}
		for i, used := range recurrent(t, j) {
			moved = moved || used != first[i]
			row, column := i/10, i%10
			sign := 1.0
			if column >= j.net.Excitatory() {
				sign = -1
			}
			if j.model.Name == "crnn-simple" { // its matrix is subtracted, with the leak on the diagonal
				if sign = -sign; row == column {
					sign = 1
				}
			}
			if used*float32(sign) < 0 {
				t.Fatalf("the weight of unit %d on unit %d is %v", column, row, used)
			}
		}
	}
	if !moved {
		t.Error("no weight was changed by the updates")
	}
}

// recurrent returns the recurrent matrix of currents [H,H] that a network uses.
func recurrent(t *testing.T, j *job) []float32 {
	t.Helper()
	state, err := j.session.State()
	if err != nil {
		t.Fatal(err)
	}
	var stored []*tensor.Dense
	for _, spec := range j.net.Specs() {
		if spec.Role == kernels.Readout {
			continue
		}
		saved, ok := state.Tensor(spec.Name)
		if !ok {
			t.Fatalf("the state lacks %s", spec.Name)
		}
		v, err := saved.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(v)))
	}
	used, err := j.net.OperandValues(stored)
	if err != nil {
		t.Fatal(err)
	}
	for i, spec := range j.net.Operands() {
		if spec.Role == kernels.Rec {
			return used[i].Data().([]float32)[:10*10] // other readings follow
		}
	}
	t.Fatalf("model %s has no recurrent matrix", j.model.Name)
	return nil
}
