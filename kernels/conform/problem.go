package conform

import (
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/random"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Problem is a scan with random numbers and a random linear functional of its output.
type Problem struct {
	Cfg    kernels.ScanConfig
	Args   kernels.ScanArgs
	Params []*tensor.Dense
	Weight *tensor.Dense // of the output
	kinked bool
}

// Sizes are those of a problem.
type Sizes struct {
	T, B, I, H     int
	Last, Sequence bool // Sequence: with mask and noise
}

// outside tells whether element i of a parameter lies outside of the columns that its matrix may
// have entries in, where gradients are not defined.
func outside(s kernels.Spec, i int) bool {
	if s.Supports == nil {
		return false
	}
	wide := s.Shape[1]
	in := s.Supports[i/wide/wide]
	return i%wide < in[0] || i%wide >= in[1]
}

// NewProblem draws a problem of a variant; equal seeds give equal numbers, in either type.
func NewProblem[F kernels.Float](v Variant, s Sizes, seed uint64) *Problem {
	r := rand.New(rand.NewPCG(seed, 1))
	shape, ok := cells.ShapeOf(v.Header)
	if !ok {
		panic("conform: no header " + v.Header)
	}
	p := &Problem{kinked: v.kinked(), Cfg: kernels.ScanConfig{
		Cell: kernels.Cell{Header: v.Header, States: shape.States, Rest: make([]float64, shape.States), Consts: v.Consts},
		T:    s.T, B: s.B, I: s.I, H: s.H, Last: s.Last, Masked: s.Sequence,
		Dtype: kernels.Wrap([]F{0}, 1).Dtype(),
	}}
	p.Cfg.Cell.Rest[0] = -0.25
	draw := func(f func(i int) float64, shape ...int) *tensor.Dense {
		b := make([]F, tensor.Shape(shape).TotalSize())
		for i := range b {
			b[i] = F(f(i))
		}
		return kernels.Wrap(b, shape...)
	}
	add := func(role kernels.Role, name string, f func(i int) float64, shape ...int) {
		p.Cfg.Params = append(p.Cfg.Params, kernels.Spec{Name: name, Role: role, Shape: shape, Learned: true})
		p.Params = append(p.Params, draw(f, shape...))
	}
	gauss := func(scale float64) func(int) float64 {
		return func(int) float64 { return scale * r.NormFloat64() }
	}
	input, drive := gauss(1), gauss(1/math.Sqrt(float64(s.I)))
	if cells.Positive(v.Header) {
		input = func(int) float64 { return r.Float64() / 10 } // a kernel of a synapse may have an area of some tens
		drive = func(int) float64 { return r.Float64() / float64(s.I) }
	}
	if shape.In > 0 {
		add(kernels.In, "in", drive, shape.In*s.H, s.I)
	}
	if shape.Rec > 0 {
		add(kernels.Rec, "rec", gauss(0.8/math.Sqrt(float64(s.H))), shape.Rec*s.H, s.H)
		if spec := &p.Cfg.Params[len(p.Cfg.Params)-1]; v.split() {
			for g := range shape.Rec {
				spec.Supports = append(spec.Supports, [2]int{s.H * g / shape.Rec, s.H * (g + 1) / shape.Rec})
			}
			rec := p.Params[len(p.Params)-1].Data().([]F)
			for i := range rec {
				if outside(*spec, i) {
					rec[i] = 0
				}
			}
		}
	}
	add(kernels.Vec, "first", func(int) float64 { return v.Vec(0, r) }, s.H)
	add(kernels.Vec, "rest", func(i int) float64 { return v.Vec(1+i/s.H, r) }, shape.Vecs-1, s.H)
	if shape.Axial >= 0 && s.H > 1 {
		g := &kernels.Axial{}
		for i := range s.H - 1 { // a chain and, in larger nets, some longer links
			g.I, g.J = append(g.I, int32(i)), append(g.J, int32(i+1))
			if i+3 < s.H && i%2 == 0 {
				g.I, g.J = append(g.I, int32(i+3)), append(g.J, int32(i))
			}
		}
		p.Cfg.Cell.Axial = g
		add(kernels.Edge, "edge", func(int) float64 { return 0.1 + 0.2*r.Float64() }, len(g.I))
	}
	p.Args.X = draw(input, s.T, s.B, s.I)
	p.Args.State = draw(gauss(0.3), shape.States, s.B, s.H)
	if s.Sequence {
		p.Args.Mask = draw(func(int) float64 {
			m := float64(min(1, r.IntN(4)))
			if v.irregular() {
				m *= float64(1+r.IntN(12)) / 4 // the same number in both types
			}
			return m
		}, s.T, s.B)
		p.Cfg.Noise = kernels.Noise{Drive: 0.1, Input: 0.05, Layer: 1}
		p.Args.Draw = kernels.NoiseDraw{Key: random.New(seed), First: 3}
	}
	p.Weight = draw(gauss(1), p.Cfg.Rows(), s.H)
	for _, t := range p.Params {
		p.Args.Params = append(p.Args.Params, t)
	}
	return p
}

// On returns the problem with its numbers on a device.
func (p *Problem) On(t testing.TB, d kernels.Device) *Problem {
	t.Helper()
	q := *p
	q.Args.X, q.Args.State = Put(t, d, p.Args.X), Put(t, d, p.Args.State)
	if p.Args.Mask != nil {
		q.Args.Mask = Put(t, d, p.Args.Mask)
	}
	q.Args.Params = nil
	for _, v := range p.Args.Params {
		q.Args.Params = append(q.Args.Params, Put(t, d, v))
	}
	return &q
}

// Run runs the problem on a device, there and back, and returns its plan, output and packed gradient.
func (p *Problem) Run(t testing.TB, d kernels.Device) (plan kernels.ScanPlan, h, grad gorgonia.Value) {
	t.Helper()
	q := p.On(t, d)
	plan, err := d.NewScan(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = plan.Forward(q.Args); err != nil {
		t.Fatal(err)
	}
	if grad, err = plan.Backward(q.Args, Put(t, d, p.Weight)); err != nil {
		t.Fatal(err)
	}
	return plan, h, grad
}

// round takes the rounded numbers of the same problem in float32.
func (p *Problem) round(q *Problem) {
	for i := range q.Params {
		copyTo64(p.Params[i], q.Params[i])
	}
	copyTo64(p.Args.X.(*tensor.Dense), q.Args.X.(*tensor.Dense))
	copyTo64(p.Args.State.(*tensor.Dense), q.Args.State.(*tensor.Dense))
	copyTo64(p.Weight, q.Weight)
}

// Calm scales the inputs, which slows the growth of h in variants that have no bound.
func Calm[F kernels.Float](p *Problem, factor float64) {
	x := Data[F](p.Args.X)
	for i := range x {
		x[i] *= F(factor)
	}
}
