package analysis

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/engine/safetensors"
	"galvani/models"
)

// near reports whether two numbers agree to a tolerance.
func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// TestStates holds h to that of a trace, and the conditions to the trials.
func TestStates(t *testing.T) {
	s, session := subject(t, "gru", "perceptual", perceptual)
	w, err := s.States(s.Task.Test, 100, "class")
	if err != nil {
		t.Fatal(err)
	}
	if w.N != 13 || w.H != 6 || !slices.Equal(w.Names, []string{"choice 1", "choice 2"}) || w.Ends[0] != s.Task.T {
		t.Fatalf("%d sequences of %d units, conditions %v, ends %v", w.N, w.H, w.Names, w.Ends)
	}
	b, err := session.Batch(s.Task.Test, 13)
	if err != nil {
		t.Fatal(err)
	}
	traced, err := session.Trace(b)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(traced, func(x safetensors.Tensor) bool { return x.Name == "h" })
	h, err := traced[i].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	for seq := range w.N {
		trial := s.Task.Test.(data.Trials).Trial(0, seq)
		if w.Of[seq] != trial.Choice-1 {
			t.Errorf("sequence %d has condition %v, want %d", seq, w.Of[seq], trial.Choice-1)
		}
		for step := range w.T {
			for k, v := range w.at(seq, step) {
				if want := h[(step*13+seq)*6+k]; !near(float64(v), float64(want), 1e-6) {
					t.Fatalf("h[%d,%d,%d] is %v, want %v", seq, step, k, v, want)
				}
			}
		}
	}
	if w, err := s.States(s.Task.Test, 10, "coherence"); err != nil || w.N != 10 || len(w.Names) != 5 || w.Names[4] != "51.2 %" {
		t.Errorf("coherences %v of %d sequences, %v", w.Names, w.N, err)
	}
	a, _ := subject(t, "rnn", "adding", adding)
	if _, err := a.States(a.Task.Test, 10, "coherence"); !errors.Is(err, engine.ErrOption) {
		t.Errorf("coherences of a regression: %v", err)
	}
	if w, err := a.States(a.Task.Test, 10, "class"); err != nil || len(w.Names) != 1 {
		t.Errorf("conditions of a regression are %v, %v", w, err)
	}
}

// made returns states in which sequence n ends behind ends[n] and has the condition of[n].
func made(t, h int, ends, of []int, value func(seq, step, unit int) float64) *States {
	w := &States{N: len(ends), T: t, H: h, Ends: ends, Of: of}
	for range slices.Max(of) + 1 {
		w.Names = append(w.Names, "")
	}
	for seq := range ends {
		for step := range t {
			for unit := range h {
				w.Values = append(w.Values, float32(value(seq, step, unit)))
			}
		}
	}
	return w
}

// TestMeans averages over the sequences that have not ended, as long as all conditions have one.
func TestMeans(t *testing.T) {
	w := made(4, 1, []int{4, 2, 3}, []int{0, 0, 1}, func(seq, step, _ int) float64 { return float64(10*seq + step) })
	got, steps := w.Means()
	if want := []float64{5, 6, 2, 20, 21, 22}; steps != 3 || !slices.Equal(got, want) {
		t.Errorf("means %v over %d steps, want %v", got, steps, want)
	}
	if rows := w.Rows(); len(rows) != 9 || rows[4] != 10 {
		t.Errorf("rows %v", rows)
	}
}

// TestTuning: a unit that tells the condition, one that tells half of it, one that does not vary.
func TestTuning(t *testing.T) {
	w := made(2, 3, []int{2, 2, 2, 2}, []int{0, 0, 1, 1}, func(seq, step, unit int) float64 {
		return []float64{float64(seq / 2), float64(seq%2) - float64(seq/2), 0.5}[unit]
	})
	got := w.Tuning()
	for i, want := range []float64{1, 0.5, 0} {
		if !near(got.Selectivity[i], want, 1e-6) {
			t.Errorf("selectivity of unit %d is %v, want %v", i, got.Selectivity[i], want)
		}
	}
	if !slices.Equal(got.Preferred, []int{1, 0, 0}) || !slices.Equal(got.Mean, []float64{0, 0.5, 0.5, 1, -0.5, 0.5}) {
		t.Errorf("tuning %+v", got)
	}
}

// TestSpectrum: the power of a sine is at its frequency, and the integral is the variance.
func TestSpectrum(t *testing.T) {
	for _, steps := range []int{20, 21} {
		w := made(steps, 2, []int{steps, steps}, []int{0, 0}, func(_, step, unit int) float64 {
			return 3 + float64(1+unit)*math.Sin(2*math.Pi*float64(step)*4/float64(steps))
		})
		s := w.Spectrum()
		sum := 0.0
		for k, p := range s.Power {
			sum += p / float64(steps)
			if (p > 1e-9) != (k == 3) || !near(s.Frequency[k], float64(k+1)/float64(steps), 1e-12) {
				t.Errorf("%d steps: power %v at %v", steps, p, s.Frequency[k])
			}
		}
		if want := (1 + 4) / 4.0; !near(sum, want, 1e-6) {
			t.Errorf("%d steps: integral %v, want the variance %v", steps, sum, want)
		}
	}
}

