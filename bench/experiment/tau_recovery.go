package experiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"galvani/data"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/kernels"
	"galvani/models"
)

func init() {
	Register(Entry{
		Name:   "tau-recovery",
		Doc:    "time constants that a rate network learns from the rates of another one",
		Claim:  "a network that learns its time constants recovers those of the network that made its data, and predicts it better than an Elman network",
		Source: "notes on rate networks with synaptic and membrane time constants, after Quax, D'Asaro and van Gerven (2020), doi:10.1038/s41598-020-68169-x; the margins, 10 % and half the error, are this project's",
		New: func() Settings {
			return &tauRecovery{Units: 20, Inputs: 10, Sequences: 200, Validation: 100, Steps: 100, TauS: 5, TauR: 10, Slow: 50,
				Gain: 1.5, Noise: 3, Epochs: 1000, Batch: 20, LR: 2e-2}
		},
	})
}

// tauRecovery draws teachers with known time constants, drives them with white noise, and lets
// students learn their rates at every step from the same noise.
//
// What a student shares with its teacher is in the data where its read-out is held at the
// identity: unit n of the student is then unit n of the teacher. With a read-out that is learned,
// units may come in any order, and mean time constants alone can be compared.
type tauRecovery struct {
	Units      int     `toml:"units" doc:"units of teacher and student" min:"2" max:"1024"`
	Inputs     int     `toml:"inputs" doc:"inputs of white noise" min:"1" max:"1024"`
	Sequences  int     `toml:"sequences" doc:"sequences to learn from" min:"1" max:"100000"`
	Validation int     `toml:"validation" doc:"further sequences of the same teacher, for the errors that are reported" min:"1" max:"100000"`
	Steps      int     `toml:"steps" doc:"steps of a sequence" min:"2" max:"10000"`
	TauS       float64 `toml:"tau_s" doc:"synaptic time constant of the teacher" unit:"dt = 1" min:"1.01" max:"1e3"`
	TauR       float64 `toml:"tau_r" doc:"membrane time constant of the teacher" unit:"dt = 1" min:"1.01" max:"1e3"`
	Slow       float64 `toml:"slow" doc:"membrane time constant of the slow half of a teacher with two populations, whose other half has tau_s for both" unit:"dt = 1" min:"1.01" max:"1e3"`
	Gain       float64 `toml:"gain" doc:"spectral radius of the teacher's weights" min:"0" max:"100"`
	Noise      float64 `toml:"noise" doc:"standard deviation of the noise that a unit receives in a step" min:"1e-3" max:"1e3"`
	Epochs     int     `toml:"epochs" doc:"passes over the sequences" min:"1" max:"100000"`
	Batch      int     `toml:"batch" doc:"sequences per update" min:"1" max:"65536"`
	LR         float64 `toml:"lr" doc:"learning rate at its peak" min:"1e-6" max:"1"`
}

// tauTolerance is how far a recovered mean may be off, and elmanFactor how much better than the
// Elman network the student has to be.
const (
	tauTolerance = 0.1
	elmanFactor  = 0.5
)

// Quick implements Settings.
func (s *tauRecovery) Quick() {
	s.Units, s.Inputs, s.Sequences, s.Validation, s.Steps, s.Epochs, s.Batch = 4, 2, 4, 2, 6, 2, 4
}

// lesson is a condition: a kind of teacher and a kind of student.
type lesson struct {
	name           string
	activation     string
	two            bool    // populations in the teacher
	startS, startR float64 // time constants of the student before learning; 0 for an Elman network
	free           bool    // the read-out is learned
}

// The conditions that the report asks about.
const (
	tauElman     = "Elman"
	tauElmanFree = "Elman, read-out learned"
	tauFree      = "from 2 and 2, read-out learned"
	tauLinear    = "linear, exchanged"
	tauTwo       = "two populations, from 2 and 2"
	tauTwoSlow   = "two populations, from 30 and 30"
)

