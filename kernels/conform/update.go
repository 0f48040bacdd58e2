package conform

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/optimisers"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// training is what updates on a device need.
type training struct {
	plan   kernels.UpdatePlan
	params *tensor.Dense
	held   kernels.Mirror
	slots  []*tensor.Dense
	mirror []kernels.Mirror
	loss   gorgonia.Value
}

// newTraining makes updates of the given parameters on a device, with a loss of one row whose prediction
// is x.
func newTraining(t *testing.T, d kernels.Resident, cfg kernels.UpdateConfig, params []float32, x float32) *training {
	t.Helper()
	w := &training{}
	n := cfg.Learned
	hold := func(x []float32) (*tensor.Dense, kernels.Mirror) {
		v := kernels.Wrap(x, len(x))
		m, err := d.Mirror(v)
		if err != nil {
			t.Fatal(err)
		}
		return v, m
	}
	w.params, w.held = hold(slices.Clone(params))
	cfg.Params = w.held
	for range cfg.Rule.Slots {
		s, m := hold(make([]float32, n))
		w.slots, w.mirror = append(w.slots, s), append(w.mirror, m)
	}
	cfg.Slots = w.mirror
	var err error
	if w.plan, err = d.NewUpdate(cfg); err != nil {
		t.Fatal(err)
	}
	loss, err := d.NewLoss(kernels.LossConfig{Kind: kernels.MeanSquaredError, N: 1, O: 1})
	if err != nil {
		t.Fatal(err)
	}
	zero, one := Put(t, d, kernels.Wrap([]float32{0}, 1, 1)), Put(t, d, kernels.Wrap([]float32{1}, 1))
	if w.loss, err = loss.Forward(Put(t, d, kernels.Wrap([]float32{x}, 1, 1)), zero, one); err != nil {
		t.Fatal(err)
	}
	return w
}

// pull brings parameters and slots to the host.
func (w *training) pull(t *testing.T) {
	t.Helper()
	for _, m := range append([]kernels.Mirror{w.held}, w.mirror...) {
		if err := m.Pull(); err != nil {
			t.Fatal(err)
		}
	}
}

// drawn returns n learned parameters and one that is not learned.
func drawn(n int) []float32 { return Normals(rand.New(rand.NewPCG(1, 3)), n+1) }

// PlainSGD is gradient descent without momentum.
func PlainSGD() kernels.Rule {
	rule, err := optimisers.Of("sgd", optimisers.Settings{})
	if err != nil {
		panic(err)
	}
	return rule
}

// Gathered makes an update with the gradient of a run.
func Gathered(plan kernels.UpdatePlan, grads []gorgonia.Value, loss gorgonia.Value, lr float64, step int) error {
	if err := plan.Gather(grads, loss); err != nil {
		return err
	}
	return plan.Apply(lr, step)
}

