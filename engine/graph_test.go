package engine

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// gradientTolerance bounds the relative difference to central differences in float64: h² and
// 1e-16/h are both 1e-10 at h = 1e-5, with two digits for third derivatives of the loss.
const gradientTolerance = 1e-8

func TestGradients(t *testing.T) {
	for _, every := range []bool{false, true} {
		for _, goal := range []data.Goal{data.Classify, data.Regress} {
			task := newToyTask()
			task.Every, task.Goal = every, goal
			b := data.NewBatch(task, 3)
			if err := (plan{set: task.Train, batch: 3}).fill(b, nil, 0, 0); err != nil {
				t.Fatal(err)
			}
			checks, err := CheckGradients(newToy(), nil, task, b, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(checks) != 5 {
				t.Fatalf("%d parameters were checked, want 5", len(checks))
			}
			for _, c := range checks {
				if c.Error > gradientTolerance || c.Largest == 0 || c.Checked == 0 {
					t.Errorf("every=%v goal=%v: %+v, want an error of at most %g", every, goal, c, gradientTolerance)
				}
			}
		}
	}
}

// TestKinks rectifies with a kink of h at every x that the batch holds: elements on one are
// left out, and said to be.
func TestKinks(t *testing.T) {
	net := newToy()
	net.f = gorgonia.Abs
	task := newToyTask()
	params, err := NewParams[float64](net, 1)
	if err != nil {
		t.Fatal(err)
	}
	clear(params.slice(0))
	g, err := NewGraph(GraphConfig{Net: net, T: 1, B: 1, I: task.I, Goal: task.Goal, Grad: true}, params)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetState(make([]float64, len(g.state))); err != nil { // h stands on the kink
		t.Fatal(err)
	}
	g.x[0], g.x[1], g.weight[0] = 1, 1, 1
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	c, err := check(g, 0, params.part(mustGrad(g), 0), newStream(1, "check"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Kinks != 10 || c.Checked != 0 {
		t.Errorf("%+v, want 10 kinks", c)
	}
}

// TestCheckSeesWrongGradient plants a flipped sign.
func TestCheckSeesWrongGradient(t *testing.T) {
	params, err := NewParams[float64](newToy(), 1)
	if err != nil {
		t.Fatal(err)
	}
	task := newToyTask()
	g, err := NewGraph(GraphConfig{Net: newToy(), T: task.T, B: 4, I: task.I, Goal: task.Goal, Grad: true}, params)
	if err != nil {
		t.Fatal(err)
	}
	b := data.NewBatch(task, 4)
	if err := (plan{set: task.Train, batch: 4}).fill(b, nil, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Load(b), g.Run()); err != nil {
		t.Fatal(err)
	}
	grad := slices.Clone(params.part(mustGrad(g), 1))
	at := 0
	for i, v := range grad {
		if math.Abs(v) > math.Abs(grad[at]) {
			at = i
		}
	}
	grad[at] = -grad[at]
	c, err := check(g, 1, grad, newStream(1, "check"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Checked == len(grad) && c.Error < 1 {
		t.Errorf("error %g for a gradient with one sign flipped, want about 2", c.Error)
	}
}

// TestGraphsAgree holds that compiling twice gives the same bits, that a run changes neither
// parameters nor inputs, and that the forward graph equals the training graph.
func TestGraphsAgree(t *testing.T) {
	s := newToySession(t, nil)
	b := batchOf(t, s, 0)
	before, x := slices.Clone(s.params.flat), slices.Clone(b.X)
	var losses []float64
	var grads [][]float32
	for i := range 3 {
		cfg := s.cfg.graphConfig()
		cfg.Grad = i < 2
		g, err := NewGraph(cfg, s.params)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := errors.Join(g.Load(b), g.Run()); err != nil {
				t.Fatal(err)
			}
		}
		losses = append(losses, g.Loss())
		grads = append(grads, mustGrad(g))
		if !slices.Equal(g.x, x) {
			t.Error("a run changed its input")
		}
	}
	if losses[0] != losses[1] || losses[0] != losses[2] || !slices.Equal(grads[0], grads[1]) {
		t.Errorf("losses %v and gradients differ from graph to graph", losses)
	}
	if !slices.Equal(before, s.params.flat) {
		t.Error("a run changed the parameters")
	}
}

func TestLoadRefusesOtherShapes(t *testing.T) {
	s := newToySession(t, nil)
	other := *newToyTask()
	other.T = 5
	longer := data.NewBatch(&other, 8)
	masked := batchOf(t, s, 0)
	masked.Mask = make([]float32, 4*8)
	for name, b := range map[string]*data.Batch{"longer": longer, "wider": data.NewBatch(newToyTask(), 9), "masked": masked} {
		if _, err := s.Step(b); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s batch: error %v, want ErrShape", name, err)
		}
	}
}

// TestCollision plants two nodes of equal hash: in the first build, which must be made again,
// and in every build, which must end in an error.
func TestCollision(t *testing.T) {
	net := newToy()
	net.collide = func(build int) bool { return build == 1 }
	s, err := NewSession(Config{Net: net, Task: newToyTask(), Options: toyOptions()})
	if err != nil {
		t.Fatal(err)
	}
	if net.builds != 2 {
		t.Errorf("%d builds, want 2", net.builds)
	}
	if _, err := s.Step(batchOf(t, s, 0)); err != nil {
		t.Error(err)
	}
	net.collide = func(int) bool { return true }
	if _, err := NewGraph(s.cfg.graphConfig(), s.params); !errors.Is(err, kernels.ErrCollision) {
		t.Errorf("error %v, want ErrCollision", err)
	}
}

// TestMergedNodes holds that a large graph that lost a node without a trace is built again:
// the planted nodes make the sizes of the first two builds differ.
func TestMergedNodes(t *testing.T) {
	net := newToy()
	task := newToyTask()
	params, err := NewParams[float32](net, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := GraphConfig{Net: net, T: 80, B: 2, I: task.I, Grad: true}
	for _, c := range []struct{ shrunk, builds int }{{0, 2}, {1, 3}, {2, 3}} {
		net.builds = 0
		net.extra = func(build int) bool { return build != c.shrunk }
		g, err := NewGraph(cfg, params)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(g.nodes.AllNodes()); n < twinNodes {
			t.Fatalf("%d nodes are too few to be built twice", n)
		}
		if net.builds != c.builds {
			t.Errorf("build %d lost a node: %d builds, want %d", c.shrunk, net.builds, c.builds)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	params, err := NewParams[float32](newToy(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewGraph(GraphConfig{Net: newToy(), T: 0, B: 1, I: 2}, params); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("T = 0: error %v, want ErrShape", err)
	}
	if _, err := NewGraph(GraphConfig{Net: newToy(), T: 2, B: 1, I: 7, Grad: true}, params); err == nil {
		t.Error("a network for 2 inputs was compiled for 7")
	}
}

// heapGrowth is what 2000 steps may add to the live heap: a few hundred bytes of counters and
// the odd grown slice of the runtime. One header leaked per step would be 200 KiB.
const heapGrowth = 64 << 10

func TestHeapIsFlat(t *testing.T) {
	s := newToySession(t, nil)
	b := batchOf(t, s, 0)
	live := func(steps int) uint64 {
		for range steps {
			if _, err := s.Step(b); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		for range 3 { // pools survive one collection
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live(3000) // the pool of tensor headers fills up in the first few thousand
	after := live(2000)
	if after > before+heapGrowth {
		t.Errorf("the live heap grew from %d to %d bytes over 2000 steps", before, after)
	}
}

// TestStepNorms uses h ← h/2: the gradient halves with each step back in time.
func TestStepNorms(t *testing.T) {
	net := newLinear()
	s := newToySession(t, func(c *Config) { c.Net = net; c.Task.T = 6 })
	r := s.params.slice(1)
	for i := range r {
		r[i] = 0
		if i%(net.hidden+1) == 0 {
			r[i] = 0.5
		}
	}
	b, err := s.Batch(s.cfg.Task.Test, 3)
	if err != nil {
		t.Fatal(err)
	}
	norms, err := s.StepGradients(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(norms) != 6 || norms[5] == 0 {
		t.Fatalf("norms %v, want 6 that are not 0", norms)
	}
	for i, n := range norms {
		if want := norms[5] * math.Pow(2, float64(i-5)); math.Abs(n-want) > 1e-6*want { // float32 elements
			t.Errorf("norm of step %d is %g, want %g", i, n, want)
		}
	}
}
