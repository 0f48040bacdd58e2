package conform

import "galvani/kernels"

// plastic is the reference of weights that change, by loops over the entries of the matrix.
type plastic[F kernels.Float] struct {
	weights        []F // what a spike adds, of each entry
	source, target []F // traces before the spikes of the step
	rule           kernels.Plasticity
	dt             float64
}

// newPlastic returns that of a projection before the first step.
func newPlastic[F kernels.Float](c *kernels.Circuit, i int) *plastic[F] {
	p := c.Projections[i]
	_, jump := kernels.Decay(c.Step, c.Populations[p.To].Synapses[p.Synapse])
	q := &plastic[F]{rule: *p.Plasticity, dt: c.Step, source: make([]F, p.Matrix.Cols), target: make([]F, p.Matrix.Rows)}
	for k := range p.Matrix.Len() {
		q.weights = append(q.weights, F(p.Weight[k%len(p.Weight)]*jump))
	}
	q.rule.Pre, q.rule.Post = q.rule.Pre.Scaled(jump), q.rule.Post.Scaled(jump)
	q.rule.Most = min(q.rule.Most*jump, kernels.NoBound)
	return q
}

// step delivers the spikes of step n with the weights before it, and changes these: for the spikes of the
// sources, then for those of the targets, by the traces before both.
func (q *plastic[F]) step(s *circuitState[F], p kernels.Projection, n int64) {
	pre, post := s.spiked[p.From], s.spiked[p.To]
	for i := range p.Matrix.Rows {
		for k := p.Matrix.Start[i]; k < p.Matrix.Start[i+1]; k++ {
			j := p.Matrix.Col[k]
			w := &q.weights[k]
			if pre[j] {
				s.due[arrival{n + int64(p.Delay[int(k)%len(p.Delay)]) - 1, p.To, p.Synapse, i}] += *w
				*w = q.changed(q.rule.Pre, *w, q.target[i])
			}
			if post[i] {
				*w = q.changed(q.rule.Post, *w, q.source[j])
			}
		}
	}
	q.trace(q.source, q.rule.Source, pre)
	q.trace(q.target, q.rule.Target, post)
}

// changed returns a weight after a spike.
func (q *plastic[F]) changed(c kernels.Change, w, trace F) F {
	m := F(w * F(q.rule.Sign))
	slope := F(c.A) + F(F(c.B)*trace)
	own := F(c.C) + F(F(c.D)*m)
	m += F(slope * own)
	return min(max(m, 0), F(q.rule.Most)) * F(q.rule.Sign)
}

// trace adds the spikes of a step to the traces of units, and takes them to the next step.
func (q *plastic[F]) trace(x []F, rule kernels.Pairing, spiked []bool) {
	for u := range x {
		if rule.Nearest && spiked[u] {
			x[u] = 0
		}
		if spiked[u] {
			x[u] += F(rule.Jump)
		}
		if x[u] *= F(rule.Decay(q.dt)); x[u] < F(kernels.Tiny) && x[u] > -F(kernels.Tiny) {
			x[u] = 0
		}
	}
}
