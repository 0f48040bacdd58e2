package conform

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Drawn wants of entries that are drawn again in each step the spikes of the same entries stored, in any stretches.
func Drawn(t *testing.T, dev kernels.Device) {
	c := drawnCircuit(t)
	want := Simulate(t, dev, Stored(t, c), 400)
	got := Simulate(t, dev, c, 1, 150, 249)
	if len(want.Spikes) < 500 || !slices.Equal(got.Spikes, want.Spikes) {
		t.Errorf("%d spikes of entries that are drawn again, %d of those that are stored", len(got.Spikes), len(want.Spikes))
	}
}

// drawnCircuit has all that entries drawn again may have, onto more targets than have one stream.
func drawnCircuit(t *testing.T) *kernels.Circuit {
	const sources, units = 70, 2100
	c := &kernels.Circuit{Step: 0.1, Seed: 3, Populations: []kernels.Population{
		{Name: "x", Header: kernels.Poisson, N: sources, Params: []float64{60}},
		{Name: "e", Header: "lif", N: units, Params: Params(t, "lif", map[string]float64{"t_ref": 0.5}), Synapses: []float64{5, 8}}}}
	numbers := func(n, most int) (all []int32) {
		for j := range n {
			all = append(all, int32(random.New(5).Below(uint64(j), uint32(most))))
		}
		return all
	}
	add := func(from, synapse int, d kernels.Drawn) {
		d.Key = random.New(uint64(len(c.Projections)))
		p := kernels.Projection{From: from, To: 1, Synapse: synapse, Delay: []uint16{uint16(kernels.Steps(d.Delay.Least(), c.Step))}, Drawn: &d,
			Matrix: &sparse.Matrix{Rows: units, Cols: c.Populations[from].N, Start: make([]int32, units+1)}}
		if d.Weight.Form == kernels.SpreadSame {
			p.Weight = []float64{d.Weight.A}
		}
		if d.Delay.Form != kernels.SpreadSame {
			p.Delay = append(p.Delay, uint16(kernels.Steps(d.Delay.Most(), c.Step)))
		}
		c.Projections = append(c.Projections, p)
	}
	same := func(x float64) kernels.Spread { return kernels.Spread{A: x} }
	normal := func(a, b float64) kernels.Spread { return kernels.Spread{Form: kernels.SpreadNormal, A: a, B: b} }
	uniform := func(a, b float64) kernels.Spread { return kernels.Spread{Form: kernels.SpreadUniform, A: a, B: b} }
	lognormal := func(a, b float64) kernels.Spread { return kernels.Spread{Form: kernels.SpreadLognormal, A: a, B: b} }
	add(0, 0, kernels.Drawn{P: 0.1, Weight: same(150), Delay: same(0.3)})
	add(0, 1, kernels.Drawn{Out: numbers(sources, 400), Weight: normal(150, 100), Delay: normal(1.5, 0.75)})
	add(1, 1, kernels.Drawn{P: 0.004, Weight: uniform(-60, -10), Delay: uniform(0.1, 1.5)})
	add(1, 0, kernels.Drawn{Out: numbers(units, 20), Weight: same(10), Delay: same(0.1)})
	add(1, 0, kernels.Drawn{P: 0.002, Autapses: true, Weight: same(-20), Delay: same(0.2)})
	add(0, 0, kernels.Drawn{P: 1, Weight: same(1), Delay: same(0.2)})
	add(0, 1, kernels.Drawn{In: 7, Weight: lognormal(150, 200), Delay: lognormal(1.5, 0.75)})
	add(1, 0, kernels.Drawn{In: 9, Weight: same(-15), Delay: same(0.3)})
	add(1, 1, kernels.Drawn{In: 3, Autapses: true, Weight: lognormal(-30, 15), Delay: same(0.3)})
	add(0, 0, kernels.Drawn{P: 0.0003, Weight: same(60), Delay: normal(1, 1)})
	return c
}

// Stored returns a circuit with the entries of its Drawn as those of matrices.
func Stored(t *testing.T, c *kernels.Circuit) *kernels.Circuit {
	t.Helper()
	out := *c
	out.Projections = slices.Clone(c.Projections)
	for i, p := range c.Projections {
		if p.Drawn != nil {
			out.Projections[i] = stored(t, p, c.Step)
		}
	}
	return &out
}

