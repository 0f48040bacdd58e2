package models_test

import (
	"errors"
	"strings"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"

	"gorgonia.org/gorgonia"
)

// own is a cell of a program's own, of which spoil makes one that cannot work.
type own struct {
	specs []kernels.Spec
	scan  kernels.Cell
	step  models.Step
	asks  string
}

func (o *own) Params(models.Dims) ([]kernels.Spec, error) { return o.specs, nil }
func (o *own) Scan(models.Dims) (kernels.Cell, error)     { return o.scan, nil }
func (o *own) Unroll(k *models.Ops, p *models.Params) models.Step {
	u := p.In(o.asks, 0)
	if o.step != nil || o.asks == "" {
		return o.step
	}
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		return []*gorgonia.Node{k.Tanh(k.Add(k.MatMul(x, u), s[0]))}
	}
}

// TestOwnCell trains a cell that only the program has, and names what is wrong with one that cannot work.
func TestOwnCell(t *testing.T) {
	task, err := (&data.Copy{Delay: 1, Symbols: 2, Categories: 2, Sampling: data.Sampling{TrainSize: 16, TestSize: 16}}).Open(data.Env{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	begin := func(spoil func(o *own)) (*engine.Session, error) {
		o := &own{asks: "U", scan: kernels.Cell{States: 1, Rest: []float64{0}}, specs: []kernels.Spec{{Name: "U", Letters: "H I", Shape: []int{3, task.I},
			Role: kernels.In, Init: kernels.Init{Kind: kernels.XavierUniform, A: 1}, Bound: kernels.Free(), Learned: true}}}
		spoil(o)
		net, err := models.Bind("own", o, models.Dims{I: task.I, H: 3, O: task.O})
		if err != nil {
			return nil, err
		}
		return engine.NewSession(engine.Config{Net: net, Task: task, Options: engine.DefaultOptions()})
	}
	s, err := begin(func(*own) {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.Train(t.Context(), nil, nil); err != nil || r.Outcome != engine.Done {
		t.Errorf("training ended %v, error %v", r.Outcome, err)
	}
	for want, spoil := range map[string]func(o *own){
		"parameter 0 of the cell has the name \"\"":               func(o *own) { o.specs[0].Name = "" },
		"the name \"U\" and the shape []":                         func(o *own) { o.specs[0].Shape = nil },
		"U is [4 4], want planes of 12 numbers, with I=4 and H=3": func(o *own) { o.specs[0].Shape = []int{4, task.I} },
		"the bounds of the learned parameter cell.U are 0 and 0":  func(o *own) { o.specs[0].Bound = kernels.Bound{} },
		"2 planes of the state and 1 values at rest":              func(o *own) { o.scan.States = 2 },
		"0 planes of the state and 0 values at rest":              func(o *own) { o.scan = kernels.Cell{} },
		"own: the cell uses plane 0 of \"V\"":                     func(o *own) { o.asks = "V" },
		"Unroll of the cell returns no step":                      func(o *own) { o.asks = "" },
		"the step returns 0 planes of the state, want 1":          func(o *own) { o.step = func(*gorgonia.Node, []*gorgonia.Node) []*gorgonia.Node { return nil } },
		"want 1, none of them nil": func(o *own) {
			o.step = func(*gorgonia.Node, []*gorgonia.Node) []*gorgonia.Node { return []*gorgonia.Node{nil} }
		},
	} {
		if _, err := begin(spoil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	dev := kernels.ScanConfig{Cell: kernels.Cell{States: 1}}
	if err := dev.Check(); !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), "has no header, so it runs on the unrolled graph alone") {
		t.Errorf("a device says of a cell without a header: %v", err)
	}
}
