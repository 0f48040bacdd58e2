package models

import (
	"fmt"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Forms of the parameter behind a time constant, numbered as kernels/cells/shared/tau.h numbers them.
const (
	tauFixed = iota
	tauSoftplus
	tauSigmoid
)

// timeConstant is a time constant τ of the units and the parameter behind it: τ itself where it is not
// learned, else t of τ = Δt + softplus(t), or a of Δt/τ = σ(a). A learned one is never below Δt.
//
// Units: time steps.
type timeConstant struct {
	name, of string  // s, "synaptic"
	dt, tau  float64 // τ before learning
	form     int
	shared   bool // one for all units
}

// TauSettings are the keys that cells whose time constants may be learned share.
type TauSettings struct {
	TauShape string `toml:"tau_shape" doc:"one time constant per unit, or one for all units" oneof:"unit|scalar"`
	TauForm  string `toml:"tau_form" needs:"learn!=none" doc:"what is learned: t of tau = dt + softplus(t), or a of dt/tau = sigmoid(a)" oneof:"softplus|sigmoid"`
}

// perUnit is their default.
var perUnit = TauSettings{TauShape: "unit", TauForm: "softplus"}

// timeConstant returns what makes the time constant tau_name of a part of a cell, in steps of dt; learn is all, or the one
// that is learned.
func (s TauSettings) timeConstant(learn string, dt float64) func(name, part string, tau float64) timeConstant {
	return func(name, part string, tau float64) timeConstant {
		form := tauSoftplus
		switch {
		case learn != "all" && learn != "tau_"+name:
			form = tauFixed
		case s.TauForm == "sigmoid":
			form = tauSigmoid
		}
		return timeConstant{name: name, of: part, dt: dt, tau: tau, form: form, shared: s.TauShape == "scalar"}
	}
}

// withTimeConstants adds the rows of time constants to a table of parameters.
func withTimeConstants(specs []kernels.Spec, d Dims, list []timeConstant) ([]kernels.Spec, error) {
	for _, t := range list {
		s, err := t.spec(d)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	return specs, nil
}

// param returns the name of the parameter.
func (t timeConstant) param() string {
	return []string{tauFixed: "tau_", tauSoftplus: "t_", tauSigmoid: "a_"}[t.form] + t.name
}

// spec returns the row of the parameter.
func (t timeConstant) spec(d Dims) (kernels.Spec, error) {
	s := kernels.Spec{Name: t.param(), Letters: "H", Shape: []int{d.H}, Role: kernels.Vec, Learned: t.form != tauFixed, Bound: kernels.Free()}
	if t.shared {
		s.Letters, s.Shape, s.Shared = "1", []int{1}, true
	}
	if s.Learned && !(t.tau > t.dt) {
		return s, fmt.Errorf("models: tau_%s is %v, want more than dt, %v, to learn it", t.name, t.tau, t.dt)
	}
	switch t.form {
	case tauSoftplus:
		s.Unit, s.Doc = "step", t.of+" time constant: dt + softplus of this"
		s.Init.A = t.tau - t.dt + math.Log(-math.Expm1(t.dt-t.tau))
	case tauSigmoid:
		s.Unit, s.Doc = "1", t.of+" time constant: dt / sigmoid of this"
		s.Init.A = -math.Log(t.tau/t.dt - 1)
	default:
		if !(t.tau >= t.dt) {
			return s, fmt.Errorf("models: tau_%s is %v, want at least dt, %v", t.name, t.tau, t.dt)
		}
		s.Unit, s.Doc = "step", t.of+" time constant"
		s.Init.A, s.Bound = t.tau, atLeast(t.dt)
	}
	return s, nil
}

// alpha returns Δt/τ as a plane.
func (t timeConstant) alpha(k *Ops, p *Params) *gorgonia.Node {
	dt := k.Const(t.dt)
	switch t.form {
	case tauSoftplus:
		return k.Div(dt, k.Add(k.Softplus(p.Vec(t.param(), 0)), dt))
	case tauSigmoid:
		return k.Sigmoid(p.Vec(t.param(), 0))
	}
	return k.Div(dt, p.Vec(t.param(), 0))
}

// derived returns those of the time constants that are learned, made of the stored parameters.
func derived(stored func(name string) []float32, list ...timeConstant) (arrays []Array) {
	for _, t := range list {
		if t.form == tauFixed {
			continue
		}
		from := stored(t.param())
		a := Array{Name: "tau_" + t.name, Unit: "step", Doc: t.of + " time constant", Shape: []int{len(from)}}
		for _, v := range from {
			x := float64(v)
			tau := t.dt + max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
			if t.form == tauSigmoid {
				tau = t.dt * (1 + math.Exp(-x))
			}
			a.Values = append(a.Values, float32(tau))
		}
		arrays = append(arrays, a)
	}
	return arrays
}
