package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// goldenTolerance is what two float64 implementations may differ by over a few steps. The
// bound of the house is 1e-6; Gorgonia's sigmoid, which is 1 from 19 on, is off by 6e-9.
const goldenTolerance = 1e-8

// TestGolden holds the graph to the reference: hidden states, last state and logits, with
// masks and outputs at every step.
func TestGolden(t *testing.T) {
	for _, v := range variants(t) {
		for i, s := range v.sizes() {
			t.Run(v.name+" "+s.String(), func(t *testing.T) {
				x := newFixture(t, v, s, featured(i+1))
				x.run(t)
				h, final, logits := x.expect(t, v.cell)
				near(t, "h", x.h(t), h, goldenTolerance)
				near(t, "final state", x.final(t), final, goldenTolerance)
				near(t, "logits", numbers(x.logits), logits, goldenTolerance)
			})
		}
	}
}

// TestGoldenCanFail plants faults: references of other settings must not agree.
func TestGoldenCanFail(t *testing.T) {
	s := size{T: 3, B: 2, I: 2, H: 3, O: 2}
	x := newFixture(t, variant{name: "crnn", cell: NewCRNN()}, s, every)
	x.run(t)
	for name, change := range map[string]func(*CRNN){
		"step":   func(c *CRNN) { c.Stepping = "implicit" },
		"kernel": func(c *CRNN) { c.SynKernel = "ema" },
		"graph":  func(c *CRNN) { c.Graph = "none" },
		"signs":  func(c *CRNN) { c.Signs = "literal" },
		"dt":     func(c *CRNN) { c.Dt = 1.01 },
	} {
		c := NewCRNN()
		change(c)
		if h, _, _ := x.expect(t, c); mismatch(x.h(t), h, 1e-6) == "" {
			t.Errorf("a fault in %s would go unseen", name)
		}
	}
}

// expect runs the reference over the fixture. The layers are the same reference one after the other, each on
// h of the one below. H and the last states of all layers lie behind each other.
func (x *fixture) expect(t *testing.T, cell Cell) (h, final, logits []float64) {
	t.Helper()
	s := x.size
	used := map[string][]float64{}
	for i, spec := range x.net.Specs() {
		layer := 0
		if at := strings.LastIndex(spec.Name, "_l"); at > 0 {
			fmt.Sscan(spec.Name[at+2:], &layer)
		}
		used[spec.Name] = x.net.wiring.reference(spec, layer, x.values[spec.Name], x.net.ParamUnits(i))
	}
	in, state := x.seq.X.Data().([]float64), x.seq.State.Data().([]float64)
	width := s.I
	var rows, forward []float64
	seen := x.net.seen(x.net.levels - 1)
	for _, own := range x.net.layers {
		p := map[string][]float64{excitatoryUnits: {math.Round(x.net.wiring.EIRatio * float64(s.H))}}
		for _, spec := range own.params {
			p[spec.Name] = used[own.rename(spec.Name)]
			p[strings.TrimSuffix(spec.Name, "_l0")] = p[spec.Name]
		}
		if own.level > 0 && x.net.above != nil {
			cell = x.net.above[own.level-1]
		}
		c, ok := cell.(referenced)
		if !ok {
			t.Fatalf("%T has no method reference; write one in NAME_reference_test.go", cell)
		}
		if own.level > 0 && x.net.norm && !own.back {
			in = normalised(in, used[own.rename("norm.weight")], used[own.rename("norm.bias")])
		}
		read := in
		if own.back {
			read = x.turned(in, width)
		}
		rests := own.scan.Rest
		y := *x
		y.size.H = own.dims.H
		if own.back && x.seq.Mask != nil { // each step keeps its length, and whether it counts
			y.seq.Mask = tensor.New(tensor.WithShape(s.T, s.B), tensor.WithBacking(x.turned(x.seq.Mask.Data().([]float64), 1)))
		}
		last := append([]float64(nil), state[own.before*s.B:][:len(rests)*s.B*y.size.H]...)
		rows = y.layer(c, p, read, width, last, len(rests))
		h, final = append(h, rows...), append(final, last...)
		switch {
		case !x.net.both:
			in, width = rows, y.size.H
		case !own.back:
			forward = rows
		case own.top():
			rows = beside(forward, rows, y.size.H)
		default:
			in, width = beside(forward, x.turned(rows, y.size.H), y.size.H), 2*y.size.H
		}
	}
	if !x.seq.Every {
		rows = rows[(s.T-1)*s.B*seen:]
	}
	for n := range len(rows) / seen {
		for o := range s.O {
			logits = append(logits, used["readout.bias"][o]+row(used["readout.weight"], o, rows[n*seen:(n+1)*seen]))
		}
	}
	return h, final, logits
}

// turned returns rows [T,B,n] from the last step of each sequence to its first.
func (x *fixture) turned(rows []float64, n int) []float64 {
	s, out := x.size, slices.Clone(rows)
	for b := range s.B {
		end := s.T
		for x.seq.Mask != nil && end > 0 && x.seq.Mask.Data().([]float64)[(end-1)*s.B+b] == 0 {
			end--
		}
		for t := range end {
			copy(out[(t*s.B+b)*n:][:n], rows[((end-1-t)*s.B+b)*n:])
		}
	}
	return out
}

// beside returns rows of h numbers each beside each other.
func beside(a, b []float64, h int) (out []float64) {
	for at := 0; at < len(a); at += h {
		out = append(append(out, a[at:at+h]...), b[at:at+h]...)
	}
	return out
}

// normalised is the reference of kernels.LayerNorm, in the words of Ba et al. (2016), equation 4.
func normalised(rows, gain, bias []float64) (out []float64) {
	h := len(gain)
	for at := 0; at < len(rows); at += h {
		mean, variance := 0.0, 0.0
		for _, v := range rows[at : at+h] {
			mean += v / float64(h)
		}
		for _, v := range rows[at : at+h] {
			variance += (v - mean) * (v - mean) / float64(h)
		}
		for i, v := range rows[at : at+h] {
			out = append(out, gain[i]*(v-mean)/math.Sqrt(variance+1e-5)+bias[i])
		}
	}
	return out
}

// layer runs the reference of a cell of S planes over a sequence in [T,B,width] from a state [S,B,H], which becomes the
// last one, and returns h [T,B,H].
func (x *fixture) layer(c referenced, p map[string][]float64, in []float64, width int, state []float64, planes int) []float64 {
	s := x.size
	h := make([]float64, s.T*s.B*s.H)
	for b := range s.B {
		column := make([]float64, planes*s.H)
		for k := range planes {
			copy(column[k*s.H:(k+1)*s.H], state[(k*s.B+b)*s.H:])
		}
		for n := range s.T {
			old := append([]float64(nil), column...)
			p[stepLength] = []float64{1}
			if x.seq.Mask != nil {
				p[stepLength][0] = x.seq.Mask.Data().([]float64)[n*s.B+b]
			}
			c.reference(p, in[(n*s.B+b)*width:(n*s.B+b+1)*width], column, width, s.H)
			if x.seq.Mask != nil && x.seq.Mask.Data().([]float64)[n*s.B+b] == 0 {
				column = old
			}
			copy(h[(n*s.B+b)*s.H:], column[:s.H])
		}
		for k := range planes {
			copy(state[(k*s.B+b)*s.H:(k*s.B+b+1)*s.H], column[k*s.H:(k+1)*s.H])
		}
	}
	return h
}
