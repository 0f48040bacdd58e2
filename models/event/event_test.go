package event

import (
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/devices/devicetest"
	"galvani/models"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// equality is what the notes ask for on a common grid. Only the order of sums differs; with the
// gates of these tests, whose arguments stay small, Gorgonia's sigmoid is good to rounding.
const equality = 1e-12

// problem is a cell with numbers and a sparse sequence of frames.
type problem struct {
	name   string
	cell   models.Cell
	dims   models.Dims
	steps  int
	params map[string][]float64
	x      []float64 // [T,I]
}

// problems returns both charged cells with every option that changes their equations.
func problems(t *testing.T) []problem {
	t.Helper()
	kernels := []string{"ema", "ema_diff", "ema_diff_relu", "alpha", "dualexp"}
	var all []problem
	full := func(name string, change func(*models.CRNN)) {
		c := models.NewCRNN()
		change(c)
		all = append(all, newProblem(t, "crnn "+name, c))
	}
	for _, k := range kernels {
		full(k, func(c *models.CRNN) { c.SynKernel, c.TauS, c.TauL = k, 1.5, 4 })
	}
	for _, step := range []string{"implicit", "euler"} {
		full(step, func(c *models.CRNN) { c.Stepping, c.Dt = step, 0.4 })
	}
	for _, graph := range []string{"tree", "none"} {
		full(graph, func(c *models.CRNN) { c.Graph = graph })
	}
	full("literal", func(c *models.CRNN) { c.Signs, c.Dt = "literal", 0.1 })
	full("slow trace first", func(c *models.CRNN) { c.TauS, c.TauL = 4, 1.5 })
	for _, signs := range []string{"restoring", "literal"} {
		for _, k := range kernels {
			c := models.NewCRNNSimple()
			c.Signs, c.SynKernel = signs, k
			all = append(all, newProblem(t, "crnn-simple "+signs+" "+k, c))
		}
	}
	return all
}

func newProblem(t *testing.T, name string, c models.Cell) problem {
	t.Helper()
	p := problem{name: name, cell: c, dims: models.Dims{I: 6, H: 5, O: 1}, steps: 14, params: map[string][]float64{}}
	specs, err := c.Params(p.dims)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 5))
	for _, s := range specs {
		p.params[s.Name] = draw(r, s)
	}
	p.x = make([]float64, p.steps*p.dims.I)
	for i := range p.x {
		if r.Float64() < 0.2 {
			p.x[i] = 1.5 * r.Float64()
		}
	}
	return p
}

// draw returns numbers inside the bound of a parameter; a third of the input weights is zero.
func draw(r *rand.Rand, s kernels.Spec) []float64 {
	typical := 0.3
	if s.Init.Kind == kernels.Constant && s.Init.A > 0 {
		typical = s.Init.A
	}
	v := make([]float64, s.Len())
	for i := range v {
		switch {
		case s.Role == kernels.In && r.Float64() < 1./3:
		case s.Bound.IsFree():
			v[i] = 0.5 * r.NormFloat64()
		default:
			v[i] = typical * (0.7 + 0.6*r.Float64())
		}
	}
	return v
}

// clocked runs the network on a device, nil for the unrolled graph, and returns h [T,H] and the
// final state [S,H].
func (p problem) clocked(t *testing.T, dev kernels.Device) (h, final []float64) {
	t.Helper()
	net, err := models.Bind("clocked", p.cell, p.dims)
	if err != nil {
		t.Fatal(err)
	}
	g := gorgonia.NewGraph()
	var nodes []*gorgonia.Node
	for _, s := range net.Specs() {
		v := make([]float64, s.Len()) // of the read-out
		if name, ok := strings.CutPrefix(s.Name, "cell."); ok {
			v = p.params[name]
		}
		nodes = append(nodes, gorgonia.NewTensor(g, tensor.Float64, len(s.Shape), gorgonia.WithShape(s.Shape...),
			gorgonia.WithName(s.Name), gorgonia.WithValue(tensor.New(tensor.WithShape(s.Shape...), tensor.WithBacking(v)))))
	}
	var rest []float64
	for _, v := range net.Rest() {
		for range p.dims.H {
			rest = append(rest, v)
		}
	}
	out, err := net.Build(g, dev, kernels.Sequence{T: p.steps, B: 1, I: p.dims.I, Every: true,
		X:     tensor.New(tensor.WithShape(p.steps, 1, p.dims.I), tensor.WithBacking(p.x)),
		State: tensor.New(tensor.WithShape(len(net.Rest()), 1, p.dims.H), tensor.WithBacking(rest))}, nodes)
	if err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	read := func(get func() (gorgonia.Value, error)) []float64 {
		d, err := get()
		if err != nil {
			t.Fatal(err)
		}
		return append([]float64(nil), d.Data().([]float64)...)
	}
	l := out.Layers()[0]
	return read(l.H), read(l.(kernels.Stateful).Final)
}

func (p problem) net(t *testing.T) *Net {
	t.Helper()
	n, err := New(p.cell, p.dims, p.params)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// step gives the net the events of a frame and makes the step.
func (p problem) step(t *testing.T, n *Net, frame int) {
	t.Helper()
	for i, x := range p.x[frame*p.dims.I : (frame+1)*p.dims.I] {
		if x != 0 {
			if err := n.Event(i, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := n.Step(1); err != nil {
		t.Fatal(err)
	}
}

// run returns h of all steps [T,H] and the final state [S,H], from events.
func (p problem) run(t *testing.T) (h, final []float64) {
	n := p.net(t)
	for k := range p.steps {
		p.step(t, n, k)
		h = append(h, n.H()...)
	}
	return h, n.state()
}

// state returns the state planes as the clocked cell orders them: h, then p and q of each
// conductance.
func (n *Net) state() []float64 {
	s := append([]float64(nil), n.H()...)
	p, q := n.Traces()
	units := len(n.h)
	for k := 0; k < len(p); k += units {
		s = append(append(s, p[k:k+units]...), q[k:k+units]...)
	}
	return s
}

var near, mismatch = conform.EachNear, conform.Mismatch

// TestEqualsClocked holds the events to the unrolled graph and, with cgo, to the fused scan in
// float64: all voltages, and voltages and traces at the end.
func TestEqualsClocked(t *testing.T) {
	all := map[string]kernels.Device{"graph": nil}
	if dev := devicetest.CPUOrNil(t, 1); dev != nil {
		all["scan"] = dev
	}
	for _, p := range problems(t) {
		h, final := p.run(t)
		for name, dev := range all {
			wantH, wantFinal := p.clocked(t, dev)
			near(t, p.name+" on "+name+": h", h, wantH, equality)
			near(t, p.name+" on "+name+": final state", final, wantFinal, equality)
		}
	}
}

// TestEqualityCanFail plants faults that the comparison must see.
func TestEqualityCanFail(t *testing.T) {
	p := newProblem(t, "crnn", models.NewCRNN())
	h, final := p.run(t)
	for name, change := range map[string]func(*models.CRNN){
		"step":   func(c *models.CRNN) { c.Stepping = "implicit" },
		"kernel": func(c *models.CRNN) { c.SynKernel = "ema" },
		"signs":  func(c *models.CRNN) { c.Signs = "literal" },
		"dt":     func(c *models.CRNN) { c.Dt = 1.01 },
	} {
		q := p
		c := models.NewCRNN()
		change(c)
		q.cell = c
		otherH, otherFinal := q.run(t)
		if mismatch(otherH, h, 1e-6) == "" && mismatch(otherFinal, final, 1e-6) == "" {
			t.Errorf("a fault in %s would go unseen", name)
		}
	}
}
