package experiment

import (
	"fmt"
	"math/rand/v2"

	"galvani/engine"
	"galvani/kernels"
	"galvani/models"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// probe is a cell with parameters of its own, run in float64 by the fused scan.
type probe struct {
	dev    kernels.Device
	dims   models.Dims
	cell   kernels.Cell
	specs  []kernels.Spec
	values [][]float64 // in the order of specs
}

// newProbe binds a cell and draws its initial parameters.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; those of models.Bind.
func newProbe(threads int, name string, cell models.Cell, d models.Dims, seed uint64) (*probe, error) {
	dev, err := kernels.OpenCPU(threads)
	if err != nil {
		return nil, fmt.Errorf("float64 needs the fused scan: %w", err)
	}
	net, err := models.Bind(name, cell, d)
	if err != nil {
		return nil, err
	}
	params, err := engine.NewParams[float64](net, seed)
	if err != nil {
		return nil, err
	}
	p := &probe{dev: dev, dims: d}
	if p.cell, err = cell.Scan(d); err != nil {
		return nil, err
	}
	if p.specs, err = cell.Params(d); err != nil {
		return nil, err
	}
	for i, s := range p.specs {
		values := params.View(i).Data().([]float64)
		if s.Shared { // the scan knows vectors only
			p.specs[i].Shape, p.specs[i].Shared = []int{d.H}, false
			values = constants(d.H, values[0])
		}
		p.specs[i].Learned = false
		p.values = append(p.values, values)
	}
	return p, nil
}

// constants returns n times v.
func constants(n int, v float64) []float64 {
	e := make([]float64, n)
	for i := range e {
		e[i] = v
	}
	return e
}

// scale multiplies each element of e.
func scale(e []float64, by float64) {
	for i := range e {
		e[i] *= by
	}
}

// of returns a parameter, to be read and changed; nil where the cell has none of that name.
func (p *probe) of(name string) []float64 {
	for i, s := range p.specs {
		if s.Name == name {
			return p.values[i]
		}
	}
	return nil
}

// join makes the axial coupling of a probe that has none: edge e joins units i[e] and j[e] with
// conductance g[e].
func (p *probe) join(i, j []int32, g []float64) {
	if len(g) == 0 {
		return
	}
	p.cell.Axial = &kernels.Axial{I: i, J: j}
	p.specs = append(p.specs, kernels.Spec{Name: "g_axial", Role: kernels.Edge, Shape: []int{len(g)}})
	p.values = append(p.values, g)
}

// rings joins the units to rings of the given size, with conductances drawn from [0, most).
func (p *probe) rings(size int, most float64, r *rand.Rand) {
	var from, to []int32
	var g []float64
	for n := 0; n < p.dims.H; n += size {
		for i := range size {
			if i == 1 && size == 2 {
				break // the edge is there
			}
			from, to = append(from, int32(n+i)), append(to, int32(n+(i+1)%size))
			g = append(g, most*r.Float64())
		}
	}
	p.join(from, to, g)
}

// webs joins the units within each network of the given size at random: two of them with a
// probability of density, with a conductance drawn from [0, most).
func (p *probe) webs(size int, density, most float64, r *rand.Rand) {
	var from, to []int32
	var g []float64
	for n := 0; n < p.dims.H; n += size {
		for i := range size {
			for j := range i {
				if r.Float64() < density {
					from, to, g = append(from, int32(n+i)), append(to, int32(n+j)), append(g, most*r.Float64())
				}
			}
		}
	}
	p.join(from, to, g)
}

// rest returns the state [S,b,H] of b sequences at rest.
func (p *probe) rest(b int) []float64 {
	var state []float64
	for _, v := range p.cell.Rest {
		state = append(state, constants(b*p.dims.H, v)...)
	}
	return state
}

// course is the scan of a probe for one shape.
type course struct {
	p    *probe
	t, b int
	plan kernels.ScanPlan
	args kernels.ScanArgs
	x    []float64
}

// course allocates a scan of t steps and b sequences; with grad it can go back.
func (p *probe) course(t, b int, grad bool) (*course, error) {
	cfg := kernels.ScanConfig{Cell: p.cell, T: t, B: b, I: p.dims.I, H: p.dims.H, Dtype: tensor.Float64,
		Params: p.specs, KeepGradH: grad, ForwardOnly: !grad}
	c := &course{p: p, t: t, b: b, x: make([]float64, t*b*p.dims.I)}
	var err error
	if c.plan, err = p.dev.NewScan(cfg); err != nil {
		return nil, err
	}
	c.args.X = dense(c.x, t, b, p.dims.I)
	for i, s := range p.specs {
		c.args.Params = append(c.args.Params, dense(p.values[i], s.Shape...))
	}
	return c, nil
}

func dense(v []float64, shape ...int) gorgonia.Value {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
}

// forward runs the sequence from a state [S,B,H] with the inputs in c.x [T,B,I] and returns
// h [T,B,H] and the last state. Both are valid until the next call.
func (c *course) forward(state []float64) (h, final []float64, err error) {
	c.args.State = dense(state, c.p.cell.States, c.b, c.p.dims.H)
	if _, err = c.plan.Forward(c.args); err != nil {
		return nil, nil, err
	}
	return c.plan.H().Data().([]float64), c.plan.Final().Data().([]float64), nil
}

// backward returns ∂L/∂h_t for every step [T,B,H], given those of the outputs dh [T,B,H]. It
// follows a forward.
func (c *course) backward(dh []float64) ([]float64, error) {
	if _, err := c.plan.Backward(c.args, dense(dh, c.t*c.b, c.p.dims.H)); err != nil {
		return nil, err
	}
	return c.plan.GradH().Data().([]float64), nil
}

// hold makes every step of the input x [I], for all sequences.
func (c *course) hold(x []float64) {
	for t := range c.t {
		c.holdAt(t, x)
	}
}

// holdAt makes step t of the input x [I], for all sequences.
func (c *course) holdAt(t int, x []float64) {
	for b := range c.b {
		copy(c.x[(t*c.b+b)*len(x):], x)
	}
}
