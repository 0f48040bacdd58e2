package urbanczik

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
)

const tau, eta = 100.0, 0.07

// integrals returns those of f from a to b.
func integrals(f func(float64) float64, a, b float64) (i Integrals) {
	const parts = 64
	for k := range parts {
		lo, hi := a+(b-a)*float64(k)/parts, a+(b-a)*float64(k+1)/parts
		i.I1 += quad.Fixed(f, lo, hi, 20, nil, 0)
		i.I2 += quad.Fixed(func(t float64) float64 { return math.Exp(-(b-t)/tau) * f(t) }, lo, hi, 20, nil, 0)
	}
	return i
}

func example(t float64) float64 {
	return (math.Sin(0.03*t) + 0.5*math.Cos(0.11*t)) * math.Exp(-math.Pow((t-40)/25, 2))
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}

// TestIntegrals holds changes of weights to closed forms and to the integral over time of the low-passed product, and the
// integrals of two stretches to that of both.
func TestIntegrals(t *testing.T) {
	one := integrals(func(float64) float64 { return 1 }, 0, 250)
	near(t, "constant product", eta*(one.I1-one.I2), 11.07459499, 1e-8)
	near(t, "constant product, closed form", one.I1-one.I2, 250-tau*(1-math.Exp(-2.5)), 1e-10)
	before, between := integrals(example, 0, 30), integrals(example, 30, 120)
	near(t, "change between", eta*stretch(before, between, 90, tau), 1.2182943189, 1e-10)
	all := integrals(example, 0, 120)
	two := before.Then(between, 90, tau)
	near(t, "I1", two.I1, all.I1, 1e-10)
	near(t, "I2", two.I2, all.I2, 1e-10)
	near(t, "difference of changes", eta*(all.I1-all.I2)-eta*(before.I1-before.I2), eta*stretch(before, between, 90, tau), 1e-10)
	low := func(t float64) float64 { i := integrals(example, 0, t); return i.I2 / tau }
	near(t, "integral of the low-pass", quad.Fixed(low, 30, 75, 24, nil, 0)+quad.Fixed(low, 75, 120, 24, nil, 0), stretch(before, between, 90, tau), 1e-10)
}

// TestPrintedRecursion shows what the recursion of I2 costs that the notes print, which decays by the length of the first stretch
// instead of the second; and the kernel without its factor 1/τ.
func TestPrintedRecursion(t *testing.T) {
	before, between := integrals(example, 0, 30), integrals(example, 30, 120)
	right := before.Then(between, 90, tau).I2
	printed := math.Exp(-30/tau)*before.I2 + between.I2
	if math.Abs(printed-right) < 0.05*math.Abs(right) {
		t.Errorf("the printed recursion gives %v beside %v, want it far off", printed, right)
	}
	all := integrals(example, 0, 120)
	// kappa(t) = exp(-t/tau), as printed, is tau times the one whose antiderivative the notes take.
	low := func(t float64) float64 { i := integrals(example, 0, t); return i.I2 }
	got := quad.Fixed(low, 0, 60, 24, nil, 0) + quad.Fixed(low, 60, 120, 24, nil, 0)
	near(t, "kernel without its factor, in changes", got/(all.I1-all.I2), tau, 1e-8)
}

// trains returns the spikes of a source and the errors of a neuron in steps.
func trains(p Params, steps int) (source []bool, wrong []float64) {
	r := rand.New(rand.NewPCG(3, 4))
	source, wrong = make([]bool, steps), make([]float64, steps)
	for i := range steps {
		source[i], wrong[i] = r.Float64() < 0.004, r.NormFloat64()*0.1
	}
	return source, wrong
}

// TestFormsAgree holds the weight by events to that in every step, at every spike and at the end, for delays of 0.1, 1 and 5 ms;
// with clipping, too.
func TestFormsAgree(t *testing.T) {
	for _, bound := range []float64{1e9, 0.002} {
		for _, delay := range []float64{0, 0.1, 1, 5} {
			p := Default()
			p.WMin, p.WMax = -bound, bound
			steps, late := 20000, int(math.Round(delay/p.Step))
			source, wrong := trains(p, steps)
			archive, event, dense := NewArchive(1), NewSynapse(p, 0, 0.001, late), newDense(p, 0.001)
			spikes, most := 0, 0
			for i := range steps {
				if source[i] {
					event.Spike(archive, i)
					archive.Prune()
					near(t, "weight at a spike", event.W, dense.W, 1e-10)
					dense.Spike()
					spikes++
				}
				archive.Add(wrong[i])
				if i >= late { // the input of this step meets the error of late steps before
					dense.Step(wrong[i-late])
				} else {
					dense.Step(0)
				}
				most = max(most, archive.Len())
			}
			event.Read(archive, steps)
			near(t, "weight at the end", event.W, dense.W, 1e-10)
			if spikes < 40 || most > 3000 || math.Abs(dense.W-0.001) < 1e-5 {
				t.Errorf("%d spikes, at most %d errors kept, weight %v", spikes, most, dense.W)
			}
		}
	}
}

