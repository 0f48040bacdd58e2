package conform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/random"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// rowsCase is one of the functions of rows on a device. Tol bounds what its results may differ from those of the host by,
// relative to the largest; 0 wants the same bits.
type rowsCase struct {
	name  string
	in    []*tensor.Dense
	tol   float64
	build func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error)
	// record is of the penalties, nil for others.
	record *kernels.PenaltyRecord
}

// tolRows is for sums in float64 of another order, which are rounded to float32: the same number or its neighbour.
const tolRows = 1.001 / (1 << 23)

// rowsCases returns them for sequences of T steps, B side by side, of H elements, with and without a mask.
func rowsCases(t *testing.T, d kernels.Device, steps, b, h int) (list []rowsCase) {
	r := rand.New(rand.NewPCG(uint64(steps), uint64(h)))
	draw := func(shape ...int) *tensor.Dense {
		return kernels.Wrap(Normals(r, tensor.Shape(shape).TotalSize()), shape...)
	}
	n := steps * b
	mask := make([]float32, n)
	for i := range mask { // the last sequence is empty, and within others steps are left out
		if s := i % b; s < b-1 || b == 1 {
			mask[i] = float32(min(1, r.IntN(3)))
		}
	}
	masks := []gorgonia.Value{nil, Put(t, d, kernels.Wrap(mask, steps, b))}
	list = []rowsCase{
		{name: "layer normalisation", in: []*tensor.Dense{draw(n, h), draw(h), draw(h)}, tol: tolRows,
			build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
				return kernels.LayerNorm(d, in[0], in[1], in[2])
			}},
		{name: "dropout", in: []*tensor.Dense{draw(n, h)}, build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
			return kernels.Dropout(d, in[0], 0.4, 1, steps, func() kernels.NoiseDraw { return kernels.NoiseDraw{Key: random.New(3), First: 5} })
		}},
		{name: "beside", in: []*tensor.Dense{draw(n, h), draw(n, 3)}, build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
			return kernels.Beside(d, in[0], in[1])
		}},
		{name: "twice", in: []*tensor.Dense{draw(n, h)}, build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
			first, second, err := kernels.Twice(d, in[0])
			if err != nil {
				return nil, err
			}
			if second, err = kernels.Reversed(d, second, steps, nil); err != nil {
				return nil, err
			}
			return kernels.Beside(d, first, second)
		}},
		{name: "last rows", in: []*tensor.Dense{draw(n, h)}, build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
			return kernels.LastRows(d, in[0], b)
		}},
	}
	for k, m := range masks {
		list = append(list, rowsCase{name: fmt.Sprintf("reversal, mask %d", k), in: []*tensor.Dense{draw(n, h)},
			build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
				return kernels.Reversed(d, in[0], steps, onHost(d, m))
			}})
		rates := &kernels.PenaltyRecord{}
		list = append(list, rowsCase{name: fmt.Sprintf("penalty of rates, mask %d", k), in: []*tensor.Dense{draw(n, h)}, tol: tolRows, record: rates,
			build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
				*rates = kernels.PenaltyRecord{}
				p := kernels.RatePenalty{L1: 0.3, L2: 0.7, TargetL2: 1.3, Target: 0.2, Change: 0.9}
				return kernels.PenaliseRates(d, in[0], steps, onHost(d, m), p.Recorded(rates))
			}})
	}
	for _, shape := range [][]int{{n, h}, {h}} {
		weights := &kernels.PenaltyRecord{}
		list = append(list, rowsCase{name: fmt.Sprintf("penalty of weights %v", shape), in: []*tensor.Dense{draw(shape...)}, record: weights,
			build: func(d kernels.Device, in []*gorgonia.Node) (*gorgonia.Node, error) {
				*weights = kernels.PenaltyRecord{}
				return kernels.PenaliseWeights(d, in[0], 0.01, 0.02, weights)
			}})
	}
	return list
}

// onHost returns what stands for an array of a device where d computes in host memory.
func onHost(d kernels.Device, v gorgonia.Value) gorgonia.Value {
	if _, ok := d.(kernels.Resident); ok || v == nil {
		return v
	}
	x, err := kernels.Download(v)
	if err != nil {
		panic(err)
	}
	return kernels.Wrap(x, v.Shape()...)
}

// run returns result, gradients of all inputs and values of penalties of two runs of a graph on a device; nil is the host.
func (c *rowsCase) run(t *testing.T, d kernels.Device) (runs [2][][]float32) {
	t.Helper()
	g := gorgonia.NewGraph()
	in := make([]*gorgonia.Node, len(c.in))
	for i, x := range c.in {
		in[i] = Node(g, Put(t, d, x), fmt.Sprintf("in%d", i))
	}
	out, err := c.build(d, in)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	r := rand.New(rand.NewPCG(1, uint64(out.Shape().TotalSize())))
	dy := kernels.Wrap(Normals(r, out.Shape().TotalSize()), out.Shape()...)
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{out}, gorgonia.Nodes{Node(g, Put(t, d, dy), "dy")}, in)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	values := make([]gorgonia.Value, 1+len(grads))
	gorgonia.Read(out, &values[0])
	for i, n := range grads {
		gorgonia.Read(n, &values[1+i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	for k := range runs {
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, v := range values {
			runs[k] = append(runs[k], Floats(t, v))
		}
		if c.record != nil {
			terms, err := c.record.Sum()
			if err != nil {
				t.Fatal(err)
			}
			var x []float32
			for _, v := range terms {
				x = append(x, float32(v))
			}
			runs[k] = append(runs[k], x)
		}
	}
	return runs
}

// Rows holds a device with memory of its own to the host in what stands between layers and in penalties, values and gradients:
// the same bits where no sums are made, and those of a run again in the next. Sizes are of one element, within a warp, and of
// several blocks and parts with tails.
func Rows(t *testing.T, d kernels.Device) {
	for _, s := range [][3]int{{1, 1, 1}, {3, 2, 5}, {40, 13, 33}, {2, 1, 300}} {
		for _, c := range rowsCases(t, d, s[0], s[1], s[2]) {
			got, want := c.run(t, d), c.run(t, nil)
			for i, x := range want[0] {
				name := fmt.Sprintf("%s of %v: number %d", c.name, s, i)
				terms := c.record != nil && i == len(want[0])-1
				if c.tol == 0 && !terms {
					SameBits(t, name, got[0][i], x)
				} else {
					Near(t, name, got[0][i], kernels.Wide(x), tolRows)
				}
				SameBits(t, name+" of a second run", got[1][i], got[0][i])
			}
		}
	}
}
