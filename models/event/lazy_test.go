package event

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/models"
)

// TestLazyTraces holds traces that are moved at events alone to traces that are moved at every
// step, over silences of up to 400 steps.
func TestLazyTraces(t *testing.T) {
	const steps, inputs, units = 3000, 4, 3
	r := rand.New(rand.NewPCG(1, 2))
	weights := make([]float64, units*inputs)
	for i := range weights {
		weights[i] = r.NormFloat64()
	}
	weights[1] = 0
	for _, kernel := range []string{"ema", "ema_diff_relu", "alpha", "dualexp"} {
		var filters []models.Synapse
		for u := range units {
			s, err := models.NewSynapse(kernel, 2+float64(u), 50*float64(u+1))
			if err != nil {
				t.Fatal(err)
			}
			filters = append(filters, s)
		}
		lazy := NewTraces(filters, inputs, weights)
		var p, q [units]float64
		silence := 0
		for n := range steps {
			var drive [units]float64
			for silence--; silence < 0; {
				input, weight := r.IntN(inputs), r.Float64()
				if err := lazy.Event(float64(n+1), input, weight); err != nil {
					t.Fatal(err)
				}
				for u := range drive {
					drive[u] += weights[u*inputs+input] * weight
				}
				silence = []int{0, 1, 5, 400}[r.IntN(4)]
			}
			for u, s := range filters {
				_, p[u], q[u] = s.Step(drive[u], p[u], q[u])
			}
		}
		gotP, gotQ, err := lazy.Read(steps)
		if err != nil {
			t.Fatal(err)
		}
		near(t, kernel+": p", gotP, p[:], equality)
		near(t, kernel+": q", gotQ, q[:], equality)
		if w := lazy.Work(); w.Traces >= steps*units/2 {
			t.Errorf("%s: %d traces were moved for %d events, want far fewer than %d", kernel, w.Traces, w.Events, steps*units)
		}
	}
}

// TestTimeIsContinuous: what a trace is at a time does not depend on where it was read before.
func TestTimeIsContinuous(t *testing.T) {
	for _, kernel := range []string{"ema_diff", "alpha", "dualexp"} {
		s, err := models.NewSynapse(kernel, 3, 7)
		if err != nil {
			t.Fatal(err)
		}
		once, often := NewTraces([]models.Synapse{s}, 1, []float64{1}), NewTraces([]models.Synapse{s}, 1, []float64{1})
		for _, at := range []float64{0, 0.3, 2.25, 9.5} {
			for _, tr := range []*Traces{once, often} {
				if err := tr.Event(at, 0, 2); err != nil {
					t.Fatal(err)
				}
			}
			for k := range 5 {
				if _, _, err := often.Read(at + 0.05*float64(k)); err != nil {
					t.Fatal(err)
				}
			}
		}
		p, q, err := once.Read(12.125)
		if err != nil {
			t.Fatal(err)
		}
		p2, q2, err := often.Read(12.125)
		if err != nil {
			t.Fatal(err)
		}
		near(t, kernel+": p", p2, p, equality)
		near(t, kernel+": q", q2, q, equality)
	}
}

// pulses is a net with few links and events in two bursts far apart, at one end of a chain.
func pulses(t *testing.T, graph string) problem {
	t.Helper()
	c := models.NewCRNN()
	c.Graph, c.TauS, c.TauL = graph, 1.5, 4
	p := newProblem(t, "pulses on "+graph, c)
	p.steps = 1400
	p.x = make([]float64, p.steps*p.dims.I)
	for _, at := range []int{3, 4, 700} {
		p.x[at*p.dims.I+1] = 1
	}
	for u := range p.dims.H { // input 1 reaches unit 0 alone
		for _, name := range []string{"U_exc", "U_inh"} {
			p.params[name][u*p.dims.I+1] = 0
		}
	}
	p.params["U_exc"][1] = 0.8
	return p
}

// TestSleep holds nets whose units sleep to one whose units are all woken before every step: to
// the last bit, to rounding with the default, and to what Still allows.
func TestSleep(t *testing.T) {
	for _, graph := range []string{"none", "ring"} {
		last := math.MaxInt
		for _, c := range []struct{ still, tolerance float64 }{{0, 0}, {still, equality}, {1e-6, 1e-4}} {
			p := pulses(t, graph)
			lazy, busy := p.net(t), p.net(t)
			lazy.Still, busy.Still = c.still, 0
			alone := 0 // steps in which just the touched unit is awake
			for k := range p.steps {
				p.step(t, lazy, k)
				busy.wakeAll()
				p.step(t, busy, k)
				if m := mismatch(lazy.H(), busy.H(), c.tolerance); m != "" {
					t.Fatalf("%s, still %g: step %d: %s", p.name, c.still, k, m)
				}
				if lazy.Awake() == 1 {
					alone++
				}
			}
			near(t, p.name+": state", lazy.state(), busy.state(), max(equality, c.tolerance))
			if c.still > 0 && lazy.Awake() != 0 {
				t.Errorf("%s, still %g: %d units are awake long after the last event", p.name, c.still, lazy.Awake())
			}
			done, all := lazy.Work().Units, busy.Work().Units
			if done > all/2 || done >= last || all != lazy.Clocked(p.steps).Units {
				t.Errorf("%s, still %g: %d of %d voltages were stepped, want less than half and than the %d before", p.name, c.still, done, all, last)
			}
			last = done
			if graph == "none" && alone < 10 {
				t.Errorf("the touched unit was awake alone in %d steps, want at least 10 without coupling", alone)
			}
		}
	}
}