// Sums adds two gradients with weights, reads them, puts another in their place, and adds one more where the device's
// memory is: the update is that of the mean, the report has its norm and its loss, and all is what the host makes of it,
// to the bit. The next Gather puts the graph's own gradient back.
func Sums(t *testing.T, d kernels.Resident) {
	t.Helper()
	const n = 70
	const weight, over = 3.7, 1.9
	w := newTraining(t, d, kernels.UpdateConfig{Rule: PlainSGD(), Learned: n}, drawn(n), 2)
	if err := w.plan.Apply(0.5, 1); err == nil {
		t.Error("made an update without a gradient")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sums, err := w.plan.NewSums(2)
	must(err)
	vector := func(seed uint64) []float32 { return Normals(rand.New(rand.NewPCG(seed, seed)), n) }
	own, other := vector(5), vector(6)
	own[3], other[3] = 0x1p-140, 0x1.8p-141 // denormals
	pieces := []gorgonia.Value{Put(t, d, kernels.Wrap(slices.Clone(own), n))}
	others := []gorgonia.Value{Put(t, d, kernels.Wrap(slices.Clone(other[:9]), 9)), Put(t, d, kernels.Wrap(slices.Clone(other[9:]), n-9))}
	scaled := func(x []float32, c float64) []float32 {
		y := slices.Clone(x)
		for i, v := range y {
			y[i] = float32(float64(v) * c)
		}
		return y
	}
	plus := func(x, y []float32) []float32 {
		z := slices.Clone(x)
		for i, v := range y {
			z[i] += v
		}
		return z
	}
	total := plus(scaled(own, weight), scaled(other, over))
	got := make([]float32, n)
	must(sums.Put(0, pieces, weight))
	must(sums.Put(1, others, over))
	sums.Add(0)
	must(sums.Read(got))
	SameBits(t, "sum", got, total)
	total = vector(7)
	given := slices.Clone(total)
	must(sums.Write(given))
	clear(given) // Write has taken it
	must(sums.On(func(x, room []float32, add func(lo, hi int) error) error {
		if len(x) != n || len(room) != n {
			t.Errorf("%d numbers and room for %d, want %d", len(x), len(room), n)
		}
		if err := add(4, 4); err != nil {
			return err
		}
		return add(5, n-1) // what is at level 1
	}))
	total = slices.Concat(total[:5], plus(total[5:n-1], scaled(other, over)[5:n-1]), total[n-1:])
	no := errors.New("no more")
	if err := sums.On(func(_, _ []float32, _ func(lo, hi int) error) error { return no }); !errors.Is(err, no) {
		t.Errorf("%v, want what the function returns", err)
	}
	want := slices.Clone(Data[float32](w.params))
	step := func(number int, g []float32) {
		t.Helper()
		must(w.plan.Apply(0.5, number))
		for i, x := range g {
			want[i] -= 0.5 * x
		}
	}
	of := kernels.LossSums{Loss: 3, Weight: 1.3, Correct: 5, Count: 7}
	must(sums.Mean(of))
	step(1, scaled(total, 1/of.Weight))
	must(w.plan.Gather(pieces, w.loss))
	step(2, own)
	must(sums.Put(0, nil, 0))
	must(sums.Mean(kernels.LossSums{}))
	step(3, make([]float32, n))
	rs, err := w.plan.Reports(true)
	must(err)
	if len(rs) != 3 || rs[0].LossSums != of || rs[1].LossSums != (kernels.LossSums{Loss: 4, Weight: 1}) || rs[2].LossSums != (kernels.LossSums{}) {
		t.Errorf("reports %+v, want the loss %+v, then that of the graph, then none", rs, of)
	}
	w.pull(t)
	SameBits(t, "parameters", Data[float32](w.params), want)
	if sums.Read(got[1:]) == nil || sums.Write(got[1:]) == nil || sums.Put(0, others[:1], 1) == nil {
		t.Error("took vectors of another length")
	}
	if _, err := w.plan.NewSums(0); err == nil {
		t.Error("made sums without a level")
	}
}

// RefusedUpdates makes updates that must not be made: the loss or gradient is not
// finite, or a parameter would not be. Parameters stay as they were, also in later updates.
func RefusedUpdates(t *testing.T, d kernels.Resident) {
	t.Helper()
	const n = 300
	inf := float32(math.Inf(1))
	good := slices.Repeat([]float32{1}, n)
	bad := slices.Clone(good)
	bad[n-1] = inf
	huge := slices.Repeat([]float32{math.MaxFloat32 / 4}, n)
	for name, c := range map[string]struct {
		x    float32 // prediction of the row that the loss is of
		g    []float32
		lr   float64
		want kernels.UpdateState
	}{
		"loss":      {inf, good, 0.1, kernels.BadGradient},
		"gradient":  {1, bad, 0.1, kernels.BadGradient},
		"parameter": {1, huge, 1e30, kernels.BadParameter},
	} {
		w := newTraining(t, d, kernels.UpdateConfig{Rule: PlainSGD(), Learned: n}, drawn(n), c.x)
		before := slices.Clone(Data[float32](w.params))
		for step, g := range [][]float32{c.g, good} {
			if err := Gathered(w.plan, []gorgonia.Value{Put(t, d, kernels.Wrap(slices.Clone(g), n))}, w.loss, c.lr, step+1); err != nil {
				t.Fatal(err)
			}
		}
		rs, err := w.plan.Reports(true)
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) != 2 || rs[0].State != c.want || rs[1].State == kernels.Updated {
			t.Errorf("%s: reports %+v, want state %d and then no update", name, rs, c.want)
		}
		w.pull(t)
		SameBits(t, name+": parameters", Data[float32](w.params), before)
	}
}

// Reports fills the ring of reports, and reads it in order.
func Reports(t *testing.T, d kernels.Resident) {
	t.Helper()
	w := newTraining(t, d, kernels.UpdateConfig{Rule: PlainSGD(), Learned: 2}, drawn(2), 1)
	g := []gorgonia.Value{Put(t, d, kernels.Wrap([]float32{1, 2}, 2))}
	step := 0
	apply := func() error {
		step++
		return Gathered(w.plan, g, w.loss, 0.1, step)
	}
	seen := 0
	read := func(wait bool) {
		t.Helper()
		rs, err := w.plan.Reports(wait)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if seen++; r.Step != seen {
				t.Fatalf("report of step %d, want %d", r.Step, seen)
			}
		}
	}
	for range 10 {
		if err := apply(); err != nil {
			t.Fatal(err)
		}
	}
	read(false)
	read(true)
	for range w.plan.Capacity() {
		if err := apply(); err != nil {
			t.Fatal(err)
		}
	}
	if err := apply(); err == nil {
		t.Error("queued more updates than the capacity")
	}
	read(true)
	if seen != 10+w.plan.Capacity() {
		t.Errorf("%d reports, want %d", seen, 10+w.plan.Capacity())
	}
	if err := w.plan.Gather(nil, w.loss); err == nil {
		t.Error("took no gradient for one of 2 elements")
	}
}
