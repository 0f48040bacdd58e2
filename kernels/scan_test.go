//go:build cgo

package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/kernels/cpu"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

const (
	// tolAdjoint bounds the relative error of a float64 adjoint against central differences
	// with step 1e-5: truncation h² and rounding eps/h are both near 1e-10.
	tolAdjoint = 1e-6
	// tolForward32 and tolGrad32 bound float32 results against float64 ones of the same
	// source: a few hundred rounding errors of 6e-8 through a contracting or mildly
	// expanding recurrence, and products of them in gradients.
	tolForward32 = 1e-5
	tolGrad32    = 1e-4
)

// variant is a cell with constants under which its parameters may be drawn at random.
type variant struct {
	name   string
	header string
	consts []float64
	// vec draws plane k of the raw vector planes.
	vec func(k int, r *rand.Rand) float64
}

// split tells whether the recurrent matrices of v share the columns: each has entries in a part of
// them.
func (v variant) split() bool { return strings.HasSuffix(v.name, "/split") }

func centred(_ int, r *rand.Rand) float64 { return 0.5 * r.NormFloat64() }

// crnnVec draws the planes of kernels/cells/crnn.h from physiological ranges.
func crnnVec(k int, r *rand.Rand) float64 {
	u := r.Float64()
	switch {
	case k < 2: // gamma
		return 0.2 + u
	case k < 12: // gates, E_c
		return 2*u - 1
	case k == 12, k == 14: // g_L, C_m
		return 0.5 + u
	case k < 17: // E_L, E_exc, E_inh
		return 2*u - 1
	case k == 17: // tau_s
		return 2 + u
	}
	return 8 + u // tau_l, away from tau_s: their difference divides in dualexp
}

// rateVec draws the planes of kernels/cells/rate.h for a rate function and time constants of the
// given form. Rectified units are on or off and seldom near the kink, where the rounding of
// products to bf16 decides on the gradient.
func rateVec(f, form int) func(k int, r *rand.Rand) float64 {
	return func(k int, r *rand.Rand) float64 {
		switch {
		case k == 0 && f == 1:
			return 3 * (1 - 2*float64(r.IntN(2)))
		case k > 0 && form == 0:
			return 1.2 + 3*r.Float64()
		}
		return centred(k, r)
	}
}

// syn gives the constants of the synapse in kernels/cells/crnn_simple.h for tau_s = 2, tau_l = 8.
func syn(kind string) []float64 {
	ds, dl := math.Exp(-1.0/2), math.Exp(-1.0/8)
	switch kind {
	case "alpha":
		return []float64{ds, ds, 0, ds, 1, 1, 0, -1.0 / 2, -1.0 / 2, 0, 1}
	case "dualexp":
		return []float64{ds, 0, 1, dl, 1, -16.0 / 6, 16.0 / 6, -1.0 / 2, -1.0 / 8, 0, 0}
	case "ema":
		return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, 0, -1.0 / 2, -1.0 / 8, 0, 0}
	case "ema_diff":
		return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, -1, -1.0 / 2, -1.0 / 8, 0, 0}
	}
	return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, -1, -1.0 / 2, -1.0 / 8, 1, 0}
}

