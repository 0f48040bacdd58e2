package layered

import (
	"fmt"

	"galvani/kernels"
)

// leakyRun is a LeakyNet in time. It implements Runner.
type leakyRun[F kernels.Float] struct {
	n     *LeakyNet
	width int
	phi   activation
	units []*leakyLayer[F]
	input []F // rates [B,I]
	pull  []F // potentials [B,O] that the outputs are pulled to
	out   []F
	share []F // weight of each pattern in a change of the weights, which add up to 1
}

// leakyLayer is one layer. A step reads rate and mismatch of the step before.
type leakyLayer[F kernels.Float] struct {
	from     *product[F]
	bias     []F
	cells    group[F]
	sum      []F // I
	error    []F // e: what comes from the layer above, or from the target
	mismatch []F // u~ − I
	taught   []F // mismatch times the part of each pattern
}

func startLeaky[F kernels.Float](n *LeakyNet, at place, width int, params [][]F) (*leakyRun[F], error) {
	r := &leakyRun[F]{n: n, width: width, phi: activations[n.cfg.Activation], input: make([]F, width*n.sizes[0]),
		pull: make([]F, width*n.Outputs()), out: make([]F, width*n.Outputs()), share: make([]F, width)}
	for l := range n.layers() {
		k, m := n.sizes[l], n.sizes[l+1]
		size := width * m
		u := &leakyLayer[F]{bias: params[2*l+1], cells: newGroup[F](size), sum: make([]F, size), error: make([]F, size), mismatch: make([]F, size), taught: make([]F, size)}
		var err error
		if u.from, err = newProduct(at, width, k, m, params[2*l], false); err != nil {
			return nil, err
		}
		if err := u.from.returns(at, l > 0); err != nil {
			return nil, err
		}
		r.units = append(r.units, u)
	}
	r.Reset()
	return r, nil
}

// Rebind implements Runner.
func (r *leakyRun[F]) Rebind(params [][]F) {
	for l, u := range r.units {
		u.from.w, u.bias = params[2*l], params[2*l+1]
	}
}

// Reset implements Runner.
func (r *leakyRun[F]) Reset() {
	for _, u := range r.units {
		clear(u.cells.u)
		clear(u.cells.ahead)
		clear(u.mismatch)
		rates(u.cells.rate, u.cells.ahead, r.phi.rate)
	}
}

// State implements Runner.
func (r *leakyRun[F]) State(visit func(name string, shape []int, data []F)) {
	for l, u := range r.units {
		shape := []int{r.width, r.n.sizes[l+1]}
		visit(fmt.Sprintf("layer%d.u", l+1), shape, u.cells.u)
		visit(fmt.Sprintf("layer%d.ahead", l+1), shape, u.cells.ahead)
		visit(fmt.Sprintf("layer%d.rate", l+1), shape, u.cells.rate)
		visit(fmt.Sprintf("layer%d.mismatch", l+1), shape, u.mismatch)
	}
}

// Hidden implements Runner.
func (r *leakyRun[F]) Hidden() (list [][]F) {
	for _, u := range r.units[:len(r.units)-1] {
		list = append(list, u.cells.rate)
	}
	return list
}

// Outputs implements Runner.
func (r *leakyRun[F]) Outputs() []F { return r.out }

// Answer implements Runner.
func (r *leakyRun[F]) Answer(x []F) error {
	r.Reset()
	_, steps := r.n.steps()
	for range steps {
		if err := r.step(x, false, 0); err != nil {
			return err
		}
	}
	copy(r.out, r.units[len(r.units)-1].cells.ahead)
	return nil
}

// Learn implements Runner.
func (r *leakyRun[F]) Learn(x, targets, weight []F, lr float64) error {
	divide(r.share, len(targets)/r.n.Outputs(), weight)
	copy(r.pull, targets)
	steps, _ := r.n.steps()
	for range steps {
		if err := r.step(x, true, lr/float64(steps)); err != nil {
			return err
		}
	}
	copy(r.out, r.units[len(r.units)-1].sum)
	return nil
}

// step moves the network by dt: inputs and errors from the step before, then potentials, then weights, then rates. Taught
// outputs are pulled to their targets; rate is the learning rate of the step, 0 for none.
func (r *leakyRun[F]) step(x []F, taught bool, rate float64) error {
	copy(r.input, x)
	below, last := r.input, len(r.units)-1
	for l, u := range r.units {
		if err := u.from.forward(u.sum, below, false); err != nil {
			return err
		}
		for i := range u.sum {
			u.sum[i] += u.bias[i%len(u.bias)]
		}
		below = u.cells.rate
		switch {
		case l < last:
			above := r.units[l+1]
			if err := above.from.back(u.error, above.mismatch); err != nil {
				return err
			}
			multiply(r.phi, u.error, u.cells.rate)
		case taught:
			for i, v := range r.pull {
				u.error[i] = F(r.n.cfg.Nudging) * (v - u.cells.ahead[i])
			}
		default:
			clear(u.error)
		}
	}
	for _, u := range r.units {
		r.move(u)
	}
	below = r.input
	for _, u := range r.units {
		if err := r.learn(u, below, rate); err != nil {
			return err
		}
		below = u.cells.rate
	}
	for _, u := range r.units {
		rates(u.cells.rate, u.cells.ahead, r.phi.rate)
	}
	return nil
}

// move moves the potentials of a layer and writes their mismatch.
func (r *leakyRun[F]) move(u *leakyLayer[F]) {
	part := F(r.n.cfg.DT / r.n.cfg.TauM)
	for i, v := range u.cells.u {
		heading := u.sum[i] + u.error[i] // u + tau du/dt
		u.cells.u[i] = v + part*(heading-v)
		if u.cells.ahead[i] = heading; !r.n.rule.LooksAhead {
			u.cells.ahead[i] = u.cells.u[i]
		}
		u.mismatch[i] = u.cells.ahead[i] - u.sum[i]
	}
}

// learn changes the weights and biases of a layer by the mismatch of its units and the rates below them.
func (r *leakyRun[F]) learn(u *leakyLayer[F], below []F, rate float64) error {
	if rate == 0 {
		return nil
	}
	units := len(u.bias)
	for i, v := range u.mismatch {
		u.taught[i] = r.share[i/units] * v
		u.bias[i%units] += F(rate) * u.taught[i]
	}
	return u.from.learn(u.taught, below, F(rate), 0)
}
