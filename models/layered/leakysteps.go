package layered

import (
	"math"

	"galvani/kernels"
)

// leakyLayer is the arrays of one layer of leaky units. A step reads rate and mismatch of the step before.
type leakyLayer struct {
	group
	sum      int // I
	error    int // e: what comes from the layer above
	mismatch int // u~ − I
	taught   int // mismatch times the part of each pattern and the learning rate
}

// program implements timed.
func (n *LeakyNet) program(width int, _ uint64) timed {
	if n.rule.Temporal {
		return n.temporal(width)
	}
	b := newBuilder(&n.sized, width, n.cfg.Activation)
	var layers []leakyLayer
	for l := range n.layers() {
		m := n.sizes[l+1]
		u := leakyLayer{sum: b.array(named(l, "sum"), m), error: b.array(named(l, "error"), m), taught: b.array(named(l, "taught"), m)}
		u.u, u.ahead = b.kept(named(l, "u"), m), b.kept(named(l, "ahead"), m)
		u.rate, u.mismatch = b.rates(named(l, "rate"), m), b.kept(named(l, "mismatch"), m)
		layers = append(layers, u)
	}
	last := layers[len(layers)-1]
	b.p.Arrays[last.sum].Kept = true
	n.step(b, layers, false)
	b.p.Answer = b.done()
	n.step(b, layers, true)
	b.p.Learn = b.done()
	t := timed{program: &b.p, x: b.x, pull: b.pull, share: b.share, answer: last.ahead, told: last.sum, factor: 1, clock: kernels.None, shown: kernels.None}
	t.train, t.eval = n.steps()
	t.quiet = int(math.Round(n.cfg.Onset / n.cfg.DT))
	for l, u := range layers {
		t.carry(u.u, u.ahead, u.rate, u.mismatch)
		if l < len(layers)-1 {
			t.hidden = append(t.hidden, u.rate)
		}
	}
	return t
}

// step moves the network by dt: inputs and errors from the step before, then potentials, then weights, then rates. Taught
// outputs are pulled to their targets.
func (n *LeakyNet) step(b *builder, layers []leakyLayer, taught bool) {
	below, last := b.x, len(layers)-1
	for l, u := range layers {
		b.product(u.sum, 2*l, below, kernels.None)
		b.ops[len(b.ops)-1].Bias = 2*l + 1
		if below = u.rate; l < last {
			b.back(u.error, 2*l+2, layers[l+1].mismatch, u.rate)
		}
	}
	for l, u := range layers {
		in := []term{{u.sum, 1}}
		switch {
		case l < last:
			in = append(in, term{u.error, 1})
		case taught:
			in = append(in, term{b.pull, n.cfg.Nudging}, term{u.ahead, -n.cfg.Nudging})
		}
		b.soma(drive{u: u.u, ahead: u.ahead, total: 1, dt: n.cfg.DT / n.cfg.TauM, looks: n.rule.LooksAhead, in: in})
		b.subtract(u.mismatch, u.ahead, u.sum)
	}
	below = b.x
	for l, u := range layers {
		if taught {
			b.learn(lesson{w: 2 * l, bias: 2*l + 1, err: u.taught, soma: u.mismatch, dend: kernels.None, by: [2]float64{1, 0}, before: below, rate: rateOf(n.cfg.RateUp, l)})
		}
		below = u.rate
	}
	for _, u := range layers {
		b.rate(u.rate, u.ahead)
	}
}

// back writes what comes down through weights, times the slopes at the rates below them.
func (b *builder) back(to, w, errors, rates int) {
	o := kernels.NewOp(kernels.Back, to)
	o.W, o.From[0], o.From[1], o.Phi = w, errors, rates, b.phi
	b.add(o)
}

// subtract writes one array minus another.
func (b *builder) subtract(to, from, what int) {
	o := kernels.NewOp(kernels.Error, to)
	o.From[0], o.From[1], o.By = from, what, [3]float64{1, -1, 1}
	b.add(o)
}