// lessons returns the conditions. The exchanged start is the worst one: where only products and
// sums of the two constants are in the data, as with linear rates, it stays where it is.
func (s *tauRecovery) lessons() []lesson {
	return []lesson{
		{name: "from 2 and 2", activation: "tanh", startS: 2, startR: 2},
		{name: "from 30 and 30", activation: "tanh", startS: 30, startR: 30},
		{name: "exchanged", activation: "tanh", startS: s.TauR, startR: s.TauS},
		{name: tauFree, activation: "tanh", startS: 2, startR: 2, free: true},
		{name: tauElman, activation: "tanh"},
		{name: tauElmanFree, activation: "tanh", free: true},
		{name: tauLinear, activation: "linear", startS: s.TauR, startR: s.TauS},
		{name: tauTwo, activation: "tanh", two: true, startS: 2, startR: 2},
		{name: tauTwoSlow, activation: "tanh", two: true, startS: 30, startR: 30},
	}
}

// recovers reports whether the student is one of those that the claim is about.
func (l lesson) recovers() bool {
	return l.activation == "tanh" && !l.two && !l.free && l.startS > 0
}

// Cases implements Settings.
func (s *tauRecovery) Cases(seeds []uint64) ([]Case, error) {
	var cases []Case
	for _, l := range s.lessons() {
		for _, seed := range seeds {
			cases = append(cases, Case{Condition: l.name, Seed: seed,
				Run: func(ctx context.Context, env *Env) (Result, error) { return s.measure(ctx, env, l, seed) }})
		}
	}
	return cases, nil
}

// recorded is what a teacher did, noise [N,T,I] and rates [N,T,O].
type recorded struct {
	x, rates []float32
	n        int
}

// Len implements data.Set.
func (r *recorded) Len() int { return r.n }

// Fixed implements data.Fixed.
func (r *recorded) Fixed() bool { return true }

// Fill implements data.Set.
func (r *recorded) Fill(b *data.Batch, col, _, index int) error {
	for t := range b.T {
		row, from := t*b.B+col, index*b.T+t
		copy(b.X[row*b.I:(row+1)*b.I], r.x[from*b.I:])
		copy(b.Value[row*b.O:(row+1)*b.O], r.rates[from*b.O:])
		b.Weight[row] = 1
	}
	return nil
}

// imitation is the task to give a teacher's rates at every step.
type imitation struct{ task *data.Task }

// Open implements data.Config.
func (i imitation) Open(data.Env) (*data.Task, error) { return i.task, nil }

// taught is a teacher with what it did.
type taught struct {
	*probe
	task     *data.Task
	variance float64 // of the validation rates, around the mean of each unit
}

// teach draws a teacher and records it.
func (s *tauRecovery) teach(threads int, l lesson, seed uint64) (*taught, error) {
	cell := models.NewRate()
	cell.Learn, cell.Activation, cell.TauS, cell.TauR = "none", l.activation, s.TauS, s.TauR
	p, err := newProbe(threads, "rate", cell, models.Dims{I: s.Inputs, H: s.Units, O: 1}, seed)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 2))
	gaussian := func(of []float64, sd float64) {
		for i := range of {
			of[i] = sd * r.NormFloat64()
		}
	}
	gaussian(p.of("W"), s.gain(l)/math.Sqrt(float64(s.Units)))
	gaussian(p.of("U"), s.Noise/math.Sqrt(float64(s.Inputs)))
	if tau := p.of("tau_r"); l.two {
		for n := range tau {
			if tau[n] = s.TauS; n >= s.Units/2 {
				tau[n] = s.Slow
			}
		}
	}
	var both [2]*recorded
	for i, n := range []int{s.Sequences, s.Validation} {
		if both[i], err = s.record(p, n, r); err != nil {
			return nil, err
		}
	}
	return &taught{p, &data.Task{Name: "imitation", T: s.Steps, I: s.Inputs, O: s.Units, Goal: data.Regress, Every: true, Train: both[0], Test: both[1]},
		spread(both[1].rates, s.Units)}, nil
}

// gain returns the spectral radius of W. Linear rates have to be stable by themselves.
func (s *tauRecovery) gain(l lesson) float64 {
	if l.activation == "linear" {
		return min(s.Gain, linearGain)
	}
	return s.Gain
}

// linearGain keeps all eigenvalues of linear rates below 1, with room for those of a drawn matrix
// that lie outside the circle.
const linearGain = 0.7

// record runs the teacher on n sequences of white noise.
func (s *tauRecovery) record(p *probe, n int, r *rand.Rand) (*recorded, error) {
	c, err := p.course(s.Steps, n, false)
	if err != nil {
		return nil, err
	}
	for i := range c.x {
		c.x[i] = r.NormFloat64()
	}
	h, _, err := c.forward(p.rest(n))
	if err != nil {
		return nil, err
	}
	return &recorded{byColumn(c.x, s.Steps, n), byColumn(h, s.Steps, n), n}, nil
}

