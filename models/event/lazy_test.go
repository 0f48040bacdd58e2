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

// pulses makes a sequence with two bursts of events far apart, which reach unit 0 alone.
func pulses(t *testing.T, name string, c models.Cell) problem {
	t.Helper()
	p := newProblem(t, name, c)
	p.steps = 1400
	p.x = make([]float64, p.steps*p.dims.I)
	for _, at := range []int{3, 4, 700} {
		p.x[at*p.dims.I+1] = 1
	}
	for _, name := range []string{"U", "U_exc", "U_inh"} {
		for u := range p.dims.H {
			if u*p.dims.I+1 < len(p.params[name]) {
				p.params[name][u*p.dims.I+1] = 0
			}
		}
	}
	weight := "U"
	if p.params[weight] == nil {
		weight = "U_exc"
	}
	p.params[weight][1] = 0.8
	if w := p.params["W"]; w != nil { // a chain in which a unit acts on the next alone
		clear(w)
		for u := range p.dims.H {
			w[u*p.dims.H+u] = 0.5
			if u > 0 {
				w[u*p.dims.H+u-1] = 0.3
			}
		}
	}
	return p
}

// sleepers are nets in which units can sleep while others do not: without coupling, on a ring, on
// a chain of one direction, and with a conductance that begins a while after its event.
func sleepers(t *testing.T) []problem {
	t.Helper()
	full := func(name, graph string, fast, slow float64) problem {
		c := models.NewCRNN()
		c.Graph, c.TauS, c.TauL = graph, fast, slow
		return pulses(t, name, c)
	}
	chain := models.NewCRNNSimple()
	return []problem{full("alone", "none", 1.5, 4), full("ring", "ring", 1.5, 4), full("late", "ring", 4, 1.5), pulses(t, "chain", chain)}
}

// TestSleep holds nets whose units sleep to one whose units are all woken before every step: to
// the last bit, to rounding with the default, and to what Still allows.
func TestSleep(t *testing.T) {
	for _, p := range sleepers(t) {
		last := math.MaxInt
		for _, c := range []struct{ still, tolerance float64 }{{0, 0}, {still, equality}, {1e-6, 1e-4}} {
			lazy, busy := p.net(t), p.net(t)
			lazy.Still, busy.Still = c.still, 0
			alone := 0 // steps in which one unit is awake
			for k := range p.steps {
				p.step(t, lazy, k)
				busy.awake.addAll()
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
			if done >= all || c.still > 0 && done > all/2 || done >= last || all != lazy.Clocked(p.steps).Units {
				t.Errorf("%s, still %g: %d of %d voltages were stepped, want less than half and than the %d before", p.name, c.still, done, all, last)
			}
			last = done
			if p.name == "alone" && alone < 10 {
				t.Errorf("one unit was awake alone in %d steps, want at least 10 without coupling", alone)
			}
		}
	}
}

// TestLongSteps: one long step leaves the traces where as many short ones do; units at rest in
// short steps are awake in a longer one.
func TestLongSteps(t *testing.T) {
	p := sleepers(t)[1]
	short, long := p.net(t), p.net(t)
	for _, n := range []*Net{short, long} {
		if err := n.Event(1, 1); err != nil {
			t.Fatal(err)
		}
		advance(t, n, 1)
	}
	for range 7 {
		advance(t, short, 1)
	}
	advance(t, long, 7)
	p1, q1 := short.Traces()
	p2, q2 := long.Traces()
	near(t, "p", p2, p1, equality)
	near(t, "q", q2, q1, equality)

	n := p.net(t)
	for n.Awake() > 0 {
		advance(t, n, 1e-30) // too short to move any h
	}
	before := slices.Clone(n.H())
	advance(t, n, 1)
	if slices.Equal(n.H(), before) {
		t.Error("units that rested at short steps slept through a long one")
	}
}

// TestLengthIsDt: without input a step of length 2 is one of length 1 at twice the dt.
func TestLengthIsDt(t *testing.T) {
	full, simple := models.NewCRNN(), models.NewCRNNSimple()
	a, b := newProblem(t, "crnn", full), newProblem(t, "crnn-simple", simple)
	nets := []*Net{a.net(t), b.net(t)}
	full.Dt, simple.Dt = full.Dt/2, simple.Dt/2
	for i, half := range []*Net{a.net(t), b.net(t)} {
		for range 3 {
			advance(t, nets[i], 1)
			advance(t, half, 2)
		}
		near(t, "h", half.H(), nets[i].H(), equality)
	}
}

func advance(t *testing.T, n *Net, length float64) {
	t.Helper()
	if err := n.Step(length); err != nil {
		t.Fatal(err)
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
