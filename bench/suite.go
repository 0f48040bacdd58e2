package bench

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds of Case.
const (
	caseScan    = "scan"  // the fused scan against the matrix product
	caseGraph   = "graph" // the fused scan against the unrolled graph
	caseTrain   = "train" // a training step against the matrix product
	caseForm    = "form"  // a training step of a form of a network against that without it; scans also against a peer's
	caseHalf    = "bf16"  // the scan with products of bfloat16 against that of float32, where the CPU has them
	caseThreads = threads // the fused scan on all threads against the same on one
	casePeer    = "peer"  // the fused scan against another framework
	caseGemm    = "gemm"  // the products that costs refer to, measured where a case refers to them or they are asked for
)

// What is timed of a case.
const (
	forward = "forward"
	both    = "forward+backward"
	step    = "training step"
)

// Case is one comparison of the suite.
type Case struct {
	Kind, Model, What string
	Peer              string // form of the cell in the peer, e.g. "eager"
	Shape             Shape
	Bound             float64 // largest cost or least speed-up, 0 for none
	Rounds            float64 // relative to the default number
}

// String names the case, e.g. "scan crnn-simple forward B=32 H=256 T=200".
func (c Case) String() string {
	name := fmt.Sprintf("%s %s %s B=%d H=%d T=%d", c.Kind, c.Model, strings.TrimSpace(c.What+" "+c.Peer), c.Shape.B, c.Shape.H, c.Shape.T)
	if c.Shape.I != inputs {
		name += fmt.Sprintf(" I=%d", c.Shape.I)
	}
	return name
}

// The shapes of the suite.
var (
	middle = Shape{T: 200, B: 32, I: inputs, H: 256}
	wide   = Shape{T: 200, B: 32, I: inputs, H: 512}
	narrow = Shape{T: 200, B: 64, I: inputs, H: 128}
	small  = Shape{T: 200, B: 16, I: inputs, H: 64}
	square = Shape{T: 200, B: 64, I: 128, H: 128}
)

// bounds are the largest costs of forward+backward by shape. Small products leave less to
// hide the pointwise step behind.
var bounds = map[Shape]float64{middle: 1.45, wide: 1.25, narrow: 2.2}

// threadsAim is how many times faster two threads are than one at least.
const threadsAim = 1.9

// Suite returns the cases of a run, those of the peers in the given forms only.
func Suite(forms []string) []Case {
	var all []Case
	shapes := []Shape{narrow, middle, wide}
	for _, model := range []string{"crnn-simple", "crnn", "rnn", "gru", "lstm"} {
		for _, s := range shapes {
			bound := 0.0
			if model == "crnn-simple" {
				bound = bounds[s]
			}
			all = append(all,
				Case{Kind: caseScan, Model: model, What: forward, Shape: s},
				Case{Kind: caseScan, Model: model, What: both, Shape: s, Bound: bound})
		}
	}
	for _, s := range []Shape{narrow, middle} {
		all = append(all, Case{Kind: caseTrain, Model: "lstm", What: step, Shape: s, Bound: bounds[s]})
	}
	for _, form := range []string{"lstm:dale", "lstm:layers", "lstm:feedback"} {
		all = append(all, Case{Kind: caseTrain, Model: form, What: step, Shape: narrow})
	}
	for _, form := range []string{"rate:noise", "lstm:noise"} {
		all = append(all, Case{Kind: caseForm, Model: form, What: step, Shape: narrow, Bound: 1.15})
	}
	for _, form := range []string{"lstm:dropout", "lstm:h0", "lstm:layers"} {
		all = append(all, Case{Kind: caseForm, Model: form, What: step, Shape: narrow})
	}
	// A second layer reads H units, so that two cost twice one where that reads as many inputs.
	all = append(all, Case{Kind: caseForm, Model: "lstm:layers", What: step, Shape: square, Bound: 2.2},
		Case{Kind: caseForm, Model: "lstm:layers", What: both, Peer: "nn.LSTM", Shape: square, Bound: 2.2})
	for _, model := range []string{"crnn-simple", "lstm"} {
		for _, s := range []Shape{middle, wide} {
			all = append(all, Case{Kind: caseHalf, Model: model, What: both, Shape: s, Bound: 1.5})
		}
	}
	for _, model := range []string{"crnn-simple", "lstm"} {
		for _, s := range []Shape{middle, wide} {
			all = append(all, Case{Kind: caseThreads, Model: model, What: both, Shape: s, Bound: threadsAim})
		}
	}
	all = append(all, Case{Kind: caseGraph, Model: "crnn-simple", What: both, Bound: 20, Rounds: 0.3,
		Shape: Shape{T: 100, B: 64, I: inputs, H: 128}})
	// The small shape shows what each operation costs where there is little to multiply.
	for _, p := range peerForms {
		for _, s := range append([]Shape{small}, shapes...) {
			if p.bound > 0 && slices.Contains(forms, p.form) && s.within(p.most) {
				all = append(all, Case{Kind: casePeer, Model: p.model, Peer: p.form, What: both, Shape: s, Bound: p.aim(s)})
			}
		}
	}
	return all
}

// peerForm is a form of a cell in another framework.
type peerForm struct {
	model, form string
	bound       float64 // the least speed-up against it on a CPU; 0 for those that are timed on a GPU alone
	most        Shape   // that the form is timed at; the zero Shape for no limit
}

// aim returns the least speed-up at a shape. At 512 units a library's own LSTM is nearly all products, for which the machine has
// its limit.
func (p peerForm) aim(s Shape) float64 {
	if p.form == "nn.LSTM" && p.model == "lstm" && s == wide {
		return 1.6
	}
	return p.bound
}

// peerForms are the forms of cells in other frameworks.
var peerForms = []peerForm{
	{"crnn-simple", "eager", 10, Shape{}},
	{"crnn-simple", "script", 5, Shape{}},
	{"crnn-simple", "compile", 4, Shape{T: 200, H: 100}}, // its compiler takes five minutes for 200 steps
	{"crnn-simple", "scan", 4, Shape{}},
	{"crnn", "scan", 1, Shape{}},
	{"cond-gru", "scan", 1, Shape{}},
	{"rate", "scan", 4, Shape{}},
	{"lstm", "nn.LSTM", 2, Shape{}},
	{"lstm:layers", "nn.LSTM", 1.5, Shape{}},
	{"lstm", "scan", 1, Shape{}},
	{"rnn", "nn.RNN", 0, Shape{}},
	{"rnn", "scan", 0, Shape{}},
	{"gru", "nn.GRU", 0, Shape{}},
	{"gru", "scan", 0, Shape{}},
}

// peerBound returns the least speed-up of the model of a case against the peer in its form.
func peerBound(c Case) float64 {
	for _, p := range peerForms {
		if p.model == c.Model && p.form == c.Peer && c.Bound > 0 {
			return p.bound
		}
	}
	return 0
}

// within reports whether neither T nor H is above a limit.
func (s Shape) within(most Shape) bool {
	return most == Shape{} || s.T <= most.T && s.H <= most.H
}

// quick makes a case so small that it only shows that everything works.
func (c Case) quick() Case {
	c.Shape, c.Bound = Shape{T: 6, B: 4, I: 3, H: 16}, 0
	return c
}
