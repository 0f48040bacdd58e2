package charged

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/experiment/probe"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/models"

	"gonum.org/v1/gonum/mat"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "jacobian",
		Doc:    "how input moves the Jacobian of a step, the product of Jacobians, and how far gradients reach back",
		Claim:  "the input of a cRNN gates the derivatives of backpropagation and so makes up for those that explode or vanish",
		Source: "notes on the charged RNN, section 3; norm of gradients against lag: Pascanu, Mikolov and Bengio (2013), arXiv:1211.5063",
		New: func() experiment.Settings {
			return &jacobian{Networks: 50, Units: 8, Levels: []float64{0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10}, Product: 20, Hidden: 64, Batch: 16, Lags: 200}
		},
	})
}

// jacobian measures J_t = ∂h_{t+1}/∂h_t of charged RNNs by the adjoint of the scan. With the explicit
// step a synaptic conductance enters J as −Δt·x̄/C on the diagonal and nowhere else, so that
//
//	J(x̄+δ) − J(x̄) = −δ Δt/C · 1
//
// Then it measures ln‖∏J‖ per unit of time against the mean conductance, and ‖∂L/∂h_t‖ against the lag T − t beside
// other cells, with initial parameters.
type jacobian struct {
	Networks int       `toml:"networks" doc:"charged networks per condition and seed" min:"1" max:"100000"`
	Units    int       `toml:"units" doc:"compartments of a network, joined to a ring" min:"2" max:"256"`
	Levels   []float64 `toml:"levels" doc:"mean synaptic conductances, rising" unit:"1" min:"0" max:"1e3"`
	Product  int       `toml:"product" doc:"time that a product of Jacobians covers" unit:"dt = 1" min:"1" max:"1000"`
	Hidden   int       `toml:"hidden" doc:"units of the cells whose gradients are compared" min:"1" max:"4096"`
	Batch    int       `toml:"batch" doc:"sequences of that comparison" min:"1" max:"4096"`
	Lags     int       `toml:"lags" doc:"steps that gradients are followed back" min:"2" max:"100000"`
}

const (
	// shiftTolerance is the rounding of a difference of two numbers of order 1 in float64.
	shiftTolerance = 1e-12
	shift          = 0.25 // δ
	// reachShare is the share of the gradient at which it counts as gone.
	reachShare  = 1e-3
	lagInputs   = 4
	lowestLag   = -12 // of the chart, in powers of ten
	settleSteps = 300
)

// Quick implements Settings.
func (s *jacobian) Quick() {
	s.Networks, s.Units, s.Levels, s.Product, s.Hidden, s.Batch, s.Lags = 3, 3, []float64{0, 1}, 5, 8, 2, 20
}

var stepRules = []string{"euler", "implicit", "exp"}

// productCell is a condition of the products; without channels a network is linear in h.
type productCell struct {
	name, rule string
	gamma      float64
}

var productCells = []productCell{{"euler", "euler", 1}, {"implicit", "implicit", 1}, {"exp", "exp", 1}, {"exp, no channels", "exp", 0}}

// lagCell is a condition of the comparison of gradients.
type lagCell struct {
	name, model string
	input       float64 // factor of the input
}

var lagCells = []lagCell{{"crnn, no input", "crnn", 0}, {"crnn", "crnn", 1}, {"crnn, input ×100", "crnn", 100}, {"crnn-simple", "crnn-simple", 1},
	{"rnn", "rnn", 1}, {"lstm", "lstm", 1}}

// Cases implements Settings.
func (s *jacobian) Cases(seeds []uint64) ([]experiment.Case, error) {
	if len(s.Levels) < 2 || !slices.IsSorted(s.Levels) {
		return nil, fmt.Errorf("levels are %v, want at least two in rising order", s.Levels)
	}
	return experiment.ByCondition(slices.Concat(
		experiment.Each(stepRules, func(rule string) string { return "shift, " + rule }, s.shifts),
		experiment.Each(productCells, func(c productCell) string { return "product, " + c.name }, s.products),
		experiment.Each(lagCells, func(c lagCell) string { return "lag, " + c.name }, s.lag)), seeds), nil
}

