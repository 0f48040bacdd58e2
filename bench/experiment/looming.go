package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"galvani/data"
	"galvani/engine/chart"
	"galvani/engine/safetensors"
	"galvani/models"

	"gonum.org/v1/gonum/stat"
)

func init() {
	Register(Entry{
		Name:  "looming",
		Doc:   "how well cells detect looming and tell the time to collision, and whether the response peaks where the locust's does",
		Claim: "a cRNN that has learned to detect looming responds like the locust's detector: its response peaks a fixed delay after the object has reached a threshold angle, at α l/|v| − δ before collision with α in 2.8 to 7.6",
		Source: "notes on the charged RNN, section 1; locust (α 4.7, δ 27 ms, 24°): Gabbiani, Krapp and Laurent (1999), J Neurosci 19:1122; " +
			"coherence: Dewell and Gabbiani (2018), eLife 7:e34238",
		New: func() Settings {
			return &looming{Models: []string{"crnn", "crnn-simple", "rnn", "lstm"}, Hidden: 64, Epochs: 2,
				Coherence: []float64{10, 30, 60}, Background: []float64{0.02, 0.1}, Jitter: []float64{50, 200},
				Fields: []float64{24, 12}, LV: []float64{5, 10, 20, 30, 40, 50, 60, 70, 80}, Samples: 32}
		},
	})
}