// byColumn turns [T,B,·] into [B,T,·].
func byColumn(v []float64, steps, columns int) []float32 {
	list := make([]float32, len(v))
	size := len(v) / (steps * columns)
	for i, x := range v {
		t, b, k := i/size/columns, i/size%columns, i%size
		list[(b*steps+t)*size+k] = float32(x)
	}
	return list
}

// spread returns the variance of rates [·,H] around the mean of each unit, mean over units: the
// squared error of the best constant answer.
func spread(rates []float32, units int) float64 {
	mean := make([]float64, units)
	for i, v := range rates {
		mean[i%units] += float64(v) / float64(len(rates)/units)
	}
	sum := 0.0
	for i, v := range rates {
		d := float64(v) - mean[i%units]
		sum += d * d
	}
	return sum / float64(len(rates))
}

// student returns the training of a student.
func (s *tauRecovery) student(l lesson, task *data.Task, seed uint64) Training {
	cell := models.NewRate()
	cell.Activation, cell.TauForm, cell.TauS, cell.TauR = l.activation, "sigmoid", l.startS, l.startR
	if l.startS == 0 {
		cell.Learn, cell.TauS, cell.TauR = "none", cell.Dt, cell.Dt
	}
	o := engine.DefaultOptions()
	o.Epochs, o.Batch, o.LR, o.Schedule, o.Seed = s.Epochs, s.Batch, s.LR, "onecycle", seed+studentSeed
	o.EvalEvery = max(1, s.Epochs/evaluations) * ((s.Sequences + s.Batch - 1) / s.Batch)
	t := Training{Model: "rate", Cell: cell, Task: imitation{task}, Hidden: s.Units, ReadoutScale: 1, Options: o}
	if !l.free {
		t.Hold = map[string]kernels.Init{"readout.weight": {Kind: kernels.Identity, A: 1}, "readout.bias": {}}
	}
	return t
}

const (
	studentSeed = 1000 // keeps students from drawing what their teachers drew
	evaluations = 20   // points of the curve of errors
)

// measure teaches one student.
func (s *tauRecovery) measure(ctx context.Context, env *Env, l lesson, seed uint64) (Result, error) {
	teacher, err := s.teach(env.Threads, l, seed)
	if err != nil {
		return Result{}, err
	}
	n, err := env.Train(ctx, s.student(l, teacher.task, seed))
	if err != nil {
		return Result{}, err
	}
	defer n.Session.Close()
	r := n.Result()
	r.Values["variance"], r.Values["mse"] = teacher.variance, r.Values["last_loss"]
	if l.startS == 0 || n.Diverged() {
		return r, nil
	}
	for name, of := range map[string]string{"tau_s": "cell.a_s", "tau_r": "cell.a_r"} {
		a, err := n.parameter(of)
		if err != nil {
			return Result{}, err
		}
		tau, want := make(Curve, len(a)), teacher.of(name)
		off := 0.0
		for i := range a {
			tau[i] = 1 + math.Exp(-a[i]) // dt/σ(a) with dt = 1
			off += math.Abs(tau[i]/want[i]-1) / float64(len(a))
			r.Values[name] += tau[i] / float64(len(a))
			r.Values["teacher_"+name] += want[i] / float64(len(a))
		}
		r.Curves[name], r.Curves["teacher_"+name] = tau, slices.Clone(want)
		r.Values[name+"_off"] = off
	}
	return r, nil
}

// recovered reports whether both mean time constants of a row are within tolerance.
func recovered(r Row) bool {
	for _, name := range []string{"tau_s", "tau_r"} {
		want := r.Values["teacher_"+name]
		if !(math.Abs(r.Values[name]-want) <= tauTolerance*want) {
			return false
		}
	}
	return true
}