func variants() []variant {
	vs := []variant{
		{"rnn", "rnn", []float64{0}, centred},
		{"rnn-relu", "rnn", []float64{1}, centred},
		{"lstm", "lstm", nil, centred},
		{"gru", "gru", nil, centred},
	}
	for i, kind := range []string{"ema", "ema_diff", "ema_diff_relu", "alpha", "dualexp"} {
		vs = append(vs, variant{"crnn-simple/" + kind, "crnn_simple", append([]float64{0.2, 1}, syn(kind)...), centred},
			variant{"crnn/exp/" + kind, "crnn", []float64{0.5, 0, 1, float64(i)}, crnnVec})
	}
	// The power laws: one stays above its threshold, where the second derivative is not
	// continuous; the other goes through it.
	for i, law := range [][]float64{{0}, {1}, {2}, {3}, {4, 0.3, -8, 0.6}, {4, 0.1, 0, 2}, {5}} {
		form := i % 3
		consts := []float64{law[0], 0.7, float64(form), float64(form), 1, 0, 1}
		copy(consts[4:], law[1:])
		vs = append(vs, variant{fmt.Sprintf("rate/%v", law), "rate", consts, rateVec(int(law[0]), form)})
	}
	// Updates implicit, explicit and convex; functions relu, tanh and sigmoid; dynamics of voltages and
	// rates; gates sigmoid and softplus.
	vs = append(vs,
		variant{"cond/implicit", "cond", []float64{0, 1, 0, 0.7, 0.7, 0}, centred},
		variant{"cond/convex", "cond", []float64{2, 0, 1, 1, 1, 0}, centred},
		variant{"cond-ei/implicit", "cond_ei", []float64{0, 0, 1, 0.7, 0.7, 1}, centred},
		variant{"cond-ei/explicit", "cond_ei", []float64{1, 2, 0, 0.3, 0.3, 0}, centred},
		variant{"cond-ei/split", "cond_ei", []float64{0, 2, 0, 0.7, 0.7, 0}, centred},
		variant{"cond-fixed/explicit", "cond_fixed", []float64{1, 2, 0, 0.7}, centred})
	return append(vs,
		variant{"crnn-simple/literal", "crnn_simple", append([]float64{0.1, -1}, syn("ema")...), centred},
		variant{"crnn/implicit", "crnn", []float64{0.5, 1, 1, 2}, crnnVec},
		variant{"crnn/euler", "crnn", []float64{0.2, 2, 1, 2}, crnnVec},
		variant{"crnn/literal", "crnn", []float64{0.1, 0, -1, 2}, crnnVec},
		variant{"crnn-simple/irregular", "crnn_simple", append(append([]float64{0.1, 1}, syn("dualexp")...), 1), centred},
		variant{"crnn/irregular", "crnn", []float64{0.5, 0, 1, 3, 1}, crnnVec})
}

// irregular tells whether the mask of v holds lengths of steps.
func (v variant) irregular() bool { return strings.HasSuffix(v.name, "/irregular") }

// problem is a scan with random numbers and a random linear functional of its output.
type problem struct {
	cfg    ScanConfig
	args   ScanArgs
	params []*tensor.Dense
	weight *tensor.Dense // of the output
}

type sizes struct {
	T, B, I, H     int
	last, sequence bool // sequence: with mask, resets
}

// outside tells whether element i of a parameter lies outside of the columns that its matrix may
// have entries in, where gradients are not defined.
func (s Spec) outside(i int) bool {
	if s.Supports == nil {
		return false
	}
	wide := s.Shape[1]
	in := s.Supports[i/wide/wide]
	return i%wide < in[0] || i%wide >= in[1]
}

func newProblem[F float](v variant, s sizes, seed uint64) *problem {
	r := rand.New(rand.NewPCG(seed, 1))
	shape := cpu.Cells()[v.header]
	p := &problem{cfg: ScanConfig{
		Cell: Cell{Header: v.header, States: shape.States, Rest: make([]float64, shape.States), Consts: v.consts},
		T:    s.T, B: s.B, I: s.I, H: s.H, Last: s.last, Masked: s.sequence, Resets: s.sequence,
		Dtype: wrap([]F{0}, 1).Dtype(),
	}}
	p.cfg.Cell.Rest[0] = -0.25
	draw := func(f func(i int) float64, shape ...int) *tensor.Dense {
		b := make([]F, tensor.Shape(shape).TotalSize())
		for i := range b {
			b[i] = F(f(i))
		}
		return wrap(b, shape...)
	}
	add := func(role Role, name string, f func(i int) float64, shape ...int) {
		p.cfg.Params = append(p.cfg.Params, Spec{Name: name, Role: role, Shape: shape, Learned: true})
		p.params = append(p.params, draw(f, shape...))
	}
	gauss := func(scale float64) func(int) float64 {
		return func(int) float64 { return scale * r.NormFloat64() }
	}
	// The conductances of the full cell must not be negative, or it has no bound.
	input, drive := gauss(1), gauss(1/math.Sqrt(float64(s.I)))
	if v.header == "crnn" {
		gain := 1.0
		if v.consts[3] >= 3 { // alpha and dualexp have an area of tau_s tau_l
			gain = 10
		}
		input = func(int) float64 { return r.Float64() / gain }
		drive = func(int) float64 { return r.Float64() / float64(s.I) }
	}
	if shape.In > 0 {
		add(In, "in", drive, shape.In*s.H, s.I)
	}
	if shape.Rec > 0 {
		add(Rec, "rec", gauss(0.8/math.Sqrt(float64(s.H))), shape.Rec*s.H, s.H)
		if spec := &p.cfg.Params[len(p.cfg.Params)-1]; v.split() {
			for g := range shape.Rec {
				spec.Supports = append(spec.Supports, [2]int{s.H * 2 * g / 3, min(s.H, s.H*2*(g+1)/3)})
			}
			rec := p.params[len(p.params)-1].Data().([]F)
			for i := range rec {
				if spec.outside(i) {
					rec[i] = 0
				}
			}
		}
	}
	add(Vec, "first", func(int) float64 { return v.vec(0, r) }, s.H)
	add(Vec, "rest", func(i int) float64 { return v.vec(1+i/s.H, r) }, shape.Vecs-1, s.H)
	if shape.Axial >= 0 && s.H > 1 {
		g := &Axial{}
		for i := range s.H - 1 { // a chain and, in larger nets, some longer links
			g.I, g.J = append(g.I, int32(i)), append(g.J, int32(i+1))
			if i+3 < s.H && i%2 == 0 {
				g.I, g.J = append(g.I, int32(i+3)), append(g.J, int32(i))
			}
		}
		p.cfg.Cell.Axial = g
		add(Edge, "edge", func(int) float64 { return 0.1 + 0.2*r.Float64() }, len(g.I))
	}
	p.args.X = draw(input, s.T, s.B, s.I)
	p.args.State = draw(gauss(0.3), shape.States, s.B, s.H)
	if s.sequence {
		p.args.Mask = draw(func(int) float64 {
			m := float64(min(1, r.IntN(4)))
			if v.irregular() {
				m *= float64(1+r.IntN(12)) / 4 // the same number in both types
			}
			return m
		}, s.T, s.B)
		p.args.Reset = draw(func(int) float64 { return float64(max(0, r.IntN(5)-3)) }, s.T, s.B)
	}
	p.weight = draw(gauss(1), p.cfg.rows(), s.H)
	for _, t := range p.params {
		p.args.Params = append(p.args.Params, t)
	}
	return p
}