// looming trains cells of equal size on the two looming tasks, at each difficulty anew, and shows
// those of the plain task clean approaches of one l/|v| each.
//
// The response to an approach is one of
//
//	events    the number of events in a step: what the input alone gives
//	activity  the mean over units of |h − h₀|, h₀ being the state at the same step of a sequence without events
//	log-odds  of the class loom, were the read-out asked at that step
//
// smoothed by a Gaussian, as firing rates are; its peak is where it is largest. Smoothing moves the
// peak of η up to 8 ms forward, as it rises more slowly than it falls, and hardly changes the slope.
type looming struct {
	Models     []string  `toml:"models" doc:"cells to compare, of those with a learning rate for the tasks: crnn, crnn-simple, rnn, lstm"`
	Hidden     int       `toml:"hidden" doc:"units of the crnn; the other cells get as many learned parameters" min:"3" max:"4096"`
	Epochs     int       `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	Coherence  []float64 `toml:"coherence" doc:"facets that keep their place, besides the tasks' default" unit:"%" min:"0" max:"100"`
	Background []float64 `toml:"background" doc:"probabilities of a stray event per facet and step, besides the tasks' default" min:"0" max:"1"`
	Jitter     []float64 `toml:"jitter" doc:"largest shifts of an event in time, besides the tasks' default" unit:"ms" min:"0" max:"1000"`
	Fields     []float64 `toml:"fields" doc:"half-widths of the field of view at which the crnn's response is measured besides the task's default" unit:"deg" min:"1" max:"60"`
	LV         []float64 `toml:"lv" doc:"l/|v| of the clean approaches" unit:"ms" min:"1" max:"1000"`
	Samples    int       `toml:"samples" doc:"clean approaches of each l/|v|, at different moments" min:"1" max:"1024"`

	quick bool
}

// The locust, and what a response must do to be like it.
const (
	locustAlpha  = 4.7
	locustDelta  = 27 // ms
	lowestAlpha  = 2.8
	highestAlpha = 7.6
	leastR2      = 0.95
)

const (
	// slowFrom bounds the approaches that are slow against a step of 10 ms and a synapse of 50 ms,
	// ms: faster ones show all that there is to see in a few steps.
	slowFrom = 30
	// near is how far apart two slopes count as one.
	near = 0.2
)

const (
	// smoothing is the standard deviation of the Gaussian over responses, ms.
	smoothing = 20
	// longer is how much longer than the training sequences the clean approaches are, so that the
	// first event of the slowest is inside.
	longer = 8. / 3
	// The collision of a clean approach falls in the last part cleanSpread of the sequence, at
	// least cleanAfter (ms) before its end, so that a peak after it shows.
	cleanSpread = 0.25
	cleanAfter  = 200
	// drawn bounds the search for approaches that end early enough: about half of them do.
	drawn = 100
)

// loomingRates are learning rates with which each cell learns the plain task at about 64 units.
var loomingRates = map[string]float64{"crnn": 1e-2, "crnn-simple": 1e-2, "rnn": 3e-3, "lstm": 1e-2}

var responses = []string{"activity", "log-odds", "events"}

// Quick implements Settings.
func (s *looming) Quick() {
	s.Models, s.Hidden, s.Epochs, s.Coherence, s.Background, s.Jitter = []string{"crnn", "rnn"}, 4, 1, []float64{30}, nil, nil
	s.Fields, s.LV, s.Samples, s.quick = []float64{12}, []float64{10, 40, 80}, 2, true
}

// Choices lists the values of keys.
func (s *looming) Choices() map[string][]string {
	return map[string][]string{"models": slices.Sorted(maps.Keys(loomingRates))}
}

// loomingCase is a condition: one key of the task may differ from its default.
type loomingCase struct {
	task, model, key string
	value            float64
}

func (c loomingCase) String() string {
	if c.key == "" {
		return fmt.Sprintf("%s, %s", c.task, c.model)
	}
	return fmt.Sprintf("%s, %s, %s %g", c.task, c.model, c.key, c.value)
}

// sweep is a key of the tasks that is varied.
type sweep struct {
	key, label string
	values     []float64
	log        bool
}

func (s *looming) sweeps() []sweep {
	return []sweep{{"coherence", "coherence, %", s.Coherence, false}, {"background", "stray events per facet and step", s.Background, true},
		{"jitter", "jitter, ms", s.Jitter, false}}
}

// Cases implements Settings. Seeds are outermost, so that a run cut off has whole ones.
func (s *looming) Cases(seeds []uint64) ([]Case, error) {
	if len(s.LV) < 3 {
		return nil, fmt.Errorf("lv holds %d values, want at least 3 for a fit", len(s.LV))
	}
	var cases []Case
	for _, seed := range seeds {
		add := func(c loomingCase) {
			cases = append(cases, Case{Condition: c.String(), Seed: seed,
				Run: func(ctx context.Context, env *Env) (Result, error) { return s.measure(ctx, env, c, seed) }})
		}
		for _, model := range s.Models {
			if loomingRates[model] == 0 {
				return nil, fmt.Errorf("model %q has no learning rate for looming; want some of crnn, crnn-simple, rnn, lstm", model)
			}
			for _, task := range []string{"looming", "looming-ttc"} {
				add(loomingCase{task: task, model: model})
				for _, w := range s.sweeps() {
					for _, v := range w.values {
						add(loomingCase{task, model, w.key, v})
					}
				}
			}
		}
		for _, field := range s.Fields {
			add(loomingCase{"looming", "crnn", "half_field", field})
		}
	}
	return cases, nil
}

// measure trains one network and, where it sees the plain task, measures its responses.
func (s *looming) measure(ctx context.Context, env *Env, c loomingCase, seed uint64) (Result, error) {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.Epochs, "seed": seed}
	if s.quick {
		keys["max_steps"], keys["batch"], keys["train_size"], keys["test_size"] = 2, 4, 8, 8
	}
	reference, err := env.Configure("crnn", c.task, keys)
	if err != nil {
		return Result{}, err
	}
	keys["lr"] = loomingRates[c.model]
	if c.key != "" {
		keys[c.key] = c.value
	}
	t, err := env.Configure(c.model, c.task, keys)
	if err != nil {
		return Result{}, err
	}
	eye := *t.Task.(*data.Looming)
	outputs := 4
	if c.task == "looming-ttc" {
		outputs = 1
	}
	if t.Hidden, err = matchingUnits(reference, t, eye.Facets*eye.Facets, outputs); err != nil {
		return Result{}, err
	}
	n, err := env.Train(ctx, t)
	if err != nil {
		return Result{}, err
	}
	defer n.Session.Close()
	r := n.Result()
	r.Values["hidden"] = float64(t.Hidden)
	if loss, ok := r.Values["last_loss"]; ok && c.task == "looming-ttc" {
		r.Values["rmse_ms"] = math.Sqrt(loss) * float64(eye.Steps) * eye.StepMs
	}
	if c.task == "looming" && (c.key == "" || c.key == "half_field") {
		err = s.respond(ctx, n, eye, &r)
	}
	return r, err
}

// respond adds to r the mean time of the peak of each response at each l/|v|, ms before collision.
func (s *looming) respond(ctx context.Context, n *Trained, eye data.Looming, r *Result) error {
	r.Curves["lv"] = s.LV
	out, err := newReadout(n)
	if err != nil {
		return err
	}
	for _, lv := range s.LV {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		peaks, err := s.peaks(n, out, eye, lv)
		if err != nil {
			return err
		}
		for _, name := range responses {
			r.Curves["peak_"+name] = append(r.Curves["peak_"+name], peaks[name])
		}
	}
	return nil
}

// peaks shows approaches of one l/|v| and returns the mean time of the peak of each response, ms
// before collision; NaN for a response that has none inside half of the sequences.
func (s *looming) peaks(n *Trained, out readout, eye data.Looming, lv float64) (map[string]float64, error) {
	eye.LvMin, eye.LvMax, eye.Coherence, eye.Jitter, eye.Background, eye.Spread = lv, lv, 100, 0, 0, cleanSpread
	eye.Steps, eye.TestSize = int(float64(eye.Steps)*longer), drawn*s.Samples
	task, err := eye.Open(data.Env{Seed: 1})
	if err != nil {
		return nil, err
	}
	set := task.Test.(data.Timed)
	b := data.NewBatch(task, s.Samples+1) // the last one stays without events
	left := make([][]float64, 0, s.Samples)
	for i := 0; len(left) < s.Samples; i++ {
		if i == set.Len() {
			return nil, fmt.Errorf("of %d approaches %d end %d ms after the collision, want %d", i, len(left), cleanAfter, s.Samples)
		}
		if task.Classes[set.Class(i)] != "loom" {
			continue
		}
		if time := set.TimeToCollision(i); time[len(time)-1] <= -cleanAfter {
			if err := set.Fill(b, len(left), 0, i); err != nil {
				return nil, err
			}
			left = append(left, time)
		}
	}
	tensors, err := n.Session.Trace(b)
	if err != nil {
		return nil, err
	}
	h, err := traced(tensors, "h")
	if err != nil {
		return nil, err
	}
	sum, count := map[string]float64{}, map[string]float64{}
	for col, time := range left {
		for name, y := range s.courses(b, h, out, col) {
			if at := peak(smooth(y, smoothing/eye.StepMs)); !math.IsNaN(at) {
				sum[name] += time[0] - at*eye.StepMs
				count[name]++
			}
		}
	}
	for _, name := range responses {
		if sum[name] /= count[name]; 2*count[name] <= float64(len(left)) {
			sum[name] = math.NaN()
		}
	}
	return sum, nil
}

// courses returns the responses of one column at every step, from states h [T,B,H].
func (s *looming) courses(b *data.Batch, h []float32, out readout, col int) map[string][]float64 {
	units := len(h) / (b.T * b.B)
	all := map[string][]float64{}
	for t := range b.T {
		state := h[(t*b.B+col)*units:][:units]
		blank := h[(t*b.B+b.B-1)*units:][:units]
		activity, events := 0.0, 0.0
		for i, v := range state {
			activity += math.Abs(float64(v-blank[i])) / float64(units)
		}
		for _, v := range b.X[(t*b.B+col)*b.I:][:b.I] {
			events += float64(v)
		}
		all["activity"], all["events"] = append(all["activity"], activity), append(all["events"], events)
		all["log-odds"] = append(all["log-odds"], out.logOdds(state))
	}
	return all
}

// readout is a network's read-out, for states inside a sequence.
type readout struct{ weight, bias []float64 } // [O,H], [O]

func newReadout(n *Trained) (r readout, err error) {
	if r.weight, err = n.parameter("readout.weight"); err == nil {
		r.bias, err = n.parameter("readout.bias")
	}
	return r, err
}

// logOdds returns the logarithm of the odds of the first class in state h [H].
func (r readout) logOdds(h []float32) float64 {
	first, others := 0.0, math.Inf(-1)
	for k, b := range r.bias {
		z := b
		for i, w := range r.weight[k*len(h):][:len(h)] {
			z += w * float64(h[i])
		}
		if k == 0 {
			first = z
		} else {
			others = max(others, z) + math.Log1p(math.Exp(-math.Abs(others-z)))
		}
	}
	return first - others
}

// smooth convolves a response with a Gaussian of standard deviation sigma, in steps; beyond its
// ends the response counts as its first and last value.
func smooth(y []float64, sigma float64) []float64 {
	reach := int(math.Ceil(4 * sigma))
	list := make([]float64, len(y))
	for i := range y {
		norm := 0.0
		for k := -reach; k <= reach; k++ {
			w := math.Exp(-float64(k*k) / (2 * sigma * sigma))
			list[i] += w * y[min(max(i+k, 0), len(y)-1)]
			norm += w
		}
		list[i] /= norm
	}
	return list
}

// peak returns the step at which y is largest, between steps by the parabola through three; NaN
// where that is at either end.
func peak(y []float64) float64 {
	at := 0
	for i, v := range y {
		if v > y[at] {
			at = i
		}
	}
	if at == 0 || at == len(y)-1 {
		return math.NaN()
	}
	before, top, after := y[at-1], y[at], y[at+1]
	return float64(at) + (before-after)/2/(before-2*top+after)
}

// etaFit is the line t_peak = α l/|v| − δ through peaks.
type etaFit struct{ alpha, delta, r2 float64 }

// fitPeaks fits by least squares; NaN with fewer than three peaks.
func fitPeaks(lv, peaks []float64) etaFit {
	var x, y []float64
	for i, p := range peaks {
		if !math.IsNaN(p) {
			x, y = append(x, lv[i]), append(y, p)
		}
	}
	if len(x) < 3 {
		return etaFit{math.NaN(), math.NaN(), math.NaN()}
	}
	at0, slope := stat.LinearRegression(x, y, nil, false)
	return etaFit{slope, -at0, stat.RSquared(x, y, nil, at0, slope)}
}

// angle returns the threshold angle 2 atan(1/α), deg.
func (f etaFit) angle() float64 { return data.AngularSize(1, f.alpha) * 180 / math.Pi }

// like tells whether a response peaks as the locust's.
func (f etaFit) like() bool { return f.linear() && f.alpha >= lowestAlpha && f.alpha <= highestAlpha }

func (f etaFit) linear() bool { return f.r2 >= leastR2 && f.alpha > 0 }

// fitOf returns the mean over seeds of the fits to the peaks at l/|v| of at least from, ms.
func (s *looming) fitOf(rows Rows, response string, from float64) fitEstimate {
	var alpha, delta, angle, r2 []float64
	at := slices.IndexFunc(s.LV, func(lv float64) bool { return lv >= from })
	for _, r := range rows {
		if peaks := r.Curves["peak_"+response]; at >= 0 && len(peaks) == len(s.LV) {
			f := fitPeaks(s.LV[at:], peaks[at:])
			alpha, delta, angle, r2 = append(alpha, f.alpha), append(delta, f.delta), append(angle, f.angle()), append(r2, f.r2)
		}
	}
	return fitEstimate{Mean(alpha), Mean(delta), Mean(angle), Mean(r2)}
}

// fitEstimate is a fit with its intervals; NaN where a seed has none.
type fitEstimate struct{ alpha, delta, angle, r2 Estimate }

func (f fitEstimate) mean() etaFit { return etaFit{f.alpha.Value, f.delta.Value, f.r2.Value} }

func (f fitEstimate) String() string {
	if math.IsNaN(f.alpha.Value) {
		return "no line"
	}
	return fmt.Sprintf("α %.2f, δ %.0f ms, %.0f°, r² %.3f", f.alpha.Value, f.delta.Value, f.angle.Value, f.r2.Value)
}

// Report implements Settings.
func (s *looming) Report(rows Rows) (Report, error) {
	entry, err := data.Lookup("looming")
	if err != nil {
		return Report{}, err
	}
	plain := *entry.New().(*data.Looming)
	r := Report{Verdict: Fails}
	for _, c := range []struct{ task, value, name, what, verb string }{
		{"looming", "last_accuracy", "accuracy", "Test accuracy", "%.3f"},
		{"looming-ttc", "rmse_ms", "ttc", "Error of the time to collision, ms", "%.1f"},
	} {
		r.Tables = append(r.Tables, s.difficulties(rows, plain, c.task, c.value, c.what, c.verb))
		for _, w := range s.sweeps() {
			if lines := s.course(rows, plain, w, c.task, c.value, c.what); len(lines.Series) > 0 {
				r.Charts = append(r.Charts, Chart{c.name + "-" + w.key, "Trained at each difficulty anew; mean over seeds and their range.", lines})
			}
		}
	}
	r.Tables = append(r.Tables, s.fits(rows, plain))
	for _, c := range s.shown() {
		of := rows.Of(c.String())
		switch {
		case c.model != "crnn":
		case c.key == "" && s.fitOf(of, "activity", 0).mean().like():
			r.Verdict = Holds
		case r.Verdict == Fails && s.fitOf(of, "activity", slowFrom).mean().like():
			r.Verdict = HoldsWhen
		}
	}
	if lines := s.eta(rows, plain); len(lines.Series) > 1 {
		r.Charts = append(r.Charts, Chart{"peak", "Peak of the mean activity of the crnn for eyes of different fields, of what it sees, and of the η function with the locust's α and δ; mean over seeds and their range.", lines})
	}
	r.Result = s.words(rows, plain)
	return r, nil
}

// base returns the default of a key.
func base(plain data.Looming, key string) float64 {
	return map[string]float64{"coherence": plain.Coherence, "background": plain.Background, "jitter": plain.Jitter, "half_field": plain.HalfField}[key]
}

// difficulties tabulates one number of one task for all models.
func (s *looming) difficulties(rows Rows, plain data.Looming, task, value, what, verb string) Table {
	t := Table{Title: what, Head: append([]string{"task"}, s.Models...)}
	line := func(name, key string, v float64) {
		words := []string{name}
		for _, model := range s.Models {
			words = append(words, word(rows.Of(loomingCase{task, model, key, v}.String()).Mean(value), verb))
		}
		t.Rows = append(t.Rows, words)
	}
	line(fmt.Sprintf("coherence %g %%, background %g, jitter %g ms", plain.Coherence, plain.Background, plain.Jitter), "", 0)
	for _, w := range s.sweeps() {
		for _, v := range w.values {
			line(fmt.Sprintf("%s %g", w.key, v), w.key, v)
		}
	}
	return t
}

// word writes an estimate, "-" where there is none.
func word(e Estimate, verb string) string {
	if math.IsNaN(e.Value) {
		return "-"
	}
	return e.Format(verb)
}

// course draws one number of one task against one key.
func (s *looming) course(rows Rows, plain data.Looming, w sweep, task, value, what string) chart.Lines {
	lines := chart.Lines{Title: what, XLabel: w.label, YLabel: strings.ToLower(what[:1]) + what[1:], LogX: w.log}
	if len(w.values) == 0 {
		return lines
	}
	x := slices.Sorted(slices.Values(append([]float64{base(plain, w.key)}, w.values...)))
	for _, model := range s.Models {
		series := chart.Series{Name: model, X: x, Dots: true}
		for _, v := range x {
			c := loomingCase{task, model, w.key, v}
			if v == base(plain, w.key) {
				c = loomingCase{task: task, model: model}
			}
			addSeeds(&series, rows.Of(c.String()).Values(value))
		}
		lines.Series = append(lines.Series, series)
	}
	return lines
}

// addSeeds adds a point to a series: the mean over seeds, with their range as band, since the
// interval of a few seeds is wider than any chart.
func addSeeds(s *chart.Series, seeds []float64) {
	y, lo, hi := math.NaN(), math.NaN(), math.NaN()
	if len(seeds) > 0 {
		y, lo, hi = stat.Mean(seeds, nil), slices.Min(seeds), slices.Max(seeds)
	}
	s.Y, s.Lo, s.Hi = append(s.Y, y), append(s.Lo, lo), append(s.Hi, hi)
}

// fits tabulates the lines through the peaks.
func (s *looming) fits(rows Rows, plain data.Looming) Table {
	t := Table{Title: "Response peak against l/|v|: t_peak = α l/|v| − δ before collision",
		Head: []string{"cell", "half-width of the field, deg", "response", "l/|v|, ms", "α", "δ, ms", "threshold angle 2 atan(1/α), deg", "r²"}}
	locust := etaFit{alpha: locustAlpha, delta: locustDelta}
	t.Rows = append(t.Rows, []string{"locust", "", "firing rate", "10 to 50", fmt.Sprintf("%.1f (of animals: %.1f to %.1f)", locustAlpha, lowestAlpha, highestAlpha),
		fmt.Sprint(locustDelta), fmt.Sprintf("%.0f", locust.angle()), fmt.Sprintf("at least %g", leastR2)})
	for _, c := range s.shown() {
		of := rows.Of(c.String())
		if len(of) == 0 {
			continue
		}
		for _, name := range responses {
			cell := c.model
			if name == "events" {
				cell = "none"
				if c.model != "crnn" {
					continue // the same for every cell
				}
			}
			for _, from := range []float64{s.LV[0], slowFrom} {
				f := s.fitOf(of, name, from)
				words := []string{cell, fmt.Sprint(s.field(c, plain)), name, fmt.Sprintf("%g to %g", from, s.LV[len(s.LV)-1])}
				if math.IsNaN(f.alpha.Value) {
					words = append(words, "no peak", "-", "-", "-")
				} else {
					words = append(words, f.alpha.Format("%.2f"), f.delta.Format("%.0f"), f.angle.Format("%.0f"), f.r2.Format("%.3f"))
				}
				t.Rows = append(t.Rows, words)
			}
		}
	}
	return t
}

// field returns the half-width of the field of view of a condition, deg.
func (s *looming) field(c loomingCase, plain data.Looming) float64 {
	if c.key == "half_field" {
		return c.value
	}
	return plain.HalfField
}

// shown lists the conditions whose responses are measured.
func (s *looming) shown() []loomingCase {
	var all []loomingCase
	for _, model := range s.Models {
		all = append(all, loomingCase{task: "looming", model: model})
	}
	for _, field := range s.Fields {
		all = append(all, loomingCase{"looming", "crnn", "half_field", field})
	}
	return all
}

// eta draws the peaks of the crnn beside those of the locust.
func (s *looming) eta(rows Rows, plain data.Looming) chart.Lines {
	lines := chart.Lines{Title: "When responses peak", XLabel: "l/|v|, ms", YLabel: "peak before collision, ms"}
	locust := chart.Series{Name: fmt.Sprintf("η, α %g, δ %d ms", locustAlpha, locustDelta), Dashed: true}
	for _, lv := range s.LV {
		locust.X, locust.Y = append(locust.X, lv), append(locust.Y, data.EtaPeak(lv, locustAlpha, locustDelta))
	}
	lines.Series = append(lines.Series, locust)
	add := func(name string, c loomingCase, response string) {
		of := rows.Of(c.String())
		if len(of) == 0 {
			return
		}
		series := chart.Series{Name: name, X: s.LV, Dots: true}
		for i := range s.LV {
			var seeds []float64
			for _, r := range of {
				if peaks := r.Curves["peak_"+response]; i < len(peaks) {
					seeds = append(seeds, peaks[i])
				}
			}
			addSeeds(&series, seeds)
		}
		lines.Series = append(lines.Series, series)
	}
	crnn := loomingCase{task: "looming", model: "crnn"}
	add(fmt.Sprintf("crnn, ±%g°", plain.HalfField), crnn, "activity")
	for _, field := range s.Fields {
		add(fmt.Sprintf("crnn, ±%g°", field), loomingCase{"looming", "crnn", "half_field", field}, "activity")
	}
	add(fmt.Sprintf("events alone, ±%g°", plain.HalfField), crnn, "events")
	return lines
}

// words says what was found.
func (s *looming) words(rows Rows, plain data.Looming) string {
	var sizes []string
	for _, model := range s.Models {
		if of := rows.Of(loomingCase{task: "looming", model: model}.String()); len(of) > 0 {
			sizes = append(sizes, fmt.Sprintf("%s %g (%g)", model, of[0].Values["hidden"], of[0].Values["parameters"]))
		}
	}
	text := fmt.Sprintf("Cells of about the same number of learned parameters, hidden units (parameters) of looming: %s; %d passes over %d sequences. "+
		"A constant answer to the four classes has an accuracy of 0.25, to the time to collision an error of %.0f ms.", strings.Join(sizes, ", "), s.Epochs, plain.TrainSize,
		math.Sqrt(constantTTC)*float64(plain.Steps)*plain.StepMs)
	follows := 0
	for i, c := range s.shown() {
		of := rows.Of(c.String())
		if c.model != "crnn" || len(of) == 0 {
			continue
		}
		all, slow := s.fitOf(of, "activity", 0), s.fitOf(of, "activity", slowFrom)
		events := s.fitOf(of, "events", slowFrom)
		lead := " "
		if i == 0 {
			lead = "\n\n"
		}
		text += fmt.Sprintf("%sWith a field of ±%g° the peaks of the trained crnn's activity give %v: %s. From l/|v| = %d ms on they give %v: %s; the events alone, without any network, α %.2f.",
			lead, s.field(c, plain), all, likeness(all.mean()), slowFrom, slow, likeness(slow.mean()), events.alpha.Value)
		if math.Abs(slow.alpha.Value/events.alpha.Value-1) < near {
			follows++
		}
	}
	if follows == 1+len(s.Fields) {
		text += fmt.Sprintf(" In every field the crnn's α is within %.0f %% of that of the events alone: they are densest when the edge of the object comes to the border of the field, and so it is the eye that sets the angle, "+
			"not anything that the network has learned. The class, which is all that is asked for, takes no response to a particular size.", 100*near)
	}
	return text
}

// likeness says how peaks compare with the locust's.
func likeness(f etaFit) string {
	switch {
	case f.like():
		return "a threshold angle with α as in the locust"
	case f.linear():
		return "a threshold angle, but not one of the locust's"
	}
	return "no threshold angle"
}

// constantTTC is the mean squared error of a constant answer to looming-ttc, in squares of the
// duration of a sequence.
const constantTTC = 0.037

// traced returns the values of a tensor by its name.
func traced(all []safetensors.Tensor, name string) ([]float32, error) {
	i := slices.IndexFunc(all, func(t safetensors.Tensor) bool { return t.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no tensor %s", name)
	}
	return all[i].Float32s()
}

// matchingUnits returns the number of hidden units, at least 3, with which t has the number of
// learned parameters nearest to that of reference, with i inputs and o outputs.
//
// Errors: those of the models.
func matchingUnits(reference, t Training, i, o int) (int, error) {
	want, err := learnedParameters(reference, models.Dims{I: i, H: reference.Hidden, O: o})
	if err != nil {
		return 0, err
	}
	count := func(units int) int {
		n, fault := learnedParameters(t, models.Dims{I: i, H: units, O: o})
		err = errors.Join(err, fault)
		return n
	}
	const least, most = 3, 1 << 16
	above := least + sort.Search(most-least, func(k int) bool { return err != nil || count(least+k) >= want })
	if above > least && want-count(above-1) < count(above)-want {
		above--
	}
	return above, err
}

// learnedParameters returns the number of learned parameters of a network.
func learnedParameters(t Training, d models.Dims) (int, error) {
	net, err := models.Bind(t.Model, t.Cell, d, models.ReadoutScale(t.ReadoutScale))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range net.Specs() {
		if s.Learned {
			n += s.Len()
		}
	}
	return n, nil
}