// Report implements Settings.
func (s *tauRecovery) Report(rows Rows) (Report, error) {
	main := Table{Title: fmt.Sprintf("Students of teachers with tau_s %g and tau_r %g", s.TauS, s.TauR),
		Head: []string{"student", "mean tau_s", "mean tau_r", "both within 10 %", "single units off, tau_s", "single units off, tau_r", "units with tau_s below tau_r", "validation MSE", "of the variance"}}
	curve := chart.Lines{Title: "Validation error of students", XLabel: "update", YLabel: "mean squared error", LogY: true}
	two := Table{Title: fmt.Sprintf("Students of two populations, with tau_r %g and %g and tau_s %g in both", s.TauS, s.Slow, s.TauS),
		Head: []string{"student", "constant", "variance explained by two groups", "largest p", "geometric mean of the lower group", "of the upper group", "units in the group of their teacher", "students with two modes"}}
	r := Report{Verdict: Fails}
	f := s.found(rows)
	for _, l := range s.lessons() {
		of := rows.Of(l.name)
		if len(of) == 0 {
			continue
		}
		if l.two {
			more, histograms := f.populations(l, of)
			two.Rows, r.Charts = append(two.Rows, more...), append(r.Charts, histograms...)
			continue
		}
		main.Rows = append(main.Rows, l.row(of))
		if l.activation == "tanh" {
			curve.Series = append(curve.Series, Band(l.name, of[0].Curves["step"], errorCurve(of)))
		}
	}
	r.Tables = []Table{main}
	if len(curve.Series) > 0 {
		r.Charts = append([]Chart{{"error", "Geometric mean over seeds with its interval.", curve}}, r.Charts...)
	}
	if len(two.Rows) > 0 {
		r.Tables = append(r.Tables, two)
	}
	one := f.students > 0 && f.recovered == f.students && f.pairs > 0 && f.better == f.pairs
	switch {
	case one && f.inTauR == f.ofTwo:
		r.Verdict = Holds
	case f.recovered > 0 && f.better > 0:
		r.Verdict = HoldsWhen
	}
	r.Result = s.words(rows, f)
	return r, nil
}

// row is a condition with teachers of one population.
func (l lesson) row(of Rows) []string {
	row := []string{l.name, "-", "-", "-", "-", "-", "-", geometric(of.Values("mse")).Format("%.2g"), percentOf(of, "mse", "variance")}
	if taught := of.Where(hasTaus); len(taught) > 0 {
		row[1], row[2] = taught.Mean("tau_s").Format("%.2f"), taught.Mean("tau_r").Format("%.2f")
		row[3] = fmt.Sprintf("%d of %d", len(of.Where(recovered)), len(of))
		if !l.free { // otherwise units do not correspond
			row[4], row[5] = percent(taught.Mean("tau_s_off")), percent(taught.Mean("tau_r_off"))
		}
		row[6] = inOrder(taught)
	}
	return row
}

// inOrder counts the units whose synapse is faster than their membrane, as in the teacher.
func inOrder(of Rows) string {
	n, all := 0, 0
	for _, r := range of {
		for i, tau := range r.Curves["tau_s"] {
			if all++; tau < r.Curves["tau_r"][i] {
				n++
			}
		}
	}
	return fmt.Sprintf("%d of %d", n, all)
}

func hasTaus(r Row) bool { return len(r.Curves["tau_s"]) > 0 }

// geometric estimates the geometric mean of positive numbers, with the interval of their logarithms.
func geometric(v []float64) Estimate {
	e := Mean(logs(v))
	e.Value, e.Interval[0], e.Interval[1] = math.Exp(e.Value), math.Exp(e.Interval[0]), math.Exp(e.Interval[1])
	return e
}

// errorCurve returns the geometric mean of the validation errors at each evaluation.
func errorCurve(of Rows) []Estimate {
	var all []Estimate
	for i := range of[0].Curves["test_loss"] {
		var at []float64
		for _, r := range of {
			if c := r.Curves["test_loss"]; i < len(c) {
				at = append(at, c[i])
			}
		}
		all = append(all, geometric(at))
	}
	return all
}

// percentOf returns the geometric mean of the ratio of two numbers of the rows, in percent.
func percentOf(rows Rows, a, b string) string {
	var list []float64
	for _, r := range rows {
		list = append(list, r.Values[a]/r.Values[b])
	}
	return scaled(geometric(list), 100).Format("%.2g") + " %"
}

// tauFound is what became of the parts of the claim.
type tauFound struct {
	students, recovered int       // with the identity as read-out
	pairs, better       int       // of students and Elman networks of the same seed
	ratios              []float64 // of their errors, for the better of the two Elman networks
	ofTwo               int       // students of two populations
	inTauS, inTauR      int       // of these, with two modes
	notes               []string  // on them
}

