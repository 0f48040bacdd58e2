package layered

import (
	"fmt"
	"math"

	"galvani/kernels"
)

// specifyTimes adds the time constants of units to the parameter table: by which they lag, and by which they look ahead.
func (n *LeakyNet) specifyTimes() {
	for l := range n.layers() {
		units := []int{n.sizes[l+1]}
		n.specs = append(n.specs,
			kernels.Spec{Name: fmt.Sprintf("layer%d.tau_m", l+1), Letters: "M", Shape: units, Role: kernels.Readout, Unit: "ms",
				Doc: "time constants of the membranes", Init: kernels.Init{A: n.cfg.TauM}, Bound: kernels.Bound{Lo: n.cfg.DT, Hi: math.Inf(1)}, Learned: n.cfg.RateTau > 0},
			kernels.Spec{Name: fmt.Sprintf("layer%d.tau_r", l+1), Letters: "M", Shape: units, Role: kernels.Readout, Unit: "ms",
				Doc: "time constants by which units look ahead", Init: kernels.Init{A: n.cfg.TauM}, Bound: kernels.Bound{Hi: math.Inf(1)}})
	}
}

// tau returns the rows of Specs with the time constants of layer l, from 0: by which units lag, and by which they look
// ahead.
func (n *LeakyNet) tau(l int) (lag, lead int) {
	at := 2 * (n.layers() + l)
	return at, at + 1
}

// prepareTimes sets the time constants of units. Those of a hidden layer that do not lag come first.
func prepareTimes[F kernels.Float](n *LeakyNet, params [][]F) {
	if !n.rule.Temporal {
		return
	}
	for l := range n.layers() {
		lag, lead := n.tau(l)
		units := n.sizes[l+1]
		first, top := int(math.Round(n.cfg.Prospective*float64(units))), max(n.cfg.TauMax, n.cfg.TauM)
		if l == n.layers()-1 {
			if first = units; n.cfg.LagOut {
				first, top = 0, n.cfg.TauM
			}
		}
		for i := range units {
			params[lag][i], params[lead][i] = F(n.cfg.TauM), F(n.cfg.TauM)
			if k := i - first; k >= 0 {
				params[lag][i] = F(n.cfg.TauM * math.Pow(top/n.cfg.TauM, float64(k)/float64(max(1, units-first-1))))
				params[lead][i] = F(n.cfg.TauR)
			}
		}
	}
}

// temporalLayer is the arrays of one layer of leaky units that learn sequences. Mismatch is the error e of the unit.
type temporalLayer struct {
	leakyLayer
	lag    int // v
	before int // u of the step before
	moved  int // change of the time constants
}

// temporal writes a network that learns sequences as a program.
func (n *LeakyNet) temporal(width int) timed {
	b := newBuilder(&n.sized, width, n.cfg.Activation)
	shown := b.kept("shown", 1)
	var layers []temporalLayer
	for l := range n.layers() {
		m := n.sizes[l+1]
		var u temporalLayer
		u.sum, u.error, u.taught, u.before, u.moved = b.array(named(l, "sum"), m), b.array(named(l, "x"), m), b.array(named(l, "taught"), m),
			b.array(named(l, "before"), m), b.array(named(l, "moved"), m)
		u.u, u.ahead, u.rate = b.kept(named(l, "u"), m), b.kept(named(l, "ahead"), m), b.rates(named(l, "rate"), m)
		u.lag, u.mismatch = b.kept(named(l, "v"), m), b.kept(named(l, "error"), m)
		layers = append(layers, u)
	}
	last := layers[len(layers)-1]
	told := b.kept("told", n.Outputs())
	n.temporalStep(b, layers, kernels.None)
	b.p.Answer = b.done()
	n.temporalStep(b, layers, shown)
	free := kernels.NewOp(kernels.Error, told) // what the outputs are without their errors, which they pass on as they came
	free.From[0], free.From[1], free.By = last.ahead, last.error, [3]float64{1, -n.cfg.Coupling, 1}
	b.add(free)
	b.p.Learn = b.done()
	t := timed{program: &b.p, x: b.x, pull: b.pull, share: b.share, answer: last.ahead, told: told, factor: 1, shown: shown, clock: kernels.None}
	t.train, t.eval = n.steps()
	for l, u := range layers {
		t.carry(u.u, u.ahead, u.rate, u.lag, u.mismatch)
		if l < len(layers)-1 {
			t.hidden = append(t.hidden, u.rate)
		}
	}
	return t
}

// temporalStep moves the network by dt, and where there is an array of the patterns that have targets learns.
func (n *LeakyNet) temporalStep(b *builder, layers []temporalLayer, shown int) {
	below, last, taught := b.x, len(layers)-1, shown != kernels.None
	for l, u := range layers {
		b.product(u.sum, 2*l, below, kernels.None)
		b.ops[len(b.ops)-1].Bias = 2*l + 1
		below = u.rate
		switch {
		case taught && l < last:
			b.back(u.error, 2*l+2, layers[l+1].mismatch, u.rate)
		case taught:
			o := kernels.NewOp(kernels.Error, u.error)
			o.From, o.By, o.Scale = [3]int{b.pull, u.ahead, shown}, [3]float64{1, -1, 1}, n.cfg.Nudging
			b.add(o)
		}
	}
	for l, u := range layers {
		lag, lead := n.tau(l)
		in := []term{{u.sum, 1}}
		if taught {
			b.soma(drive{u: u.lag, ahead: u.mismatch, total: 1, dt: n.cfg.DT, in: []term{{u.error, 1}}, tau: []int{lead, lag}})
			b.follow(u.before, u.u, 1)
			in = append(in, term{u.mismatch, n.cfg.Coupling})
		}
		b.soma(drive{u: u.u, ahead: u.ahead, total: 1, dt: n.cfg.DT, in: in, tau: []int{lag, lead}})
	}
	below = b.x
	for l, u := range layers {
		if taught {
			b.learn(lesson{w: 2 * l, bias: 2*l + 1, err: u.taught, soma: u.mismatch, dend: kernels.None, by: [2]float64{1, 0}, before: below, rate: rateOf(n.cfg.RateUp, l)})
			n.learnTimes(b, l, u)
		}
		below = u.rate
	}
	for _, u := range layers {
		b.rate(u.rate, u.ahead)
	}
}

// learnTimes changes the time constants by which the units of a layer lag by −e du/dt.
func (n *LeakyNet) learnTimes(b *builder, l int, u temporalLayer) {
	if n.cfg.RateTau == 0 {
		return
	}
	lag, _ := n.tau(l)
	o := kernels.NewOp(kernels.Times, u.moved)
	o.From, o.By, o.Learning, o.Scale = [3]int{u.mismatch, u.u, u.before}, [3]float64{1, 1 / n.cfg.DT, -1 / n.cfg.DT}, true, -n.cfg.RateTau
	b.add(o)
	o = kernels.NewOp(kernels.Learn, kernels.None)
	o.W, o.From = lag, [3]int{u.moved, b.share, kernels.None}
	b.add(o)
}
