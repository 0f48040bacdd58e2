package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/pages"
	"galvani/models"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// inputs is the number of inputs where nothing else is said, that of the rows of MNIST.
const inputs = 28

// outputs is the number of read-out units, as for the ten digits; the scan has none.
const outputs = 10

// seed is that of all numbers in a benchmark.
const seed = 1

// problem is the scan of one cell with numbers in all its inputs: parameters as at the start
// of a training, x of function ramps, and a gradient uniform in [−1, 1) at every step. That of a model in layers
// is that of the first one, whose h the next one reads.
type problem[F kernels.Float] struct {
	sizes
	args kernels.ScanArgs
	x    []F // nil in layers above the first
	dh   []F // [T·B,H]
	next *problem[F]
}

// Form returns the name of a model without the form of its network, and the options of that form: NAME:dale is
// the model with Dale's law, NAME:layers two layers of it, NAME:feedback the model with feedback alignment, NAME:noise with
// noise of its drives and inputs, NAME:dropout two layers with dropout, NAME:h0 with a first state that is learned.
//
// Errors: a form that is none of these.
func Form(model string) (name string, form []models.Option, err error) {
	name, suffix, _ := strings.Cut(model, ":")
	switch suffix {
	case "":
	case "dale":
		wiring := models.NewWiring()
		wiring.Dale = true
		form = []models.Option{models.Wired(wiring)}
	case "layers":
		form = []models.Option{models.Layers(2)}
	case "feedback":
		form = []models.Option{models.FeedbackBy(models.Fixed)}
	case "noise":
		form = []models.Option{models.Noised(models.Noise{Rec: 0.1, Input: 0.1})}
	case "dropout":
		form = []models.Option{models.Layers(2), models.Dropped(0.2)}
	case "h0":
		form = []models.Option{models.LearnedState()}
	default:
		err = fmt.Errorf("bench: %s: a network has the forms dale, layers, feedback, noise, dropout and h0, not %s", model, suffix)
	}
	return name, form, err
}

// plain returns the name of a model without what its form adds to the work: of NAME:dropout that of two layers.
func plain(model string) string {
	name, suffix, _ := strings.Cut(model, ":")
	if suffix == "dropout" {
		name += ":layers"
	}
	return name
}