// found compares each student with the better Elman network of its seed.
func (s *tauRecovery) found(rows Rows) *tauFound {
	f := &tauFound{}
	for _, l := range s.lessons() {
		if !l.recovers() {
			continue
		}
		for _, r := range rows.Of(l.name) {
			f.students++
			if recovered(r) {
				f.recovered++
			}
			if elman := elmanError(rows, r.Seed); !math.IsInf(elman, 1) {
				f.pairs++
				f.ratios = append(f.ratios, r.Values["mse"]/elman)
				if r.Values["mse"] <= elmanFactor*elman {
					f.better++
				}
			}
		}
	}
	return f
}

// elmanError returns the error of the better Elman network of a seed, infinity where there is none.
func elmanError(rows Rows, seed uint64) float64 {
	least := math.Inf(1)
	for _, r := range rows {
		if r.Seed == seed && (r.Condition == tauElman || r.Condition == tauElmanFree) {
			least = min(least, r.Values["mse"])
		}
	}
	return least
}

// populations tells whether the constants of students of two populations have two modes: a row of
// the table for each constant, and their histogram.
func (f *tauFound) populations(l lesson, of Rows) ([][]string, []Chart) {
	of = of.Where(hasTaus)
	if len(of) == 0 {
		return nil, nil
	}
	lines := chart.Lines{Title: "Students of " + l.name, XLabel: "time constant (steps)", YLabel: "share of units in a bin", LogX: true}
	var table [][]string
	var two [2]int
	var tops []string
	for i, name := range []string{"tau_s", "tau_r"} {
		var explained, low, high, right []float64
		var all Curve
		worst := 0.0
		for _, r := range of {
			m := splitModes(logs(r.Curves[name]))
			explained, worst = append(explained, m.explained), max(worst, m.p)
			low, high = append(low, math.Exp(m.low)), append(high, math.Exp(m.high))
			right = append(right, m.agrees(r.Curves["teacher_tau_r"]))
			all = append(all, r.Curves[name]...)
			if m.two() {
				two[i]++
			}
		}
		table = append(table, []string{l.name, name, percent(Mean(explained)), fmt.Sprintf("%.2g", worst), geometric(low).Format("%.1f"), geometric(high).Format("%.1f"),
			percent(Mean(right)), fmt.Sprintf("%d of %d", two[i], len(of))})
		tops = append(tops, fmt.Sprintf("%s in %d of %d (groups at %s and %s)", name, two[i], len(of), geometric(low).Format("%.1f"), geometric(high).Format("%.1f")))
		series := histogram(name, all)
		series.Dashed = i == 0
		lines.Series = append(lines.Series, series)
	}
	f.ofTwo, f.inTauS, f.inTauR = f.ofTwo+len(of), f.inTauS+two[0], f.inTauR+two[1]
	f.notes = append(f.notes, fmt.Sprintf("%s have two modes in %s; %s of the variance is left.", l.name, strings.Join(tops, ", "), percentOf(of, "mse", "variance")))
	return table, []Chart{{fmt.Sprintf("modes-%g", l.startS), "Units of all seeds.", lines}}
}

const (
	modesP     = 0.05
	modesRatio = 2 // of the means of two groups, below which they are one
	modesDraws = 10000
	tauBins    = 24 // of the histogram
)

// histogram returns the shares of values in bins that are even in the logarithm, from 1 to 200.
func histogram(name string, v Curve) chart.Series {
	const from, to = 1.0, 200.0
	width := math.Log(to/from) / tauBins
	series := chart.Series{Name: name}
	count := make([]float64, tauBins)
	for _, x := range v {
		k := int(math.Log(x/from) / width)
		count[min(tauBins-1, max(0, k))] += 1 / float64(len(v))
	}
	for k, share := range count {
		series.X = append(series.X, from*math.Exp(width*float64(k)), from*math.Exp(width*float64(k+1)))
		series.Y = append(series.Y, share, share)
	}
	return series
}

func logs(v Curve) []float64 {
	list := make([]float64, len(v))
	for i := range v {
		list[i] = math.Log(v[i])
	}
	return list
}

// modes is a division of numbers into two groups.
type modes struct {
	values    []float64
	at        float64 // border
	low, high float64 // means
	explained float64 // share of the variance that lies between the groups
	p         float64 // share of even samples that two groups explain as well
}

// two reports whether there are two modes: groups that numbers with one mode would seldom have,
// and further apart than the noise of learning.
func (m modes) two() bool { return m.p < modesP && m.high-m.low >= math.Log(modesRatio) }

