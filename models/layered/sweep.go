package layered

// sweep goes up the layers and down again, then changes the weights. In the end rate holds the rates of the sweep up and
// next those of the sweep down.
func (r *Run[F]) sweep(x []F, taught bool, rate float64) error {
	copy(r.input, x)
	for l, a := range r.areas {
		if err := a.up.forward(a.basal, r.below(l), false); err != nil {
			return err
		}
		copy(a.cells.ahead, a.basal)
		fire(&a.cells, r.phi)
		copy(a.cells.rate, a.cells.next)
		if a.ip == nil {
			break
		}
		if err := a.ip.forward(a.dendrite, a.cells.rate, false); err != nil {
			return err
		}
	}
	g, last := r.c.cfg, len(r.areas)-1
	top := r.areas[last]
	if taught {
		mix(top.cells.ahead, top.basal, r.pull, F(g.GSom/(g.GLeak+g.GBasal+g.GSom)))
		fire(&top.cells, r.phi)
	}
	copy(top.cells.u, top.cells.ahead)
	inter, apical := F(g.GSom/(g.GLeak+g.GDend+g.GSom)), F(r.c.apical())
	for l := last - 1; l >= 0; l-- {
		a := r.areas[l]
		mix(a.inter.ahead, a.dendrite, r.areas[l+1].cells.ahead, inter)
		fire(&a.inter, r.phi)
		copy(a.inter.u, a.inter.ahead)
		copy(a.inter.rate, a.inter.next)
		if err := a.down.forward(a.above, r.above(l), false); err != nil {
			return err
		}
		copy(a.apical, a.above)
		if err := a.pi.forward(a.apical, a.inter.rate, true); err != nil {
			return err
		}
		mix(a.cells.ahead, a.basal, a.apical, apical)
		fire(&a.cells, r.phi)
		copy(a.cells.u, a.cells.ahead)
	}
	return r.learnAll(rate)
}

// mix writes (1−part) a + part b.
func mix[F float32 | float64](to, a, b []F, part F) {
	for i, v := range a {
		to[i] = (1-part)*v + part*b[i]
	}
}