func data[F float](v gorgonia.Value) []F { return v.(*tensor.Dense).Data().([]F) }

// value returns the functional of the output of a forward run.
func value[F float](t *testing.T, p *problem, plan ScanPlan) float64 {
	t.Helper()
	h, err := plan.Forward(p.args)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	w := data[F](p.weight)
	for i, x := range data[F](h) {
		sum += float64(x) * float64(w[i])
	}
	return sum
}

// checkAdjoint compares the packed gradient with central differences of the elements that
// pick selects, and returns the largest relative error.
func checkAdjoint(t *testing.T, p *problem, threads int, pick func(i int) bool) float64 {
	t.Helper()
	dev, err := OpenCPU(threads)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := dev.NewScan(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	value[float64](t, p, plan)
	g, err := plan.Backward(p.args, p.weight)
	if err != nil {
		t.Fatal(err)
	}
	grad := append([]float64(nil), data[float64](g)...)
	scale := 1e-3 // of a gradient: below it errors count absolutely
	for _, x := range grad {
		scale = max(scale, math.Abs(x))
	}
	const step = 1e-5
	k, worst := 0, 0.0
	for n, param := range p.params {
		x := data[float64](param)
		for i := range x {
			if pick(k) && !p.cfg.Params[n].outside(i) {
				old := x[i]
				x[i] = old + step
				up := value[float64](t, p, plan)
				x[i] = old - step
				down := value[float64](t, p, plan)
				x[i] = old
				want := (up - down) / (2 * step)
				err := math.Abs(grad[k]-want) / max(math.Abs(want), 0.01*scale)
				worst = max(worst, err)
				if err > tolAdjoint {
					t.Errorf("%s[%d]: gradient %.9g, differences %.9g", p.cfg.Params[n].Name, i, grad[k], want)
				}
			}
			k++
		}
	}
	return worst
}

// TestAdjoint checks every cell, every parameter, in shapes with dimensions of 1, 2 and odd.
func TestAdjoint(t *testing.T) {
	for _, v := range variants() {
		for i, s := range []sizes{
			{T: 1, B: 1, I: 1, H: 1}, {T: 2, B: 1, I: 2, H: 3}, {T: 3, B: 2, I: 1, H: 5, last: true},
			{T: 5, B: 3, I: 3, H: 7, sequence: true}, {T: 4, B: 5, I: 2, H: 2, last: true, sequence: true},
		} {
			t.Run(fmt.Sprintf("%s/%+v", v.name, s), func(t *testing.T) {
				checkAdjoint(t, newProblem[float64](v, s, uint64(i)), 2, func(int) bool { return true })
			})
		}
	}
}

// TestAdjointAcrossChunks checks sequences longer than a time chunk with several workers.
func TestAdjointAcrossChunks(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			p := newProblem[float64](v, sizes{T: 71, B: 35, I: 2, H: 5, sequence: true}, 7)
			for i := range data[float64](p.args.X) { // keep 71 steps of the literal form finite
				data[float64](p.args.X)[i] *= 0.3
			}
			checkAdjoint(t, p, 2, func(i int) bool { return i%3 == 0 })
		})
	}
}