// networks draws charged networks as one probe, with one input that excites or inhibits, and
// synapses of one average. An explicit step is short enough for every level.
func (s *jacobian) networks(env *experiment.Env, rule string, seed uint64) (*probe.Probe, *models.CRNN, *rand.Rand, error) {
	cell := models.NewCRNN()
	cell.SynKernel, cell.Stepping = "ema", rule
	if rule == "euler" {
		cell.Dt = min(1, 0.2/max(0.2, slices.Max(s.Levels)))
	}
	r := rand.New(rand.NewPCG(seed, 3))
	p, err := probe.Ensemble{Networks: s.Networks, Units: s.Units, Inputs: 1, Axial: 0.3, Gamma: 1}.Draw(env.Threads, cell, seed, r)
	if err != nil {
		return nil, nil, nil, err
	}
	for u := range p.Dims.H {
		p.Of("C_m")[u] = 0.5 + 1.5*r.Float64()
	}
	return p, cell, r, nil
}

// rows returns the product of the Jacobians of all steps but the first of a course that was just
// run: for each network a matrix [U,U], in a row of all networks for each row of the matrices.
func (s *jacobian) rows(c *probe.Course) ([]float64, error) {
	units := c.Probe.Dims.H
	dh := make([]float64, c.T*c.B*units)
	last := dh[(c.T-1)*c.B*units:]
	for b := range s.Units {
		for n := range s.Networks {
			last[b*units+n*s.Units+b] = 1
		}
	}
	grad, err := c.Backward(dh)
	if err != nil {
		return nil, err
	}
	return slices.Clone(grad[:c.B*units]), nil
}

