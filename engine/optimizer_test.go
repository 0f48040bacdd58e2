package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/monitor"
	"galvani/kernels/optimisers"
)

// optimizerTolerance bounds the difference to float64 after 60 updates, relative to the
// distance travelled: each update rounds a handful of times at 6e-8, and errors add up.
const optimizerTolerance = 1e-5

// textbook is one parameter in float64 and its update as the documentation of torch.optim
// writes it.
type textbook struct {
	p, m, v, b float64
	t          int
}

func TestOptimizersAgreeWithTextbook(t *testing.T) {
	const lr = 0.03
	base := DefaultOptions()
	with := func(name string, change func(*Options)) Options {
		o := base
		o.Optimizer = name
		if change != nil {
			change(&o)
		}
		return o
	}
	adam := func(o Options) func(x *textbook, g float64) {
		return func(x *textbook, g float64) {
			if o.Optimizer == "adamw" {
				x.p -= lr * o.WeightDecay * x.p
			} else {
				g += o.WeightDecay * x.p
			}
			x.m = o.Beta1*x.m + (1-o.Beta1)*g
			x.v = o.Beta2*x.v + (1-o.Beta2)*g*g
			mHat := x.m / (1 - math.Pow(o.Beta1, float64(x.t)))
			vHat := x.v / (1 - math.Pow(o.Beta2, float64(x.t)))
			x.p -= lr * mHat / (math.Sqrt(vHat) + o.Eps)
		}
	}
	rmsprop := func(o Options) func(x *textbook, g float64) {
		return func(x *textbook, g float64) {
			g += o.WeightDecay * x.p
			x.v = o.RMSAlpha*x.v + (1-o.RMSAlpha)*g*g
			x.p -= lr * g / (math.Sqrt(x.v) + o.Eps)
		}
	}
	sgd := func(o Options) func(x *textbook, g float64) {
		return func(x *textbook, g float64) {
			g += o.WeightDecay * x.p
			if x.t == 1 {
				x.b = g
			} else {
				x.b = o.Momentum*x.b + g
			}
			if o.Nesterov {
				g += o.Momentum * x.b
			} else {
				g = x.b
			}
			x.p -= lr * g
		}
	}
	lion := func(o Options) func(x *textbook, g float64) {
		return func(x *textbook, g float64) {
			x.p *= 1 - lr*o.WeightDecay
			if mean := o.Beta1*x.m + (1-o.Beta1)*g; mean != 0 {
				x.p -= lr * math.Copysign(1, mean)
			}
			x.m = o.Beta2*x.m + (1-o.Beta2)*g
		}
	}
	decay := func(o *Options) { o.WeightDecay = 0.1 }
	largeEps := func(o *Options) { o.Eps = 0.3 } // shows whether eps stands inside the root or out
	for name, c := range map[string]struct {
		o    Options
		rule func(Options) func(*textbook, float64)
	}{
		"adam":              {with("adam", nil), adam},
		"adam, large eps":   {with("adam", largeEps), adam},
		"adam, decay":       {with("adam", decay), adam},
		"adamw":             {with("adamw", decay), adam},
		"rmsprop":           {with("rmsprop", nil), rmsprop},
		"rmsprop, eps":      {with("rmsprop", largeEps), rmsprop},
		"rmsprop, decay":    {with("rmsprop", decay), rmsprop},
		"sgd":               {with("sgd", nil), sgd},
		"sgd, plain":        {with("sgd", func(o *Options) { o.Momentum = 0 }), sgd},
		"sgd, nesterov":     {with("sgd", func(o *Options) { o.Nesterov = true }), sgd},
		"sgd, decay":        {with("sgd", decay), sgd},
		"lion":              {with("lion", nil), lion},
		"lion, decay":       {with("lion", decay), lion},
		"sgd, all together": {with("sgd", func(o *Options) { o.Nesterov = true; o.WeightDecay = 0.1 }), sgd},
	} {
		const n, steps = 7, 60
		opt, err := NewOptimizer(c.o, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newStream(3, name)
		want, p, grad := make([]textbook, n), make([]float32, n), make([]float32, n)
		for i := range p {
			p[i] = float32(r.Normal(uint64(1e6 + i)))
			want[i].p = float64(p[i])
		}
		update, path := c.rule(c.o), 1.0
		for step := 1; step <= steps; step++ {
			for i := range grad {
				grad[i] = float32(r.Normal(uint64(step*n + i)))
				want[i].t = step
				was := want[i].p
				update(&want[i], float64(grad[i]))
				path = max(path, math.Abs(want[i].p-was)*steps)
			}
			opt.Update(p, grad, lr, step)
		}
		for i := range p {
			if d := math.Abs(float64(p[i]) - want[i].p); d > optimizerTolerance*path {
				t.Errorf("%s: parameter %d is %v, want %v", name, i, p[i], want[i].p)
			}
		}
	}
}

// TestAdamFirstStep holds the well-known first step of Adam, lr·sign(g) for |g| ≫ eps.
func TestAdamFirstStep(t *testing.T) {
	opt, err := NewOptimizer(DefaultOptions(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := []float32{1, 1}
	opt.Update(p, []float32{250, -1e-3}, 0.125, 1)
	if math.Abs(float64(p[0])-0.875) > 1e-6 || math.Abs(float64(p[1])-1.125) > 2e-6 { // eps/|g| = 1e-5
		t.Errorf("parameters are %v, want [0.875 1.125]", p)
	}
}

// TestOptimizerThreads holds that the number of threads changes no bit.
func TestOptimizerThreads(t *testing.T) {
	const n = 5*kernels.Chunk + 17
	defer monitor.Use(monitor.Cores())
	for _, name := range optimisers.Names() {
		o := DefaultOptions()
		o.Optimizer = name
		var first []float32
		for _, threads := range []int{1, 2, 4} {
			monitor.Use(threads)
			opt, err := NewOptimizer(o, n, nil)
			if err != nil {
				t.Fatal(err)
			}
			p, grad := make([]float32, n), make([]float32, n)
			for step := 1; step <= 3; step++ {
				for i := range grad {
					grad[i] = float32(newStream(uint64(step), name).Uniform(uint64(i)))
				}
				opt.Update(p, grad, 1e-3, step)
			}
			if first == nil {
				first = p
			}
			if !slices.Equal(p, first) || p[n-1] == 0 {
				t.Errorf("%s: results differ with %d threads", name, threads)
			}
		}
	}
}

func TestClip(t *testing.T) {
	whole := func(n int) []kernels.Part { return []kernels.Part{{Len: n, Decays: true}} }
	// Two weights, their twins, and weights that learn apart from the loss.
	three := []kernels.Part{{Len: 2}, {Len: 2, Clip: kernels.Scaled}, {Len: 1, Clip: kernels.Apart}}
	alone := []kernels.Part{{Len: 1, Alone: true}, {Len: 2, Alone: true}, {Len: 2, Clip: kernels.Scaled, Alone: true}, {Len: 1, Clip: kernels.Apart, Alone: true}}
	for _, c := range []struct {
		g, want     []float32
		limit, norm float64
		parts       []kernels.Part
	}{
		{[]float32{3, 4}, []float32{3, 4}, 5, 5, whole(2)},
		{[]float32{3, 4}, []float32{3, 4}, 0, 5, whole(2)},
		{[]float32{3, 0, 0, 0, 4}, []float32{1.5, 0, 0, 0, 2}, 2.5, 5, whole(5)},
		{[]float32{3e38, 0, 0}, []float32{1, 0, 0}, 1, float64(float32(3e38)), whole(3)},
		{[]float32{0, 0}, []float32{0, 0}, 1, 0, whole(2)},
		{[]float32{3, 4, 3, 4, 100}, []float32{3, 4, 3, 4, 100}, 5, 5, three},
		{[]float32{3, 4, 3, 4, 100}, []float32{1.5, 2, 1.5, 2, 100}, 2.5, 5, three},
		{[]float32{12, 3, 4, 3, 4, 100}, []float32{5, 3, 4, 3, 4, 100}, 5, 13, alone},
		{[]float32{2, 6, 8, 6, 8, 100}, []float32{2, 3, 4, 3, 4, 100}, 5, math.Sqrt(104), alone},
	} {
		o, err := NewOptimizer(DefaultOptions(), len(c.g), c.parts)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(c.g)
		if n := o.clip(got, c.limit); n != c.norm || !slices.Equal(got, c.want) {
			t.Errorf("clip of %v at %v gives %v, norm %v; want %v, norm %v", c.g, c.limit, got, n, c.want, c.norm)
		}
	}
	o, err := NewOptimizer(DefaultOptions(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	inf := []float32{1, float32(math.Inf(1))}
	if n := o.clip(inf, 1); !math.IsInf(n, 1) || inf[0] != 1 {
		t.Errorf("an infinite gradient became %v, norm %v; want it as it was", inf, n)
	}
	if _, err := NewOptimizer(DefaultOptions(), 2, []kernels.Part{{Len: 1, Clip: kernels.Apart}, {Len: 1}}); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a counted part behind another: error %v, want ErrShape", err)
	}
}

func TestNewOptimizerRefuses(t *testing.T) {
	o := DefaultOptions()
	o.Optimizer = "adma"
	if _, err := NewOptimizer(o, 1, nil); !errors.Is(err, ErrOption) {
		t.Errorf("error %v, want ErrOption", err)
	}
}

// flatNet is a model of given parameters.
type flatNet struct {
	*toyNet
	specs []kernels.Spec
}

func (n flatNet) Specs() []kernels.Spec { return n.specs }

// hostUpdates are the updates of a session in host memory.
type hostUpdates struct{ *descent }

func (h hostUpdates) Step(t *testing.T, grad []float32, lr float64, step int) float64 {
	t.Helper()
	norm := h.opt.clip(grad, h.Options.Clip)
	if err := h.commit(grad, Update{LR: lr, Step: step}); err != nil {
		t.Fatal(err)
	}
	return norm
}

func (h hostUpdates) Read(*testing.T) (params []float32, slots [][]float32) {
	for _, s := range h.opt.Slots() {
		slots = append(slots, s.Data)
	}
	return h.Params.flat, slots
}

// TestUpdates holds the updates of every optimiser in host memory to the suite that devices are held to.
func TestUpdates(t *testing.T) {
	conform.Update(t, func(t *testing.T, w conform.Training) conform.Updates {
		t.Helper()
		s, c := w.Settings, w.Config
		o := DefaultOptions()
		o.Optimizer, o.Beta1, o.Beta2, o.RMSAlpha, o.Momentum, o.Nesterov = w.Name, s.Beta1, s.Beta2, s.Alpha, s.Momentum, s.Nesterov
		o.Eps, o.WeightDecay, o.Clip = s.Eps, s.Decay, c.Clip
		net, at := flatNet{toyNet: newToy()}, 0
		add := func(n int, learned bool, b kernels.Bound) {
			net.specs = append(net.specs, kernels.Spec{Name: fmt.Sprint("at ", at), Shape: []int{n}, Learned: learned, Bound: b})
			at += n
		}
		for _, b := range c.Bounds {
			add(b.Offset-at, true, kernels.Free())
			add(b.Len, true, kernels.Bound{Lo: float64(b.Lo), Hi: float64(b.Hi)})
		}
		add(c.Learned-at, true, kernels.Free())
		add(len(w.Params)-at, false, kernels.Free())
		p, err := NewParams[float32](net, 0)
		if err != nil {
			t.Fatal(err)
		}
		copy(p.flat, w.Params)
		opt, err := NewOptimizer(o, c.Learned, c.Parts)
		if err != nil {
			t.Fatal(err)
		}
		return hostUpdates{&descent{Setup: Setup{Config: Config{Options: o}, Params: p}, opt: opt, backup: make([]float32, c.Learned)}}
	})
}
