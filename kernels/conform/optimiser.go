package conform

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/optimisers"

	"gorgonia.org/gorgonia"
)

// Training is what Update asks for: an optimiser with its settings, the parts, bounds and limit of its
// updates, and parameters of which the first Learned are updated.
type Training struct {
	Name     string
	Settings optimisers.Settings
	Config   kernels.UpdateConfig // without mirrors
	Params   []float32
}

// Updates makes the updates of a Training.
type Updates interface {
	// Step makes update number step, counted from 1, with a gradient [Learned]. It returns the norm of its
	// counted parts, before clipping.
	Step(t *testing.T, grad []float32, lr float64, step int) float64
	// Read returns the parameters and the slots.
	Read(t *testing.T) (params []float32, slots [][]float32)
}

// trainings returns every optimiser, each with one part, with parts that decay, are clipped and are counted
// differently, and with these clipped by their own norms.
func trainings(t *testing.T, n int) (list []Training) {
	t.Helper()
	whole := []kernels.Part{{Len: n, Decays: true}}
	parts := []kernels.Part{{Len: 7}, {Len: 600, Decays: true}, {Len: n - 707}, {Len: 60, Clip: kernels.Scaled}, {Len: 40, Decays: true, Clip: kernels.Apart}}
	for _, name := range append(optimisers.Names(), "nesterov") {
		s := optimisers.Settings{Beta1: 0.9, Beta2: 0.999, Alpha: 0.99, Momentum: 0.9, Eps: 1e-8, Decay: 0.01, Nesterov: name == "nesterov"}
		if s.Nesterov {
			name = "sgd"
		}
		rule, err := optimisers.Of(name, s)
		if err != nil {
			t.Fatal(err)
		}
		alone := slices.Clone(parts)
		for i := range alone {
			alone[i].Alone = true
		}
		for _, p := range [][]kernels.Part{whole, parts, alone} {
			list = append(list, Training{name, s, kernels.UpdateConfig{Rule: rule, Clip: 20, Learned: n, Parts: p,
				Bounds: []kernels.Span{{Offset: 3, Len: 500, Lo: -0.5, Hi: 0.25}}}, drawn(n)})
		}
	}
	return list
}

// tolNorm bounds the relative difference of two sums of a thousand squares in float64.
const tolNorm = 1e-12

// Update wants the bits of the rule on the host after some updates of every optimiser, with clipping, parts
// and bounds, and the norms of the gradients.
func Update(t *testing.T, open func(*testing.T, Training) Updates) {
	t.Helper()
	const n = 1001
	for _, w := range trainings(t, n) {
		u, rule := open(t, w), w.Config.Rule
		p, slots := slices.Clone(w.Params), make([][]float32, len(rule.Slots))
		for i := range slots {
			slots[i] = make([]float32, n)
		}
		counted, err := kernels.CountedLen(w.Config.Parts)
		if err != nil {
			t.Fatal(err)
		}
		for step := 1; step <= 4; step++ {
			g := Normals(rand.New(rand.NewPCG(uint64(step), 4)), n)
			for i := range g {
				g[i] *= float32(step) / 3 // clipped from the second step on
			}
			norm, want := u.Step(t, slices.Clone(g), 0.1, step), norm64(g[:counted])
			if !(math.Abs(norm-want) <= tolNorm*want) {
				t.Fatalf("%s: norm %g of gradient %d, want %g", w.Name, norm, step, want)
			}
			at := 0
			for _, part := range w.Config.Parts {
				end := at + part.Len
				if part.Alone {
					norm = norm64(g[at:end])
				}
				if part.Clip != kernels.Apart {
					clipTo(g[at:end], w.Config.Clip, norm)
				}
				c := rule.At(0.1, step)
				if !part.Decays {
					c = c.Undecayed()
				}
				rule.Update(c, p, g, slots, at, end)
				at = end
			}
			for _, s := range w.Config.Bounds {
				for i := s.Offset; i < s.Offset+s.Len; i++ {
					p[i] = min(max(p[i], s.Lo), s.Hi)
				}
			}
		}
		params, state := u.Read(t)
		SameBits(t, w.Name+": parameters", params, p)
		for i, s := range slots {
			SameBits(t, w.Name+": "+rule.Slots[i], state[i], s)
		}
	}
}

func norm64(g []float32) float64 {
	sum := 0.0
	for _, x := range g {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// clipTo scales a gradient by what brings the given norm to most, if that is less.
func clipTo(g []float32, most, norm float64) {
	if norm > most {
		for i := range g {
			g[i] = float32(float64(g[i]) * (most / norm))
		}
	}
}

// Steps returns what opens the updates of a device, for Update.
func Steps(d kernels.Resident) func(*testing.T, Training) Updates {
	return func(t *testing.T, w Training) Updates {
		t.Helper()
		return &onDevice{d, newTraining(t, d, w.Config, w.Params, 2)}
	}
}

// onDevice are the updates of a device with memory of its own. Their gradients come in three pieces.
type onDevice struct {
	dev kernels.Resident
	*training
}

func (u *onDevice) Step(t *testing.T, grad []float32, lr float64, step int) float64 {
	t.Helper()
	n := len(grad)
	all, err := u.dev.Mirror(kernels.Wrap(grad, n))
	if err != nil {
		t.Fatal(err)
	}
	if err := Gathered(u.plan, []gorgonia.Value{all.View(0, 1), all.View(1, 10, 10), all.View(101, n-101)}, u.loss, lr, step); err != nil {
		t.Fatal(err)
	}
	rs, err := u.plan.Reports(true)
	if err != nil {
		t.Fatal(err)
	}
	if len(rs) != 1 {
		t.Fatalf("reports %+v of one update", rs)
	}
	if want := (kernels.Report{Step: step, LossSums: kernels.LossSums{Loss: 4, Weight: 1}, GradNorm: rs[0].GradNorm}); rs[0] != want {
		t.Fatalf("report %+v, want %+v", rs[0], want)
	}
	return rs[0].GradNorm
}

func (u *onDevice) Read(t *testing.T) (params []float32, slots [][]float32) {
	t.Helper()
	u.pull(t)
	for _, s := range u.slots {
		slots = append(slots, Data[float32](s))
	}
	return Data[float32](u.params), slots
}