// TestPrincipal finds the axes of a cloud, and how many dimensions it has.
func TestPrincipal(t *testing.T) {
	var rows []float64
	for i := range 40 {
		a, b := math.Sin(float64(i)), math.Cos(7*float64(i))
		rows = append(rows, 5+a-2*b, 1+a+2*b, -3)
	}
	c, err := Principal(rows, 3)
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Dimension(); !(d > 1 && d < 2) || c.Variance[2] > 1e-12 || !near(math.Abs(c.Axes[0][0]), math.Sqrt(0.5), 0.1) {
		t.Errorf("dimension %v, components %+v", d, c)
	}
	along := c.Project(rows, 2)
	for i := range 40 {
		for k := range 2 {
			x := rows[3*i+k]
			for q := range 2 {
				x -= along[2*i+q] * c.Axes[q][k]
			}
			if !near(x, c.Mean[k], 1e-9) {
				t.Fatalf("row %d is not the mean and its components: %v", i, x)
			}
		}
	}
	if _, err := Principal([]float64{1, math.NaN()}, 1); err == nil {
		t.Error("a NaN has components")
	}
	still, err := Principal([]float64{1, 2, 1, 2}, 2)
	if err != nil || still.Dimension() != 0 {
		t.Errorf("states that do not move: %+v, %v", still, err)
	}
}

// TestDemix takes apart what time does and what the condition does.
func TestDemix(t *testing.T) {
	const conditions, steps, h = 3, 12, 5
	r := rand.New(rand.NewPCG(1, 2))
	u, v := make([]float64, h), make([]float64, h)
	for i := range h {
		u[i], v[i] = r.NormFloat64(), r.NormFloat64()
	}
	var x []float64
	for c := range conditions {
		for step := range steps {
			for i := range h {
				x = append(x, 1+2*math.Sin(float64(step))*u[i]+float64(c-1)*v[i])
			}
		}
	}
	d, err := Demix(x, conditions, steps, h, 2)
	if err != nil {
		t.Fatal(err)
	}
	if all := d.Shares[0] + d.Shares[1]; !near(all, 1, 1e-9) || d.Shares[0] < 0.05 || d.Shares[1] < 0.05 || !near(d.Shares[2], 0, 1e-9) {
		t.Errorf("shares %v", d.Shares)
	}
	size := func(component []float64, along func(c, step int) float64) (fit, all float64) {
		var xy, xx, yy float64
		for c := range conditions {
			for step := range steps {
				a, b := component[c*steps+step], along(c, step)
				xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
			}
		}
		return xy * xy / (xx * yy), xx
	}
	mean := 0.0
	for step := range steps {
		mean += math.Sin(float64(step)) / steps
	}
	if fit, _ := size(d.Time[0], func(_, step int) float64 { return math.Sin(float64(step)) - mean }); fit < 0.99 {
		t.Errorf("the component of time explains %v of what time does", fit)
	}
	if fit, _ := size(d.Condition[0], func(c, _ int) float64 { return float64(c - 1) }); fit < 0.99 {
		t.Errorf("the component of the condition explains %v of what it does", fit)
	}
	one, err := Demix(x[:steps*h], 1, steps, h, 2)
	if err != nil || !near(one.Shares[0], 1, 1e-9) {
		t.Errorf("one condition: %+v, %v", one.Shares, err)
	}
}

// TestAlign: rotated and scaled states are the same, unrelated ones are not.
func TestAlign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 400
	var a, turned, other []float64
	for range n {
		x, y := r.NormFloat64(), 0.3*r.NormFloat64()
		a = append(a, x, y)
		turned = append(turned, 3*(0.6*x-0.8*y), 1+3*(0.8*x+0.6*y), 0)
		other = append(other, r.NormFloat64(), r.NormFloat64())
	}
	if got, err := Align(a, 2, turned, 3); err != nil || !near(got.CKA, 1, 1e-9) || !near(got.Procrustes, 1, 1e-9) {
		t.Errorf("rotated: %+v, %v", got, err)
	}
	if got, err := Align(a, 2, other, 2); err != nil || got.CKA > 0.05 || got.Procrustes > 0.05 || got.CKA < 0 {
		t.Errorf("unrelated: %+v, %v", got, err)
	}
	if got, err := Align(a, 2, make([]float64, n), 1); err != nil || got != (Aligned{}) {
		t.Errorf("states that do not move: %+v, %v", got, err)
	}
}

// TestBalances: what comes from E units excites, also where the cell subtracts its matrix.
func TestBalances(t *testing.T) {
	for _, model := range []string{"rate", "crnn-simple"} {
		e, err := models.Lookup(model)
		if err != nil {
			t.Fatal(err)
		}
		w := models.NewWiring()
		w.Dale, w.EIRatio = true, 0.5
		net, err := models.Bind(model, e.New(), models.Dims{I: 1, H: 6, O: 1}, models.Wired(w))
		if err != nil {
			t.Fatal(err)
		}
		params, err := engine.NewParams[float32](net, 1)
		if err != nil {
			t.Fatal(err)
		}
		s := &Subject{Net: net, Params: params}
		list, err := Balances(net, s.Stored(), slices.Repeat([]float64{1}, 6))
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		for unit := range 6 {
			b := list[0]
			if b.Excitation[unit] <= 0 || b.Inhibition[unit] >= 0 || b.Index(unit) <= 0 || b.Index(unit) > 1 {
				t.Errorf("%s: unit %d gets %v and %v, balance %v", model, unit, b.Excitation[unit], b.Inhibition[unit], b.Index(unit))
			}
		}
	}
	net, err := models.Bind("rnn", &models.RNN{}, models.Dims{I: 1, H: 2, O: 1})
	if err != nil {
		t.Fatal(err)
	}
	if list, err := Balances(net, nil, nil); list != nil || err != nil {
		t.Errorf("without Dale's law: %v, %v", list, err)
	}
	if b := (Balance{Excitation: []float64{2, 0}, Inhibition: []float64{-2, 0}}); b.Index(0) != 1 || b.Index(1) != 0 {
		t.Errorf("indices %v and %v", b.Index(0), b.Index(1))
	}
}