// TestArchive holds that what the slowest synapse has not read is kept, and no more.
func TestArchive(t *testing.T) {
	a := NewArchive(2)
	for i := range 10 {
		a.Add(float64(i))
	}
	if list, from := a.take(0, 7); len(list) != 7 || from != 0 {
		t.Errorf("got %v from %d", list, from)
	}
	a.Prune()
	if a.Len() != 10 {
		t.Errorf("%d errors are kept, want all 10 for the synapse that read none", a.Len())
	}
	a.take(1, 4)
	if a.Prune(); a.Len() != 6 {
		t.Errorf("%d errors are kept, want 6", a.Len())
	}
	if list, from := a.take(0, 99); len(list) != 3 || from != 7 || list[0] != 7 {
		t.Errorf("got %v from %d, want 7, 8 and 9", list, from)
	}
}

// TestListing holds the code that the notes print, line by line, to the rule: it reads the errors of the steps t_ls ≤ t < T with
// the input at their beginning, where the rule has it at their end, and does not clip. The first costs what a step of input makes,
// the second lets weights leave their range.
func TestListing(t *testing.T) {
	cost := func(step float64) (relative, printed float64) {
		p := Default()
		p.Step, p.WMin, p.WMax = step, -1e9, 1e9
		steps := int(math.Round(2000 / step))
		archive, event := NewArchive(1), NewSynapse(p, 0, 0, 0)
		var kappaL, kappaS, pi, piExp float64
		var history []float64
		last := 0
		r := rand.New(rand.NewPCG(3, 4))
		next := 0.0
		for i := range steps {
			at := float64(i) * step
			if at >= next {
				next += 5 + 40*r.Float64()
				event.Spike(archive, i)
				var exp float64
				for k := last; k < i; k++ {
					age, down := float64(last-k)*step, float64(k-i)*step
					v := (kappaL*math.Exp(age/p.TauL()) - kappaS*math.Exp(age/p.TauS)) * history[k]
					pi += v
					exp += math.Exp(down/p.TauDelta) * v
				}
				passed := float64(last-i) * step
				piExp = math.Exp(passed/p.TauDelta)*piExp + exp
				printed = p.Eta * p.scale() * (pi - piExp)
				kappaL = kappaL*math.Exp(passed/p.TauL()) + 1
				kappaS = kappaS*math.Exp(passed/p.TauS) + 1
				last = i
			}
			wrong := step * (0.2*math.Sin(0.05*at) + 0.1)
			archive.Add(wrong)
			history = append(history, wrong)
		}
		return math.Abs(printed/event.W - 1), printed
	}
	coarse, _ := cost(0.4)
	fine, w := cost(0.2)
	if coarse < 1e-4 || fine < 0.3*coarse || fine > 0.7*coarse {
		t.Errorf("the listing is %.3g and %.3g off at steps of 0.4 and 0.2 ms, want half as much at half the step", coarse, fine)
	}
	if p := Default(); w < p.WMax {
		t.Errorf("the listing ends at a weight of %v, want it outside of the range up to %v", w, p.WMax)
	}
}

// TestIntensity holds h to the derivative of the logarithm of the intensity.
func TestIntensity(t *testing.T) {
	p := Default()
	for u := -1.0; u < 3; u += 0.13 {
		const e = 1e-6
		near(t, "h", p.H(u), (math.Log(p.Phi(u+e))-math.Log(p.Phi(u-e)))/(2*e), 1e-7)
	}
}

// TestRefusedParams holds what is refused.
func TestRefusedParams(t *testing.T) {
	for _, change := range []func(*Params){func(p *Params) { p.GL = 0 }, func(p *Params) { p.TauS = p.TauL() }, func(p *Params) { p.Step = 1 },
		func(p *Params) { p.WMin = 2 }, func(p *Params) { p.TauDelta = math.NaN() }} {
		p := Default()
		change(&p)
		if _, err := NewNeuron(p, 1); !errors.Is(err, ErrParams) {
			t.Errorf("%+v: error %v, want ErrParams", p, err)
		}
	}
}

// dense is a synapse that changes its weight in every step, which Synapse is held to.
type dense struct {
	W         float64
	p         Params
	w0        float64
	slow, now float64
	filtered  float64
	change    float64
}

// newDense returns a synapse.
func newDense(p Params, w float64) *dense { return &dense{p: p, w0: w, W: w} }

// Spike is a spike of the source before the next step.
func (d *dense) Spike() { d.slow, d.now = d.slow+1, d.now+1 }

// Step takes the error of a step: τ_Δ Δ' = PI − Δ and w' = η Δ over one step.
func (d *dense) Step(wrong float64) {
	d.slow *= math.Exp(-d.p.Step / d.p.TauL())
	d.now *= math.Exp(-d.p.Step / d.p.TauS)
	d.change -= d.filtered * math.Expm1(-d.p.Step/d.p.TauDelta)
	d.filtered = d.filtered*math.Exp(-d.p.Step/d.p.TauDelta) + (d.slow-d.now)*wrong
	d.W = min(max(d.w0+d.p.Eta*d.p.scale()*d.change, d.p.WMin), d.p.WMax)
}

// stretch returns I1 − I2 of the stretch behind i alone: what a weight changes in it, divided by the learning rate.
func stretch(i, next Integrals, dt, tau float64) float64 {
	return next.I1 - next.I2 - i.I2*math.Expm1(-dt/tau)
}