// stored draws the entries as kernels.Drawn says.
func stored(t *testing.T, p kernels.Projection, step float64) kernels.Projection {
	d, units := p.Drawn, p.Matrix.Rows
	autapses := d.Autapses || p.From != p.To
	var post, pre []int32
	var weight []float64
	var delay []uint16
	entry := func(key random.Stream, n, j, i int) {
		post, pre = append(post, int32(i)), append(pre, int32(j))
		w := drawnNumber(d.Weight, key.Stream(1), n)
		if d.Weight.Form != kernels.SpreadSame && w*d.Weight.A <= 0 {
			w = 0
		}
		weight, delay = append(weight, w), append(delay, uint16(kernels.Steps(drawnNumber(d.Delay, key.Stream(2), n), step)))
	}
	thresholds, _ := d.Gaps()
	for j := range p.Matrix.Cols {
		row := d.Key.Stream(uint64(j))
		if d.In > 0 {
			for i := range units {
				at, n := j, p.Matrix.Cols
				if !autapses {
					if n--; i == j {
						continue
					} else if i < j {
						at--
					}
				}
				block := d.Key.Stream(^uint64(i / kernels.DrawnBlock))
				place := int(kernels.Shuffled(block, uint32(at), uint32(n)))
				group := place * d.In / n
				first, end := (group*n+d.In-1)/d.In, ((group+1)*n+d.In-1)/d.In
				if int(block.Stream(uint64(group)).Below(uint64(i), uint32(end-first))) == place-first {
					entry(row, i, j, i)
				}
			}
			continue
		}
		if d.Out != nil {
			key := row.Stream(0)
			for n := range int(d.Out[j]) {
				if autapses {
					entry(key, n, j, int(key.Below(uint64(n), uint32(units))))
				} else if i := int(key.Below(uint64(n), uint32(units-1))); i < j {
					entry(key, n, j, i)
				} else {
					entry(key, n, j, i+1)
				}
			}
			continue
		}
		for first := 0; first < units; first += kernels.DrawnBlock {
			key := row.Stream(uint64(first / kernels.DrawnBlock))
			for n, i := 0, first; ; n++ {
				x := key.At(uint64(n)) >> 11
				gap := 0
				for gap < len(thresholds) && thresholds[gap] <= x {
					gap++
				}
				if i += gap; i >= min(first+kernels.DrawnBlock, units) {
					break
				}
				if gap < len(thresholds) {
					if autapses || i != j {
						entry(key, n, j, i)
					}
					i++
				}
			}
		}
	}
	if d.In > 0 {
		inDegrees(t, d.In, units, post, pre)
	} else if d.Out == nil { // of so many pairs, each with the probability
		pairs := float64(units * p.Matrix.Cols)
		if want := d.P * pairs; math.Abs(float64(len(post))-want) > 5*math.Sqrt(want)+float64(units) {
			t.Errorf("%d entries are drawn with probability %g of %g pairs", len(post), d.P, pairs)
		}
	}
	var from []int32
	var err error
	p.Drawn = nil
	if p.Matrix, from, err = sparse.Entries(units, p.Matrix.Cols, post, pre); err != nil {
		t.Fatal(err)
	}
	if d.Weight.Form != kernels.SpreadSame {
		p.Weight = nil
	}
	if d.Delay.Form != kernels.SpreadSame {
		p.Delay = nil
	}
	for _, k := range from {
		if d.Weight.Form != kernels.SpreadSame {
			p.Weight = append(p.Weight, weight[k])
		}
		if d.Delay.Form != kernels.SpreadSame {
			p.Delay = append(p.Delay, delay[k])
		}
	}
	return p
}

// inDegrees wants so many different sources of each unit.
func inDegrees(t *testing.T, degree, units int, post, pre []int32) {
	t.Helper()
	in, seen := make([]int, units), map[[2]int32]bool{}
	for e, i := range post {
		in[i]++
		seen[[2]int32{i, pre[e]}] = true
	}
	if slices.Min(in) != degree || slices.Max(in) != degree || len(seen) != len(post) {
		t.Errorf("units have %d to %d sources, %d of all %d different, want %d", slices.Min(in), slices.Max(in), len(seen), len(post), degree)
	}
}

// drawnNumber returns number n of a stream as one of a distribution.
func drawnNumber(s kernels.Spread, key random.Stream, n int) float64 {
	switch s.Form {
	case kernels.SpreadUniform:
		return s.A + float64((s.B-s.A)*key.Uniform(uint64(n)))
	case kernels.SpreadNormal:
		return s.A + float64(s.B*float64(key.Normal4(uint64(n))[0]))
	case kernels.SpreadLognormal:
		high, low := s.Powers()
		k := int(key.Normal4(uint64(n))[0]*0x1p13) + 132*256
		return high[k>>8] * low[k&255]
	}
	return s.A
}