// bind gives a model its sizes, with its default settings and in its form; cond-varying with Dale's law has A by
// type of cell, which is what sums over E and I units serve.
func bind(model string, s Shape) (models.Cell, *models.Network, error) {
	name, form, err := Form(model)
	if err != nil {
		return nil, nil, err
	}
	e, err := models.Lookup(name)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	cell := e.New()
	net, err := models.Bind(model, cell, models.Dims{I: s.I, H: s.H, O: outputs}, form...)
	if c, ok := cell.(*models.CondVarying); ok && err == nil && net.Dale() {
		c.AShape = "type"
		net, err = models.Bind(model, cell, models.Dims{I: s.I, H: s.H, O: outputs}, form...)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	return cell, net, nil
}

// sizes is the scan of the first layer without its numbers, and those of the layers above it.
type sizes struct {
	cfg   kernels.ScanConfig
	above []kernels.ScanConfig
}

// newSizes returns the scans of a model in float32.
func newSizes(model string, s Shape) (z sizes, err error) {
	_, net, err := bind(model, s)
	if err != nil {
		return z, err
	}
	layers, _ := net.Plan(kernels.Sequence{T: s.T, B: s.B, I: s.I})
	z.cfg = kernels.ScanConfig{T: s.T, B: s.B, I: s.I, H: s.H, Dtype: tensor.Float32, Cell: net.Scan(), Params: net.Operands()}
	z.above = layers[1:]
	return z, nil
}

// multiplications returns the multiply-adds of one sequence and step, in the recurrent and in
// the input matrices.
func (z sizes) multiplications() (recurrent, input float64) {
	for _, s := range z.cfg.Params {
		switch s.Role {
		case kernels.Rec:
			recurrent += float64(s.Entries())
		case kernels.In:
			input += float64(s.Len())
		}
	}
	return recurrent, input
}

// flops returns the operations of the recurrent products of a scan: 2·G·B·H² per step forward, three
// times as many with the backward pass (gradients of h and of the weights).
func (z sizes) flops(backward bool) float64 {
	rec, _ := z.multiplications()
	n := 2 * rec * float64(z.cfg.T*z.cfg.B)
	if backward {
		n *= 3
	}
	return n
}

// flops returns the operations of the recurrent products of all layers.
func (p *problem[F]) flops(backward bool) float64 {
	n := p.sizes.flops(backward)
	if p.next != nil {
		n += p.next.flops(backward)
	}
	return n
}

// newProblem draws the numbers in float32, so that every F has the same ones.
func newProblem[F kernels.Float](model string, s Shape) (*problem[F], error) {
	p, err := newLayer[F](model, s, seed)
	for at, k := p, 1; err == nil && k <= len(p.above); k++ {
		cell, _, _ := strings.Cut(model, ":")
		if at.next, err = newLayer[F](cell, Shape{T: s.T, B: s.B, I: s.H, H: s.H}, seed+uint64(k)); err == nil {
			at = at.next
			at.cfg.GradX, at.x, at.args.X = true, nil, nil
		}
	}
	return p, err
}

// newLayer is newProblem without layers above.
func newLayer[F kernels.Float](model string, s Shape, seed uint64) (*problem[F], error) {
	_, net, err := bind(model, s)
	if err != nil {
		return nil, err
	}
	p := &problem[F]{}
	if p.sizes, err = newSizes(model, s); err != nil {
		return nil, err
	}
	if _, double := any(*new(F)).(float64); double {
		p.cfg.Dtype = tensor.Float64
	}
	params, err := engine.NewParams[float32](net, seed)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	stored := make([]*tensor.Dense, len(net.Specs()))
	for i := range stored {
		stored[i] = params.View(i)
	}
	used, err := net.OperandValues(stored)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	for _, v := range used {
		p.args.Params = append(p.args.Params, dense(convert[F](v.Data().([]float32)), v.Shape()...))
	}
	r := rand.New(rand.NewPCG(seed, uint64(s.T*s.B*s.I)))
	p.x = ramps[F](r, s)
	p.dh = uniform[F](r, s.T*s.B*s.H)
	p.args.X = dense(p.x, s.T, s.B, s.I)
	plane := s.B * s.H
	state := make([]F, p.cfg.Cell.States*plane)
	for i := range state {
		state[i] = F(p.cfg.Cell.Rest[i/plane])
	}
	p.args.State = dense(state, p.cfg.Cell.States, s.B, s.H)
	return p, nil
}

// course is a problem on a device.
type course[F kernels.Float] struct {
	*problem[F]
	plan  kernels.ScanPlan
	above *course[F]
}

// open opens the plans of the problem.
func (p *problem[F]) open(dev kernels.Device) (c *course[F], err error) {
	c = &course[F]{problem: p}
	if c.plan, err = dev.NewScan(p.cfg); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if p.next != nil {
		c.above, err = p.next.open(dev)
	}
	return c, err
}

// last returns the last layer.
func (c *course[F]) last() *course[F] {
	for c.above != nil {
		c = c.above
	}
	return c
}

// forward runs all layers.
func (c *course[F]) forward() error {
	if _, err := c.plan.Forward(c.args); err != nil || c.above == nil {
		return err
	}
	c.above.args.X = c.plan.H()
	return c.above.forward()
}

// backward follows forward. It returns the packed gradient of each layer, the first one's first.
func (c *course[F]) backward() (grads []gorgonia.Value, err error) {
	dh := dense(c.dh, c.cfg.T*c.cfg.B, c.cfg.H)
	if c.above != nil {
		if grads, err = c.above.backward(); err != nil {
			return nil, err
		}
		x, _ := c.above.cfg.Inputs()
		dh = dense(grads[0].Data().([]F)[x:], c.cfg.T*c.cfg.B, c.cfg.H)
	}
	g, err := c.plan.Backward(c.args, dh)
	return append([]gorgonia.Value{g}, grads...), err
}

// both runs forward and backward.
func (c *course[F]) both() error {
	if err := c.forward(); err != nil {
		return err
	}
	_, err := c.backward()
	return err
}

// learnt is a parameter of a problem, its value, and its gradient, nil where it is not learned.
type learnt[F kernels.Float] struct {
	kernels.Spec
	value, grad []F
}

// results runs the problem once and returns h [T,B,H] of the last layer and the parameters of all. The names of those
// of PyTorch's layers end in the number of the layer.
func (p *problem[F]) results(dev kernels.Device) (h []F, params []learnt[F], err error) {
	c, err := p.open(dev)
	if err != nil {
		return nil, nil, err
	}
	if err := c.forward(); err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	grads, err := c.backward()
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	h = c.last().plan.H().Data().([]F)
	for layer, g := range grads {
		packed := g.Data().([]F)
		for i, s := range c.cfg.Params {
			v := learnt[F]{Spec: s, value: c.args.Params[i].Data().([]F)}
			if name, ok := strings.CutSuffix(s.Name, "_l0"); ok {
				v.Name = fmt.Sprintf("%s_l%d", name, layer)
			}
			if s.Learned {
				v.grad, packed = packed[:s.Len()], packed[s.Len():]
			}
			params = append(params, v)
		}
		c = c.above
	}
	return h, params, nil
}

func dense[F kernels.Float](v []F, shape ...int) gorgonia.Value {
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))
}

func convert[F, G kernels.Float](v []G) []F {
	w := make([]F, len(v))
	for i, x := range v {
		w[i] = F(x)
	}
	return w
}

// uniform draws n numbers from [−1, 1) that float32 can hold.
func uniform[F kernels.Float](r *rand.Rand, n int) []F {
	v := pages.Make[F](n)
	for i := range v {
		v[i] = F(2*r.Float32() - 1)
	}
	return v
}

// ramps draws x [T,B,I]: each input of a sequence grows, or falls, at its own constant rate.
// A drive U x then keeps its sign, and with it the difference of its averages. Noise would
// bring some of the millions of rectified conductances of a run so close to 0 that rounding
// decides whether they pass a gradient, and no two right results would agree.
func ramps[F kernels.Float](r *rand.Rand, s Shape) []F {
	rate := uniform[float32](r, s.B*s.I)
	x := make([]F, s.T*s.B*s.I)
	for t := range s.T {
		for i, v := range rate {
			x[t*len(rate)+i] = F(v * (float32(t+1) / float32(s.T)))
		}
	}
	return x
}
