package engine

import (
	"galvani/engine/group"
	"galvani/kernels"
)

// hostSums are partSums in host memory, by level.
type hostSums [][]float32

func newHostSums(levels, n int) (h hostSums) {
	for range levels {
		h = append(h, make([]float32, n))
	}
	return h
}

func (h hostSums) put(level int, g *Graph[float32], weight float64) error {
	if g == nil {
		clear(h[level])
		return nil
	}
	grad, err := g.Grad()
	copy(h[level], grad)
	scale(h[level], weight)
	return err
}

func (h hostSums) add(level int) {
	kernels.InChunks(len(h[level]), func(lo, hi int) { group.Add(h[level][lo:hi], h[level+1][lo:hi]) })
}

func (h hostSums) away() bool { return false }

func (h hostSums) total(ranks group.Group, y []float64, _ bool) error { return ranks.Sum(h[0], y) }

func (h hostSums) mean(m Metrics) ([]float32, error) {
	if m.Weight != 0 {
		scale(h[0], 1/m.Weight)
	}
	return h[0], nil
}

// scale multiplies x by c.
func scale(x []float32, c float64) {
	kernels.InChunks(len(x), func(lo, hi int) {
		for i, v := range x[lo:hi] {
			x[lo+i] = float32(float64(v) * c)
		}
	})
}

// deviceSums are partSums on a device, whose numbers ranks exchange through host memory unless they are direct.
type deviceSums struct {
	kernels.GradientSums
	host []float32
}

func (d *deviceSums) put(level int, g *Graph[float32], weight float64) error {
	if g == nil {
		return d.Put(level, nil, 0)
	}
	return d.Put(level, g.gradVals, weight)
}

func (d *deviceSums) add(level int) { d.Add(level) }

func (d *deviceSums) away() bool { return true }

func (d *deviceSums) total(ranks group.Group, y []float64, direct bool) error {
	switch {
	case ranks.Size() == 1:
		return ranks.Sum(nil, y)
	case direct:
		return d.On(func(x, room []float32, add func(lo, hi int) error) error { return ranks.SumOn(x, room, y, add) })
	}
	if err := d.Read(d.host); err != nil {
		return err
	}
	if err := ranks.Sum(d.host, y); err != nil {
		return err
	}
	return d.Write(d.host)
}

func (d *deviceSums) mean(m Metrics) ([]float32, error) {
	return nil, d.Mean(kernels.LossSums{Loss: m.LossSum, Weight: m.Weight, Correct: m.Correct, Count: m.Count})
}