// splitModes divides numbers into the two groups with the least variance within. Its p is that of
// as many numbers from a uniform distribution, which of those with one mode is the closest to two.
//
// Sources: Fisher (1958), J. Am. Stat. Assoc. 53:789, for the division; Hartigan and Hartigan
// (1985), Annals of Statistics 13:70, for the uniform distribution.
func splitModes(v []float64) modes {
	m := divide(v)
	r := rand.New(rand.NewPCG(1, uint64(len(v))))
	draw := make([]float64, len(v))
	as := 1
	for range modesDraws {
		for i := range draw {
			draw[i] = r.Float64()
		}
		if divide(draw).explained >= m.explained {
			as++
		}
	}
	m.p = float64(as) / (modesDraws + 1)
	return m
}

// divide is splitModes without its p.
func divide(v []float64) modes {
	sorted := slices.Sorted(slices.Values(v))
	n := float64(len(v))
	mean, total, sum := 0.0, 0.0, 0.0
	for _, x := range sorted {
		mean += x / n
	}
	for _, x := range sorted {
		total += (x - mean) * (x - mean)
	}
	m := modes{values: v, at: mean, low: mean, high: mean}
	for k := 1; k < len(sorted); k++ {
		sum += sorted[k-1]
		a := float64(k)
		low, high := sum/a, (n*mean-sum)/(n-a)
		between := a*(low-mean)*(low-mean) + (n-a)*(high-mean)*(high-mean)
		if between > m.explained*total {
			m.explained, m.low, m.high, m.at = between/total, low, high, (sorted[k-1]+sorted[k])/2
		}
	}
	return m
}

// agrees returns the share of values that are in the upper group where their teacher is above the
// mean of all, and in the lower one where it is below.
func (m modes) agrees(teacher Curve) float64 {
	mean, right := 0.0, 0.0
	for _, v := range teacher {
		mean += v / float64(len(teacher))
	}
	for i, v := range m.values {
		if (v > m.at) == (teacher[i] > mean) {
			right += 1 / float64(len(teacher))
		}
	}
	return right
}

// words says what was found.
func (s *tauRecovery) words(rows Rows, f *tauFound) string {
	text := fmt.Sprintf("Teachers are rate networks of %d tanh units with Gaussian weights of spectral radius %g; a unit receives white noise of standard deviation %g in each step. "+
		"Students see %d sequences of %d steps and are to give all rates at every step. Their read-out is held at the identity, so that unit n of the student stands for unit n of the teacher, unless it says that it is learned.",
		s.Units, s.Gain, s.Noise, s.Sequences, s.Steps)
	if f.students > 0 {
		text += fmt.Sprintf(" Both mean time constants were recovered within %g %% by %d of %d such students, wherever they started.", 100*tauTolerance, f.recovered, f.students)
	}
	if f.pairs > 0 {
		text += fmt.Sprintf(" Their validation error was at most %.2g of that of the better of two Elman networks of the same seed, of which one has the same read-out and the other learns it; at most half in %d of %d pairs.",
			slices.Max(f.ratios), f.better, f.pairs)
	}
	if free := rows.Of(tauFree); len(free) > 0 {
		text += fmt.Sprintf(" With a read-out that is learned too, %d of %d recovered both.", len(free.Where(recovered)), len(free))
	}
	if linear := rows.Of(tauLinear); len(linear) > 0 {
		text += fmt.Sprintf(" The negative control are linear rates, of spectral radius %g: their response does not change when tau_s and tau_r are exchanged, and %d of %d students that started with them exchanged recovered them, with %s of the variance left. The nonlinearity between the two is what tells them apart.",
			s.gain(lesson{activation: "linear"}), len(linear.Where(recovered)), len(linear), percentOf(linear, "mse", "variance"))
	}
	if len(f.notes) == 0 {
		return text
	}
	text += "\n\nStudents of " + strings.Join(f.notes, " Students of ")
	if f.inTauR < f.ofTwo && f.inTauS > 0 {
		text += " Students that start fast make the synapse of a slow unit slow instead of its membrane, and stay there."
	}
	return text + fmt.Sprintf(" Two modes means that the two groups that explain most of the variance of log τ explain more than %g %% of even samples of as many units would (p below %g, of %d samples), with means at least a factor of %d apart.",
		100*(1-modesP), modesP, modesDraws, modesRatio)
}