// TestLongSteps: with no axial neighbours to exchange with and h at rest, one long step leaves the
// traces where as many short ones do; and units at rest in short steps are awake in a longer one.
func TestLongSteps(t *testing.T) {
	p := pulses(t, "ring")
	short, long := p.net(t), p.net(t)
	for _, n := range []*Net{short, long} {
		if err := n.Event(1, 1); err != nil {
			t.Fatal(err)
		}
		if err := n.Step(1); err != nil {
			t.Fatal(err)
		}
	}
	for range 7 {
		if err := short.Step(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := long.Step(7); err != nil {
		t.Fatal(err)
	}
	p1, q1 := short.Traces()
	p2, q2 := long.Traces()
	near(t, "p", p2, p1, equality)
	near(t, "q", q2, q1, equality)

	n := p.net(t)
	for n.Awake() > 0 {
		if err := n.Step(1e-30); err != nil { // too short to move any h
			t.Fatal(err)
		}
	}
	before := slices.Clone(n.H())
	if err := n.Step(1); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(n.H(), before) {
		t.Error("units that rested at short steps slept through a long one")
	}
}

// TestWorkFollowsEvents: twice the events are twice the multiply-adds of the input product, and
// a frame in which all inputs are events costs what the clocked product costs.
func TestWorkFollowsEvents(t *testing.T) {
	p := newProblem(t, "crnn", models.NewCRNN())
	for name := range p.params { // no zeros
		for i := range p.params[name] {
			p.params[name][i] = 0.5
		}
	}
	p.params["tau_l"] = []float64{9, 9, 9, 9, 9}
	perEvent := 2 * p.dims.H
	for events := range p.dims.I + 1 {
		n := p.net(t)
		for i := range events {
			if err := n.Event(i, 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.Step(1); err != nil {
			t.Fatal(err)
		}
		if w := n.Work(); w.Input != events*perEvent || w.Events != events {
			t.Errorf("%d events cost %d multiply-adds, want %d", w.Events, w.Input, events*perEvent)
		}
		if c := n.Clocked(1); events == p.dims.I && n.Work() != c {
			t.Errorf("events at all inputs cost %+v, the clocked step %+v", n.Work(), c)
		}
	}
}

func TestReset(t *testing.T) {
	p := newProblem(t, "crnn", models.NewCRNN())
	n := p.net(t)
	var runs [2][]float64
	for i := range runs {
		for k := range p.steps {
			p.step(t, n, k)
			runs[i] = append(runs[i], n.H()...)
		}
		if err := n.Event(0, 1); err != nil { // of a step that is never made
			t.Fatal(err)
		}
		n.Reset()
	}
	if !slices.Equal(runs[0], runs[1]) {
		t.Error("a net that was reset does not repeat itself")
	}
}

func TestRefuses(t *testing.T) {
	p := newProblem(t, "crnn", models.NewCRNN())
	n := p.net(t)
	for what, err := range map[string]error{
		"input -1":             n.Event(-1, 1),
		"input 6":              n.Event(6, 1),
		"weight NaN":           n.Event(0, math.NaN()),
		"weight Inf":           n.Event(0, math.Inf(-1)),
		"step of 0":            n.Step(0),
		"step of NaN":          n.Step(math.NaN()),
		"endless step":         n.Step(math.Inf(1)),
		"event before time 0":  n.traces.Event(-1, 0, 1),
		"event at no time":     n.traces.Event(math.NaN(), 0, 1),
		"event after all time": n.traces.Event(math.Inf(1), 0, 1),
	} {
		if !errors.Is(err, ErrEvent) {
			t.Errorf("%s: error is %v, want ErrEvent", what, err)
		}
	}
	if err := n.traces.Event(2, 0, 1); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"late event":   n.traces.Event(1.9, 0, 1),
		"late reading": func() error { _, _, err := n.traces.Read(1.9); return err }(),
	} {
		if !errors.Is(err, ErrEvent) {
			t.Errorf("%s: error is %v, want ErrEvent", what, err)
		}
	}

	change := func(f func(map[string][]float64)) error {
		q := newProblem(t, "crnn", models.NewCRNN())
		f(q.params)
		_, err := New(q.cell, q.dims, q.params)
		return err
	}
	for what, err := range map[string]error{
		"missing": change(func(m map[string][]float64) { delete(m, "gamma") }),
		"short":   change(func(m map[string][]float64) { m["gamma"] = m["gamma"][1:] }),
		"unknown": change(func(m map[string][]float64) { m["W"] = nil }),
	} {
		if !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s parameter: error is %v, want ErrShape", what, err)
		}
	}
	if err := change(func(m map[string][]float64) { m["tau_l"][0] = m["tau_s"][0] }); err == nil {
		t.Error("equal time constants of a difference were taken")
	}
	lstm, err := models.Lookup("lstm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(lstm.New(), p.dims, nil); err == nil {
		t.Error("an LSTM was taken")
	}
	bad := models.NewCRNN()
	bad.Dt = -1
	if _, err := New(bad, p.dims, p.params); err == nil {
		t.Error("a setting out of range was taken")
	}
}