// TestAdjointCheckCanFail plants a fault, one sign in the gradient, and expects to see it.
func TestAdjointCheckCanFail(t *testing.T) {
	p := newProblem[float64](variants()[0], sizes{T: 3, B: 2, I: 2, H: 3}, 1)
	dev, _ := OpenCPU(1)
	plan, err := dev.NewScan(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	value[float64](t, p, plan)
	g, err := plan.Backward(p.args, p.weight)
	if err != nil {
		t.Fatal(err)
	}
	x := data[float64](p.params[0])
	x[0] += 1e-5
	up := value[float64](t, p, plan)
	x[0] -= 2e-5
	want := (up - value[float64](t, p, plan)) / 2e-5
	if flipped := -data[float64](g)[0]; math.Abs(flipped-want) < tolAdjoint*math.Abs(want) {
		t.Fatalf("flipped gradient %g passes for %g", flipped, want)
	}
}

// TestInstructionSets holds every float32 kernel to the float64 one, on shapes that leave
// tails in every direction.
func TestInstructionSets(t *testing.T) {
	for _, isa := range cpu.ISAs {
		for _, threads := range []int{1, 3} {
			dev, err := OpenCPUWith(isa, threads)
			if errors.Is(err, ErrNoDevice) {
				t.Logf("%s: not on this machine", isa)
				continue
			}
			for _, v := range variants() {
				for i, s := range []sizes{
					{T: 3, B: 1, I: 1, H: 1}, {T: 9, B: 19, I: 5, H: 67, sequence: true},
					{T: 40, B: 33, I: 30, H: 32}, {T: 6, B: 7, I: 70, H: 33, last: true},
				} {
					t.Run(fmt.Sprintf("%s/x%d/%s/%d", isa, threads, v.name, i), func(t *testing.T) {
						compare(t, dev, newProblem[float32](v, s, uint64(i)), newProblem[float64](v, s, uint64(i)))
					})
				}
			}
		}
	}
}

// compare runs the same problem in both types. The float64 one takes the rounded numbers.
func compare(t *testing.T, dev Device, p *problem, q *problem) {
	t.Helper()
	for i := range p.params {
		copyTo64(q.params[i], p.params[i])
	}
	copyTo64(q.args.X.(*tensor.Dense), p.args.X.(*tensor.Dense))
	copyTo64(q.args.State.(*tensor.Dense), p.args.State.(*tensor.Dense))
	copyTo64(q.weight, p.weight)
	run := func(p *problem) (h, final, grad gorgonia.Value) {
		plan, err := dev.NewScan(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if h, err = plan.Forward(p.args); err != nil {
			t.Fatal(err)
		}
		if grad, err = plan.Backward(p.args, p.weight); err != nil {
			t.Fatal(err)
		}
		return h, plan.Final(), grad
	}
	h, final, grad := run(p)
	h64, final64, grad64 := run(q)
	near(t, "h", data[float32](h), data[float64](h64), tolForward32)
	near(t, "final", data[float32](final), data[float64](final64), tolForward32)
	nearGrad(t, p.cfg, data[float32](grad), data[float64](grad64), tolGrad32)
}

// nearGrad compares packed gradients where they are defined; others it sets to 0.
func nearGrad(t *testing.T, cfg ScanConfig, got []float32, want []float64, tol float64) {
	t.Helper()
	n := 0
	for _, spec := range cfg.Params {
		for i := range spec.Len() {
			if spec.outside(i) {
				got[n+i], want[n+i] = 0, 0
			}
		}
		n += spec.Len()
	}
	near(t, "grad", got, want, tol)
}

func copyTo64(dst, src *tensor.Dense) {
	d := data[float64](dst)
	for i, x := range data[float32](src) {
		d[i] = float64(x)
	}
}

// near compares relative to the largest element.
func near(t *testing.T, name string, got []float32, want []float64, tol float64) {
	t.Helper()
	scale := 1e-6
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if e := math.Abs(float64(got[i])-w) / scale; !(e <= tol) {
			t.Fatalf("%s[%d] = %g, want %g: off by %.2g of the largest", name, i, got[i], w, e)
		}
	}
}

// TestCarriedState runs a sequence whole and in two parts with the state carried over.
func TestCarriedState(t *testing.T) {
	dev, err := OpenCPU(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variants() {
		const T, cut = 45, 17
		s := sizes{T: T, B: 6, I: 3, H: 9, sequence: true}
		p := newProblem[float32](v, s, 3)
		whole, err := dev.NewScan(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		h, err := whole.Forward(p.args)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]float32(nil), data[float32](h)...)
		state := p.args.State
		for _, part := range [][2]int{{0, cut}, {cut, T}} {
			cfg := p.cfg
			cfg.T = part[1] - part[0]
			plan, err := dev.NewScan(cfg)
			if err != nil {
				t.Fatal(err)
			}
			rows := func(x gorgonia.Value, k int) *tensor.Dense {
				shape := []int{cfg.T, cfg.B, k}
				if k == 1 {
					shape = shape[:2]
				}
				return wrap(data[float32](x)[part[0]*cfg.B*k:part[1]*cfg.B*k], shape...)
			}
			h, err := plan.Forward(ScanArgs{X: rows(p.args.X, cfg.I), State: state, Params: p.args.Params,
				Mask: rows(p.args.Mask, 1), Reset: rows(p.args.Reset, 1)})
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range data[float32](h) {
				if w := want[part[0]*cfg.B*cfg.H+i]; x != w {
					t.Fatalf("%s: part %v: h[%d] = %g, want %g", v.name, part, i, x, w)
				}
			}
			state = plan.Final()
		}
		for i, x := range data[float32](whole.Final()) {
			if y := data[float32](state)[i]; x != y {
				t.Fatalf("%s: final[%d] = %g in parts, want %g", v.name, i, y, x)
			}
		}
	}
}

// TestScanRefusesShapes asks for scans that cannot be and wants errors, not panics.
func TestScanRefusesShapes(t *testing.T) {
	dev, err := OpenCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*ScanConfig){
		"unknown cell":    func(c *ScanConfig) { c.Cell.Header = "nonesuch" },
		"states":          func(c *ScanConfig) { c.Cell.States++ },
		"rest":            func(c *ScanConfig) { c.Cell.Rest = nil },
		"too few vectors": func(c *ScanConfig) { c.Params = c.Params[:2] },
	} {
		p := newProblem[float32](variants()[0], sizes{T: 2, B: 2, I: 2, H: 4}, 1)
		spoil(&p.cfg)
		if _, err := dev.NewScan(p.cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	p := newProblem[float32](variants()[0], sizes{T: 2, B: 2, I: 2, H: 4}, 1)
	plan, err := dev.NewScan(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.args.X = wrap(make([]float32, 3), 3, 1, 1)
	if _, err := plan.Forward(p.args); !errors.Is(err, ErrShape) {
		t.Errorf("wrong x: %v, want ErrShape", err)
	}
}

// TestGradH holds the gradient of a hidden state to differences: it is the state's own weight
// in the functional plus what the rest of the sequence makes of it as its first state.
func TestGradH(t *testing.T) {
	dev, err := OpenCPU(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variants() {
		if cpu.Cells()[v.header].States > 1 {
			continue // the other state planes would have to be carried along
		}
		const T, cut = 7, 3
		p := newProblem[float64](v, sizes{T: T, B: 3, I: 2, H: 5}, 11)
		p.cfg.KeepGradH = true
		plan, err := dev.NewScan(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		h, err := plan.Forward(p.args)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Backward(p.args, p.weight); err != nil {
			t.Fatal(err)
		}
		rows, n := p.cfg.B*p.cfg.H, cut*p.cfg.B*p.cfg.H
		got := data[float64](plan.GradH())[n-rows : n]

		rest := *p
		rest.cfg.T, rest.cfg.KeepGradH = T-cut, false
		state := append([]float64(nil), data[float64](h)[n-rows:n]...)
		rest.args.X = wrap(data[float64](p.args.X)[cut*p.cfg.B*p.cfg.I:], T-cut, p.cfg.B, p.cfg.I)
		rest.args.State = wrap(state, 1, p.cfg.B, p.cfg.H)
		rest.weight = wrap(data[float64](p.weight)[n:], (T-cut)*p.cfg.B, p.cfg.H)
		tail, err := dev.NewScan(rest.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, old := range append([]float64(nil), state...) {
			state[i] = old + 1e-5
			up := value[float64](t, &rest, tail)
			state[i] = old - 1e-5
			down := value[float64](t, &rest, tail)
			state[i] = old
			want := (up-down)/2e-5 + data[float64](p.weight)[n-rows+i]
			if math.Abs(got[i]-want) > tolAdjoint*max(1, math.Abs(want)) {
				t.Errorf("%s: gradient of h %d is %.9g, differences %.9g", v.name, i, got[i], want)
			}
		}
	}
}
