package layered

import (
	"fmt"

	"galvani/kernels"
)

// Run is a Circuit in time. It implements Runner.
type Run[F kernels.Float] struct {
	c     *Circuit
	width int
	phi   func(u float64) float64
	areas []*area[F] // layers, from the first
	input []F        // rates [B,I]
	pull  []F        // potentials [B,O] that the outputs are pulled to
	out   []F        // see Outputs
	share []F        // weight of each pattern in a change of the weights, which add up to 1
}

// area is one layer: pyramidal cells, and for a hidden one its interneurons.
type area[F kernels.Float] struct {
	up, down, pi, ip *product[F]
	cells, inter     group[F]
	basal, apical    []F
	above            []F // what the synapses from the layer above add up to
	dendrite         []F // of interneurons
	err              []F // what synapses of one kind learn by, for as many dendrites as the largest has
}

// group is the somata of one kind of neuron, [B,units]. A step reads rate and writes next.
type group[F kernels.Float] struct {
	u, ahead, rate, next []F
}

func newGroup[F kernels.Float](n int) group[F] {
	return group[F]{make([]F, n), make([]F, n), make([]F, n), make([]F, n)}
}

func start[F kernels.Float](c *Circuit, at place, width int, params [][]F) (*Run[F], error) {
	r := &Run[F]{c: c, width: width, phi: activations[c.cfg.Activation].rate, input: make([]F, width*c.sizes[0]),
		pull: make([]F, width*c.Outputs()), out: make([]F, width*c.Outputs()), share: make([]F, width)}
	traced := c.cfg.TauW > 0 && !c.rule.TwoSweeps
	for l := range c.layers() {
		below, units := c.sizes[l], c.sizes[l+1]
		a := &area[F]{cells: newGroup[F](width * units), basal: make([]F, width*units), err: make([]F, width*units)}
		var err error
		if a.up, err = newProduct(at, width, below, units, params[c.row(l, 0)], traced); err != nil {
			return nil, err
		}
		if l < c.layers()-1 {
			above := c.sizes[l+2]
			a.inter, a.apical, a.dendrite = newGroup[F](width*above), make([]F, width*units), make([]F, width*above)
			a.above, a.err = make([]F, width*units), make([]F, width*max(units, above))
			for _, p := range []struct {
				to   **product[F]
				k, m int
				part int
				rate float64
			}{{&a.down, above, units, 1, c.cfg.RateDown}, {&a.pi, above, units, 2, c.cfg.RatePI}, {&a.ip, units, above, 3, c.cfg.RateIP}} {
				if *p.to, err = newProduct(at, width, p.k, p.m, params[c.row(l, p.part)], traced && p.rate > 0); err != nil {
					return nil, err
				}
			}
		}
		r.areas = append(r.areas, a)
	}
	r.Reset()
	return r, nil
}

// Rebind implements Runner.
func (r *Run[F]) Rebind(params [][]F) {
	for l, a := range r.areas {
		for part, p := range []*product[F]{a.up, a.down, a.pi, a.ip} {
			if p != nil {
				p.w = params[r.c.row(l, part)]
			}
		}
	}
}

// Reset puts all potentials and low-passed changes to rest.
func (r *Run[F]) Reset() {
	clear(r.input)
	for _, a := range r.areas {
		for _, g := range []*group[F]{&a.cells, &a.inter} {
			clear(g.u)
			clear(g.ahead)
			for i := range g.rate {
				g.rate[i] = F(r.phi(0))
			}
		}
		for _, p := range []*product[F]{a.up, a.down, a.pi, a.ip} {
			if p != nil {
				clear(p.trace)
			}
		}
	}
}

// State visits what a presentation leaves to the next, with names and shapes.
func (r *Run[F]) State(visit func(name string, shape []int, data []F)) {
	see := func(l int, name string, shape []int, data []F) {
		if len(data) > 0 {
			visit(fmt.Sprintf("layer%d.%s", l+1, name), shape, data)
		}
	}
	visit("input", []int{r.width, r.c.sizes[0]}, r.input)
	for l, a := range r.areas {
		units, inter := []int{r.width, r.c.sizes[l+1]}, []int{r.width, 0}
		if a.ip != nil {
			inter[1] = a.ip.m
		}
		see(l, "u", units, a.cells.u)
		see(l, "rate", units, a.cells.rate)
		see(l, "inter.u", inter, a.inter.u)
		see(l, "inter.rate", inter, a.inter.rate)
		for part, p := range []*product[F]{a.up, a.down, a.pi, a.ip} {
			if p != nil {
				see(l, [4]string{"weight", "down", "pi", "ip"}[part]+".change", []int{p.m, p.k}, p.trace)
			}
		}
	}
}

// Hidden implements Runner.
func (r *Run[F]) Hidden() (list [][]F) {
	for _, a := range r.areas[:len(r.areas)-1] {
		list = append(list, a.cells.rate)
	}
	return list
}

// Outputs implements Runner.
func (r *Run[F]) Outputs() []F { return r.out }

// Answer implements Runner.
func (r *Run[F]) Answer(x []F) error {
	r.Reset()
	_, steps := r.c.steps()
	for range steps {
		if err := r.advance(x, false, 0); err != nil {
			return err
		}
	}
	last := r.areas[len(r.areas)-1]
	copy(r.out, last.cells.ahead)
	return nil
}

// Learn implements Runner.
func (r *Run[F]) Learn(x, targets, weight []F, lr float64) error {
	divide(r.share, len(targets)/r.c.Outputs(), weight)
	copy(r.pull, targets)
	steps, _ := r.c.steps()
	for range steps {
		if err := r.advance(x, true, lr/float64(steps)); err != nil {
			return err
		}
	}
	last := r.areas[len(r.areas)-1]
	factor := F(r.c.attenuation(len(r.areas) - 1))
	for i, v := range last.basal {
		r.out[i] = factor * v
	}
	return nil
}
