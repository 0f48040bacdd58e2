package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/optimisers"
)

// decayNet has a parameter of every role.
type decayNet struct{ Network }

func (decayNet) Hidden() int { return 2 }
func (decayNet) Specs() []kernels.Spec {
	row := func(name string, role kernels.Role, shape ...int) kernels.Spec {
		return kernels.Spec{Name: name, Role: role, Shape: shape, Learned: true, Bound: kernels.Free(), Init: kernels.Init{A: 1}}
	}
	fixed := row("cell.tau", kernels.Vec, 2)
	fixed.Learned = false
	return []kernels.Spec{row("cell.U", kernels.In, 2, 3), row("cell.W", kernels.Rec, 2, 2), row("cell.b", kernels.Vec, 2), fixed,
		row("cell.gamma", kernels.Vec, 2, 2), row("cell.g_axial", kernels.Edge, 1),
		row("readout.weight", kernels.Readout, 2, 2), row("readout.bias", kernels.Readout, 2)}
}

// TestDecayActsOnMatrices holds which elements decay towards 0 of themselves, with a gradient of 0,
// with every rule.
func TestDecayActsOnMatrices(t *testing.T) {
	for _, tt := range []struct {
		on    []string
		moved []string
	}{
		{DefaultOptions().DecayOn, []string{"cell.U", "cell.W", "readout.weight"}},
		{[]string{"all"}, []string{"cell.U", "cell.W", "cell.b", "cell.gamma", "cell.g_axial", "readout.weight", "readout.bias"}},
		{[]string{"W", "readout.bias"}, []string{"cell.W", "readout.bias"}},
		{[]string{"matrices", "cell.gamma"}, []string{"cell.U", "cell.W", "cell.gamma", "readout.weight"}},
	} {
		for _, rule := range optimisers.Names() {
			p, err := NewParams[float32](decayNet{}, 1)
			if err != nil {
				t.Fatal(err)
			}
			o := DefaultOptions()
			o.Optimizer, o.WeightDecay, o.DecayOn = rule, 0.5, tt.on
			parts, err := p.parts(o)
			if err != nil {
				t.Fatal(err)
			}
			learned := p.Learned()
			opt, err := NewOptimizer(o, len(learned), parts)
			if err != nil {
				t.Fatal(err)
			}
			opt.Update(learned, make([]float32, len(learned)), 0.1, 1)
			for i, s := range p.Specs() {
				want := slices.Contains(tt.moved, s.Name)
				for _, v := range p.slice(i) {
					if (v < 1) != want || v <= 0 {
						t.Errorf("%v, %s: %s went from 1 to %v; want it to decay: %t", tt.on, rule, s.Name, v, want)
					}
				}
			}
		}
	}
}

func TestDecayRefuses(t *testing.T) {
	p, err := NewParams[float32](decayNet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.WeightDecay = 0.5
	for _, on := range [][]string{{"matrixes"}, {"W", "tau"}, {}} { // tau is not learned
		o.DecayOn = on
		if _, err := p.parts(o); !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), "cell.gamma") {
			t.Errorf("%v gave %v, want ErrOption with the names", on, err)
		}
	}
}

// clippedNet is decayNet with a read-out whose bias learns apart from the loss.
type clippedNet struct{ decayNet }

func (n clippedNet) Specs() []kernels.Spec {
	list := n.decayNet.Specs()
	list[len(list)-1].Clip = kernels.Apart
	return list
}

// TestPartsByClipping holds the runs of parameters that the limit on the norm of the gradient leaves alone, with
// and without weight decay.
func TestPartsByClipping(t *testing.T) {
	p, err := NewParams[float32](clippedNet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for decay, want := range map[float64]bool{0: true, 0.5: false} {
		o := DefaultOptions()
		o.WeightDecay = decay
		parts, err := p.parts(o)
		if err != nil {
			t.Fatal(err)
		}
		if last := parts[len(parts)-1]; last != (kernels.Part{Len: 2, Decays: want, Clip: kernels.Apart}) {
			t.Errorf("weight decay %g: the last run is %+v, want 2 elements apart, decaying %t", decay, last, want)
		}
		for _, part := range parts[:len(parts)-1] {
			if part.Clip != kernels.Counted {
				t.Errorf("weight decay %g: %+v is not counted", decay, part)
			}
		}
	}
}

// TestPartsByTensor has each learned parameter be a run of its own with clip_by = tensor, those apart from the loss too.
func TestPartsByTensor(t *testing.T) {
	p, err := NewParams[float32](clippedNet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.ClipBy = "tensor"
	parts, err := p.parts(o)
	if err != nil {
		t.Fatal(err)
	}
	var want []kernels.Part
	for _, s := range p.specs {
		if s.Learned {
			want = append(want, kernels.Part{Len: s.Len(), Decays: true, Clip: s.Clip, Alone: true})
		}
	}
	if !slices.Equal(parts, want) {
		t.Errorf("runs %+v, want %+v", parts, want)
	}
	o.Clip = 0
	if parts, err = p.parts(o); err != nil || len(parts) != 2 {
		t.Errorf("without a limit %+v, error %v, want what is clipped and what is apart", parts, err)
	}
}

// backNet is decayNet with two ways back: a twin of the read-out's weights, and one that has a rule of its own.
type backNet struct{ decayNet }

func (n backNet) Specs() []kernels.Spec {
	row := func(name string, clip kernels.Clipping, twin string) kernels.Spec {
		return kernels.Spec{Name: name, Role: kernels.Readout, Shape: []int{2, 2}, Learned: true, Bound: kernels.Free(), Init: kernels.Init{A: 1}, Clip: clip, Twin: twin}
	}
	return append(n.decayNet.Specs(), row("back.twin", kernels.Scaled, "readout.weight"), row("back.own", kernels.Apart, ""))
}

// TestDecayOfTheWayBack holds that a twin decays where its weight does and nowhere else, so that both come to be alike, and that
// what has a rule of its own does not, whatever decay_on names; neither may be named.
func TestDecayOfTheWayBack(t *testing.T) {
	p, err := NewParams[float32](backNet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	twin, own := len(p.specs)-2, len(p.specs)-1
	o := DefaultOptions()
	o.WeightDecay = 0.5
	for on, want := range map[string]bool{"matrices": true, "all": true, "readout.weight": true, "cell.U": false, "readout.bias": false} {
		o.DecayOn = []string{on}
		decays, err := p.decays(o)
		if err != nil {
			t.Fatal(err)
		}
		if decays[twin] != want || decays[own] {
			t.Errorf("decay_on %s: the twin decays: %t, want %t; the other way back: %t, want false", on, decays[twin], want, decays[own])
		}
	}
	for _, on := range []string{"back.twin", "back.own"} {
		o.DecayOn = []string{on}
		if _, err := p.parts(o); !errors.Is(err, ErrOption) || strings.Contains(err.Error(), "some of cell.U, cell.W, cell.b, cell.gamma, cell.g_axial, readout.weight, readout.bias, back") {
			t.Errorf("%s gave %v, want ErrOption without ways back among the names", on, err)
		}
	}
}
