package bench

import "slices"

// bestProduct finds the product that the costs refer to: the fastest matrix product on the machine on
// all threads, be it the packed one or that of a library that Python has. It reports the packed
// product beside that of each library, at every size. It does so once in a run.
func (r *runner) bestProduct() error {
	if r.rate > 0 {
		return nil
	}
	libraries := r.peers
	if r.NumPy != "" {
		if p, err := openPeer(r.NumPy, library, r.Threads, onCPU); err == nil { // it is not asked for by name
			libraries = append([]*peer{p}, libraries...)
			r.closers = append(r.closers, p.close)
		}
	}
	for _, n := range r.sizes {
		packed, err := packedProducts(n, r.Threads)
		if err != nil {
			return err
		}
		all := make([]contestant, 1, 1+len(libraries))
		if all[0], err = r.fastest(packed); err != nil {
			return err
		}
		for _, p := range libraries {
			all = append(all, p.product(n))
		}
		if err := r.compareProducts(all); err != nil {
			return err
		}
	}
	r.Log("costs refer to %s", r.gemm.name)
	return nil
}

// fastest returns the contestant whose best repeat is the fastest: that says what a product can do
// also on a machine that is busy.
func (r *runner) fastest(all []contestant) (best contestant, err error) {
	rate := 0.0
	for _, c := range all {
		repeats, err := warmUp(r.effort, c)
		if err != nil {
			return best, err
		}
		seconds, err := c.run(repeats)
		if err != nil {
			return best, err
		}
		if x := c.flops / slices.Min(seconds); x > rate {
			best, rate = c, x
		}
	}
	return best, nil
}

// compareProducts times products of one size in turns, reports the first beside each of the others,
// and keeps the fastest as the one that costs refer to.
func (r *runner) compareProducts(all []contestant) error {
	samples, err := interleave(r.effort, all)
	if err != nil {
		return err
	}
	row := r.head
	row.Case, row.What = caseGemm, "product"
	row.Subject = all[0].timing(samples[0])
	for i, c := range all {
		t := c.timing(samples[i])
		if x := t.FLOPs / t.Median; x > r.rate {
			r.gemm, r.rate = c, x
		}
		if i == 0 {
			continue
		}
		row.Reference, row.Ratio = &t, compare(Cost, 0, all[0], c, samples[0], samples[i])
		if err := r.Each(row); err != nil {
			return err
		}
	}
	if len(all) > 1 {
		return nil
	}
	return r.Each(row)
}