// shifts compares the Jacobians of one step at two conductances.
func (s *jacobian) shifts(_ context.Context, env *experiment.Env, rule string, seed uint64) (experiment.Result, error) {
	p, cell, r, err := s.networks(env, rule, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	units := p.Dims.H
	for u := range units {
		p.Of("U_exc")[u], p.Of("U_inh")[u] = 1, 0
	}
	c, err := p.Course(2, s.Units, true)
	if err != nil {
		return experiment.Result{}, err
	}
	state := p.Rest(1)
	for u := range units {
		state[u], state[units+u], state[3*units+u] = 2*r.Float64()-1, r.Float64(), r.Float64()
	}
	var at [2][]float64
	for k := range at {
		c.Hold([]float64{0.5})
		c.HoldAt(1, []float64{0.5 + float64(k)*shift/-math.Expm1(-1/cell.TauS)}) // the average takes in 1 − e^{−1/τ} of it
		if _, _, err := c.Forward(probe.Tile(state, p.Cell.States, s.Units)); err != nil {
			return experiment.Result{}, err
		}
		if at[k], err = s.rows(c); err != nil {
			return experiment.Result{}, err
		}
	}
	v := rows.Values{"deviation": 0, "off_diagonal": 0, "diagonal": 0}
	for b := range s.Units {
		for u := range units {
			d := at[1][b*units+u] - at[0][b*units+u]
			want := 0.0
			if u%s.Units == b {
				want = -shift * cell.Dt / p.Of("C_m")[u]
				v["diagonal"] += d / want / float64(units)
			} else {
				v["off_diagonal"] = max(v["off_diagonal"], math.Abs(d))
			}
			v["deviation"] = max(v["deviation"], math.Abs(d-want))
		}
	}
	return experiment.Result{Values: v}, nil
}

// products measures ln‖∏J‖ per unit of time of the same networks at all levels of conductance.
func (s *jacobian) products(_ context.Context, env *experiment.Env, cell productCell, seed uint64) (experiment.Result, error) {
	p, crnn, r, err := s.networks(env, cell.rule, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	probe.Scale(p.Of("gamma"), cell.gamma)
	units := p.Dims.H
	draw := make([]float64, 2*units) // mean conductance of 1 over units and signs together
	for i := range draw {
		draw[i] = r.Float64()
	}
	settle, err := p.Course(int(settleSteps/crnn.Dt), 1, false)
	if err != nil {
		return experiment.Result{}, err
	}
	c, err := p.Course(int(float64(s.Product)/crnn.Dt)+1, s.Units, true)
	if err != nil {
		return experiment.Result{}, err
	}
	v, curve := rows.Values{"networks": float64(s.Networks), "falling": 0}, rows.Curve{}
	before := make([]float64, s.Networks)
	falls := make([]bool, s.Networks)
	for k, level := range s.Levels {
		env.Tick(float64(k) / float64(len(s.Levels)))
		state := p.Rest(1)
		for u := range units {
			exc, inh := level*draw[u], level*draw[units+u]
			p.Of("U_exc")[u], p.Of("U_inh")[u] = exc, inh
			state[units+u], state[3*units+u] = exc, inh
		}
		settle.Hold([]float64{1})
		_, state, err = settle.Forward(state)
		if err != nil {
			return experiment.Result{}, err
		}
		c.Hold([]float64{1})
		if _, _, err := c.Forward(probe.Tile(state, p.Cell.States, s.Units)); err != nil {
			return experiment.Result{}, err
		}
		results, err := s.rows(c)
		if err != nil {
			return experiment.Result{}, err
		}
		mean := 0.0
		for n := range s.Networks {
			now := s.logNorm(results, n) / float64(s.Product)
			mean += now / float64(s.Networks)
			falls[n] = k == 0 || falls[n] && now < before[n]
			before[n] = now
		}
		curve = append(curve, mean)
	}
	for _, f := range falls {
		v.Count("falling", f)
	}
	return experiment.Result{Values: v, Curves: map[string]rows.Curve{"level": s.Levels, "log_norm": curve}}, nil
}

// logNorm returns the logarithm of the spectral norm of the matrix of network n.
func (s *jacobian) logNorm(results []float64, n int) float64 {
	m := mat.NewDense(s.Units, s.Units, nil)
	for b := range s.Units {
		m.SetRow(b, results[(b*s.Networks+n)*s.Units:][:s.Units])
	}
	return math.Log(mat.Norm(m, 2))
}

// lag measures ‖∂L/∂h_t‖ of a cell with initial parameters, where L is a random direction of the last
// h. It is relative to that at the last step and, over the batch, a mean of logarithms.
func (s *jacobian) lag(_ context.Context, env *experiment.Env, cell lagCell, seed uint64) (experiment.Result, error) {
	entry, err := models.Lookup(cell.model)
	if err != nil {
		return experiment.Result{}, err
	}
	p, err := probe.New(env.Threads, cell.model, entry.New(), models.Dims{I: lagInputs, H: s.Hidden, O: 1}, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	settle, err := p.Course(settleSteps, s.Batch, false)
	if err != nil {
		return experiment.Result{}, err
	}
	c, err := p.Course(s.Lags+1, s.Batch, true)
	if err != nil {
		return experiment.Result{}, err
	}
	r := rand.New(rand.NewPCG(seed, 7))
	for _, x := range [][]float64{settle.X, c.X} {
		for i := range x {
			x[i] = cell.input * r.Float64()
		}
	}
	_, state, err := settle.Forward(p.Rest(s.Batch))
	if err != nil {
		return experiment.Result{}, err
	}
	if _, _, err := c.Forward(slices.Clone(state)); err != nil {
		return experiment.Result{}, err
	}
	plane := s.Batch * s.Hidden
	dh := make([]float64, c.T*plane)
	for i := range dh[s.Lags*plane:] {
		dh[s.Lags*plane+i] = r.NormFloat64()
	}
	grad, err := c.Backward(dh)
	if err != nil {
		return experiment.Result{}, err
	}
	curve := make(rows.Curve, s.Lags+1)
	for k := range curve {
		for b := range s.Batch {
			now := grad[(s.Lags-k)*plane+b*s.Hidden:][:s.Hidden]
			end := dh[s.Lags*plane+b*s.Hidden:][:s.Hidden]
			curve[k] += math.Log10(probe.Dot(now, now)/probe.Dot(end, end)) / 2 / float64(s.Batch)
		}
	}
	reach := slices.IndexFunc(curve, func(v float64) bool { return v < math.Log10(reachShare) })
	v := rows.Values{"reach": float64(reach), "slope": curve[s.Lags] / float64(s.Lags) * math.Ln10}
	if reach < 0 {
		v["reach"] = math.Inf(1)
	}
	return experiment.Result{Values: v, Curves: map[string]rows.Curve{"log10_norm": curve}}, nil
}

// Report implements Settings.
func (s *jacobian) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.Fails}
	exact := s.shiftTable(results, &r)
	falling := s.productTable(results, &r)
	s.lagTable(results, &r)
	switch {
	case exact && falling == 1:
		r.Verdict = experiment.Holds
	case exact:
		r.Verdict = experiment.HoldsWhen
	}
	return r, nil
}

// shiftTable tells of the shifts and reports whether those of the explicit step are exact.
func (s *jacobian) shiftTable(results experiment.Rows, r *experiment.Report) (exact bool) {
	t := rows.Table{Title: fmt.Sprintf("Shift of the Jacobian by a conductance of %g", shift),
		Head: []string{"step", "largest deviation from −δ·Δt/C on the diagonal and 0 elsewhere", "shift of the diagonal, of −δ·Δt/C", "largest shift elsewhere"}}
	for _, rule := range stepRules {
		of := results.Of("shift, " + rule)
		if len(of) == 0 {
			continue
		}
		worst := slices.Max(of.Values("deviation"))
		t.Rows = append(t.Rows, []string{rule, fmt.Sprintf("%.2g", worst), of.Mean("diagonal").Format("%.4f"), fmt.Sprintf("%.2g", slices.Max(of.Values("off_diagonal")))})
		if rule == "euler" {
			exact = worst < shiftTolerance
			r.Result = fmt.Sprintf("With the explicit step a synaptic conductance moves the diagonal of the Jacobian by −δ·Δt/C and nothing else: the largest deviation was %.2g.", worst)
		} else {
			r.Result += fmt.Sprintf(" With the %s step the diagonal moves by %s of that on average, and the terms of neighbours move too, by up to %.2g.",
				rule, of.Mean("diagonal").Format("%.2f"), slices.Max(of.Values("off_diagonal")))
		}
	}
	if exact {
		r.Result += " A conductance is never negative and so, with restoring signs, input makes the diagonal smaller only: it can make up for derivatives that explode, not for those that vanish."
	}
	r.Tables = append(r.Tables, t)
	return exact
}

// productTable tells of the products and returns the share of networks with channels whose norm
// falls with every level.
func (s *jacobian) productTable(results experiment.Rows, r *experiment.Report) (falling float64) {
	t := rows.Table{Title: fmt.Sprintf("ln‖∏J‖ per unit of time, over %d units", s.Product), Head: []string{"mean conductance x̄"}}
	lines := chart.Lines{Title: "Product of Jacobians against conductance", XLabel: "mean synaptic conductance", YLabel: "ln‖∏J‖ per unit of time"}
	var columns [][]rows.Estimate
	var words []string
	networks, each, fall, linear := 0, 0, 0, true
	for _, c := range productCells {
		of := results.Of("product, " + c.name)
		if len(of) == 0 {
			continue
		}
		columns, t.Head = append(columns, of.Curve("log_norm")), append(t.Head, c.name)
		n, k := int(of.Sum("networks")), int(of.Sum("falling"))
		words, each = append(words, c.name+" "+rows.Share(k, n).Percent()), max(each, n)
		if c.gamma > 0 {
			networks, fall = networks+n, fall+k
		} else {
			linear = k == n
		}
		band := rows.Band(c.name, s.Levels, of.Curve("log_norm"))
		band.Dots, band.Dashed = true, c.gamma == 0
		lines.Series = append(lines.Series, band)
	}
	if len(columns) == 0 {
		return 0
	}
	for i, level := range s.Levels {
		row := []string{fmt.Sprint(level)}
		for _, c := range columns {
			row = append(row, c[i].Format("%.4f"))
		}
		t.Rows = append(t.Rows, row)
	}
	r.Tables = append(r.Tables, t)
	r.Charts = append(r.Charts, experiment.Chart{Name: "product", Caption: "Spectral norm; mean over networks, with its interval over seeds.", Lines: lines})
	r.Result += fmt.Sprintf("\n\nThe norm of a product of Jacobians, each network at the voltages to which its input has moved it, fell with every rise of the conductance in this share of %d networks each: %s.",
		each, strings.Join(words, "; "))
	if fall < networks && linear {
		r.Result += " Without channels there was no exception: a conductance also moves the voltage, and a channel may amplify more there than before. " +
			"So the claim is exact for a step at a given voltage, holds on average for products, and for each of them where there are no channels."
	}
	return float64(fall) / float64(max(1, networks))
}

// lagTable tells of gradients against lag.
func (s *jacobian) lagTable(results experiment.Rows, r *experiment.Report) {
	t := rows.Table{Title: "Gradient against lag, initial parameters",
		Head: []string{"cell", fmt.Sprintf("lag at which ‖∂L/∂h‖ falls below %g", reachShare), "mean change of ln‖∂L/∂h‖ per step"}}
	lines := chart.Lines{Title: "Gradient reaching back in time", XLabel: "lag (steps)", YLabel: "log10 of ‖∂L/∂h‖"}
	for _, c := range lagCells {
		of := results.Of("lag, " + c.name)
		if len(of) == 0 {
			continue
		}
		reach := of.Mean("reach").Format("%.3g")
		if math.IsInf(slices.Max(of.Values("reach")), 1) {
			reach = fmt.Sprintf("beyond %d", s.Lags)
		}
		t.Rows = append(t.Rows, []string{c.name, reach, of.Mean("slope").Format("%.4f")})
		y := of.Curve("log10_norm")
		for i, e := range y {
			if e.Value < lowestLag {
				y[i] = rows.Mean(nil) // leaves the picture
			}
		}
		x := make([]float64, len(y))
		for i := range x {
			x[i] = float64(i)
		}
		band := rows.Band(c.name, x, y)
		band.Dashed = c.model == "lstm" // it lies on others
		lines.Series = append(lines.Series, band)
	}
	if len(t.Rows) == 0 {
		return
	}
	r.Tables = append(r.Tables, t)
	r.Charts = append(r.Charts, experiment.Chart{Name: "lag", Caption: "Relative to the last step, down to 1e-12 of it; mean over sequences, with its interval over seeds. The memory cell of the lstm is a second way back, which ‖∂L/∂h‖ does not show.", Lines: lines})
	slope := func(name string) string { return results.Of("lag, " + name).Mean("slope").Format("%.3f") }
	r.Result += fmt.Sprintf("\n\nThe gradient of the crnn changed by %s per step of lag (in its logarithm) without input, %s with input of order 1 and %s with 100 times that; that of the rnn by %s, of the lstm by %s. "+
		"The gradient of an lstm also goes back through its memory cell, which the norm at the hidden state does not see.",
		slope("crnn, no input"), slope("crnn"), slope("crnn, input ×100"), slope("rnn"), slope("lstm"))
}
