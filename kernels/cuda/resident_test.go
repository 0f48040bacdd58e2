//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/optimisers"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestLinear(t *testing.T) {
	for _, precision := range available(t) {
		conform.Linear(t, openGPU(t, Options{Precision: precision}), kernels.Rounding(precision).H)
	}
}

func TestLinearBack(t *testing.T) {
	for _, precision := range available(t) {
		conform.LinearBack(t, openGPU(t, Options{Precision: precision}), kernels.Rounding(precision).H)
	}
}

// TestLoss holds both losses to the host's, with rows that do not count.
func TestLoss(t *testing.T) {
	d := openGPU(t, Options{})
	for _, kind := range []kernels.LossKind{kernels.SoftmaxCrossEntropy, kernels.MeanSquaredError} {
		for _, s := range [][2]int{{1, 1}, {7, 3}, {300, 45}} {
			cfg := kernels.LossConfig{Kind: kind, N: s[0], O: s[1]}
			r := rand.New(rand.NewPCG(uint64(s[0]), 2))
			x := kernels.Wrap(conform.Normals(r, cfg.N*cfg.O), cfg.N, cfg.O)
			target, weight := kernels.Wrap(conform.Normals(r, cfg.Target().TotalSize()), cfg.Target()...), kernels.Wrap(conform.Normals(r, cfg.N), cfg.N)
			for i := range cfg.N {
				weight.Data().([]float32)[i] = float32(r.IntN(3))
				if kind == kernels.SoftmaxCrossEntropy {
					target.Data().([]float32)[i] = float32(r.IntN(cfg.O))
				}
			}
			weight.Data().([]float32)[0] = 1
			host, err := kernels.NewHostLoss(cfg, tensor.Float32)
			if err != nil {
				t.Fatal(err)
			}
			want, err := host.Forward(x, target, weight)
			if err != nil {
				t.Fatal(err)
			}
			wantX, err := host.Backward(x, target, weight, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := d.NewLoss(cfg)
			if err != nil {
				t.Fatal(err)
			}
			xv, tv, wv := conform.Put(t, d, x), conform.Put(t, d, target), conform.Put(t, d, weight)
			got, err := plan.Forward(xv, tv, wv)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%v %v", kind, s)
			value := float64(want.Data().(float32))
			conform.Near(t, name, conform.Floats(t, got), []float64{value}, kernels.Rounding("fp32").H)
			sums, err := got.(kernels.Measured).Sums()
			if err != nil {
				t.Fatal(err)
			}
			checkSums(t, name, cfg, x, target, weight, sums, value)
			dx, err := plan.Backward(xv, tv, wv, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			conform.Near(t, name+": dx", conform.Floats(t, dx), kernels.Wide(conform.Data[float32](wantX)), kernels.Rounding("fp32").H)
		}
	}
}

// checkSums counts again on the host.
func checkSums(t *testing.T, name string, cfg kernels.LossConfig, x, target, weight *tensor.Dense, got kernels.LossSums, mean float64) {
	t.Helper()
	var want kernels.LossSums
	for n, w := range conform.Data[float32](weight) {
		want.Weight += float64(w)
		if w == 0 || cfg.Kind == kernels.MeanSquaredError {
			continue
		}
		row := conform.Data[float32](x)[n*cfg.O : (n+1)*cfg.O]
		want.Count++
		if slices.Index(row, slices.Max(row)) == int(conform.Data[float32](target)[n]) {
			want.Correct++
		}
	}
	if got.Weight != want.Weight || got.Correct != want.Correct || got.Count != want.Count ||
		math.Abs(got.Loss/got.Weight-mean) > kernels.Rounding("fp32").H*math.Abs(mean) {
		t.Errorf("%s: sums %+v, want %+v and a mean of %g", name, got, want, mean)
	}
}

// TestBadLabel wants the row of a label that is no class.
func TestBadLabel(t *testing.T) {
	d := openGPU(t, Options{})
	plan, err := d.NewLoss(kernels.LossConfig{N: 3, O: 2})
	if err != nil {
		t.Fatal(err)
	}
	v, err := plan.Forward(conform.Put(t, d, kernels.Wrap(make([]float32, 6), 3, 2)), conform.Put(t, d, kernels.Wrap([]float32{0, 0.5, 1}, 3)), conform.Put(t, d, kernels.Wrap([]float32{1, 1, 1}, 3)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.(kernels.Measured).Sums(); err == nil || !strings.Contains(err.Error(), "row 1: label 0.5") {
		t.Errorf("label 0.5: %v, want an error that names row and label", err)
	}
}

// training is what updates on a device need.
type training struct {
	dev    *Device
	plan   kernels.UpdatePlan
	params *tensor.Dense
	held   kernels.Mirror
	slots  []*tensor.Dense
	mirror []kernels.Mirror
	loss   gorgonia.Value
}

// newTraining makes updates of n learned parameters and one that is not learned, with a loss of
// one row whose prediction is x.
func newTraining(t *testing.T, d *Device, cfg kernels.UpdateConfig, x float32) *training {
	t.Helper()
	w := &training{dev: d}
	n := cfg.Learned
	hold := func(x []float32) (*tensor.Dense, kernels.Mirror) {
		v := kernels.Wrap(x, len(x))
		m, err := d.Mirror(v)
		if err != nil {
			t.Fatal(err)
		}
		return v, m
	}
	w.params, w.held = hold(conform.Normals(rand.New(rand.NewPCG(1, 3)), n+1))
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
	zero, one := conform.Put(t, d, kernels.Wrap([]float32{0}, 1, 1)), conform.Put(t, d, kernels.Wrap([]float32{1}, 1))
	if w.loss, err = loss.Forward(conform.Put(t, d, kernels.Wrap([]float32{x}, 1, 1)), zero, one); err != nil {
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

// TestUpdate wants the bits of the host after some updates of every rule, with clipping and
// bounds, and the norms of the gradients.
func TestUpdate(t *testing.T) {
	d := openGPU(t, Options{})
	const n = 1001
	for _, name := range append(optimisers.Names(), "nesterov") {
		settings := optimisers.Settings{Beta1: 0.9, Beta2: 0.999, Alpha: 0.99, Momentum: 0.9, Eps: 1e-8, Decay: 0.01, Nesterov: name == "nesterov"}
		kind := name
		if settings.Nesterov {
			kind = "sgd"
		}
		rule, err := optimisers.Of(kind, settings)
		if err != nil {
			t.Fatal(err)
		}
		cfg := kernels.UpdateConfig{Rule: rule, Clip: 20, Learned: n, Bounds: []kernels.Span{{Offset: 3, Len: 500, Lo: -0.5, Hi: 0.25}}}
		if name == "adamw" || name == "sgd" {
			cfg.Parts = []kernels.Part{{Len: 7}, {Len: 600, Decays: true}, {Len: n - 707}, {Len: 60, Clip: kernels.Scaled}, {Len: 40, Decays: true, Clip: kernels.Apart}}
		}
		parts, counted, scaled := cfg.Parts, n, n
		if parts == nil {
			parts = []kernels.Part{{Len: n, Decays: true}}
		} else {
			counted, scaled = n-100, n-40
		}
		w := newTraining(t, d, cfg, 2)
		p := slices.Clone(conform.Data[float32](w.params))
		slots := make([][]float32, len(w.slots))
		for i := range slots {
			slots[i] = make([]float32, n)
		}
		for step := 1; step <= 4; step++ {
			g := conform.Normals(rand.New(rand.NewPCG(uint64(step), 4)), n)
			for i := range g {
				g[i] *= float32(step) / 3 // clipped from the second step on
			}
			all := conform.Put(t, d, kernels.Wrap(slices.Clone(g), n)).(*Array)
			pieces := []gorgonia.Value{all.View(0, 1), all.View(1, 10, 10), all.View(101, n-101)}
			if err := gathered(w.plan, pieces, w.loss, 0.1, step); err != nil {
				t.Fatal(err)
			}
			rs, err := w.plan.Reports(true)
			if err != nil {
				t.Fatal(err)
			}
			want := kernels.Report{Step: step, LossSums: kernels.LossSums{Loss: 4, Weight: 1}, GradNorm: norm64(g[:counted])}
			if len(rs) != 1 || math.Abs(rs[0].GradNorm-want.GradNorm) > tolNorm*want.GradNorm {
				t.Fatalf("%s: reports %+v, want %+v", name, rs, want)
			}
			if want.GradNorm = rs[0].GradNorm; rs[0] != want {
				t.Fatalf("%s: report %+v, want %+v", name, rs[0], want)
			}
			clipTo(g[:scaled], cfg.Clip, rs[0].GradNorm)
			at := 0
			for _, part := range parts {
				c := rule.At(0.1, step)
				if !part.Decays {
					c = c.Undecayed()
				}
				end := at + part.Len
				some := make([][]float32, len(slots))
				for i := range slots {
					some[i] = slots[i][at:end]
				}
				rule.Update(c, p[at:end], g[at:end], some, 0, part.Len)
				at = end
			}
			for i := 3; i < 503; i++ {
				p[i] = min(max(p[i], -0.5), 0.25)
			}
		}
		w.pull(t)
		conform.SameBits(t, name+": parameters", conform.Data[float32](w.params), p)
		for i, s := range slots {
			conform.SameBits(t, name+": "+rule.Slots[i], conform.Data[float32](w.slots[i]), s)
		}
	}
}

// plainSGD is gradient descent without momentum.
func plainSGD() kernels.Rule {
	rule, err := optimisers.Of("sgd", optimisers.Settings{})
	if err != nil {
		panic(err)
	}
	return rule
}

// tolNorm bounds the relative difference of two sums of a thousand squares in float64.
const tolNorm = 1e-12

func norm64(g []float32) float64 {
	sum := 0.0
	for _, x := range g {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// clipTo scales a gradient of the given norm like package engine.
func clipTo(g []float32, most, norm float64) {
	if norm > most {
		for i := range g {
			g[i] = float32(float64(g[i]) * (most / norm))
		}
	}
}

// gathered makes an update with the gradient of a run.
func gathered(plan kernels.UpdatePlan, grads []gorgonia.Value, loss gorgonia.Value, lr float64, step int) error {
	if err := plan.Gather(grads, loss); err != nil {
		return err
	}
	return plan.Apply(lr, step)
}

// TestReplace reads a gradient between Gather and Apply and puts another in its place: the update is
// that of the other, and the report has its norm and its loss. The next Gather puts the graph's own back.
func TestReplace(t *testing.T) {
	d := openGPU(t, Options{})
	const n = 70
	w := newTraining(t, d, kernels.UpdateConfig{Rule: plainSGD(), Learned: n}, 2)
	if err := w.plan.Apply(0.5, 1); err == nil {
		t.Error("made an update without a gradient")
	}
	own := conform.Normals(rand.New(rand.NewPCG(5, 5)), n)
	pieces := []gorgonia.Value{conform.Put(t, d, kernels.Wrap(slices.Clone(own), n))}
	if err := w.plan.Gather(pieces, w.loss); err != nil {
		t.Fatal(err)
	}
	got := make([]float32, n)
	if err := w.plan.Gradient(got); err != nil {
		t.Fatal(err)
	}
	conform.SameBits(t, "gradient", got, own)
	want := slices.Clone(conform.Data[float32](w.params))
	step := func(number int, g []float32) {
		t.Helper()
		if err := w.plan.Apply(0.5, number); err != nil {
			t.Fatal(err)
		}
		for i, x := range g {
			want[i] -= 0.5 * x
		}
	}
	other := conform.Normals(rand.New(rand.NewPCG(6, 6)), n)
	sums := kernels.LossSums{Loss: 3, Weight: 2, Correct: 5, Count: 7}
	if err := w.plan.Replace(other, sums); err != nil {
		t.Fatal(err)
	}
	step(1, slices.Clone(other))
	clear(other) // Replace has taken it
	if err := w.plan.Gather(pieces, w.loss); err != nil {
		t.Fatal(err)
	}
	step(2, own)
	rs, err := w.plan.Reports(true)
	if err != nil {
		t.Fatal(err)
	}
	if len(rs) != 2 || rs[0].LossSums != sums || rs[1].LossSums != (kernels.LossSums{Loss: 4, Weight: 1}) {
		t.Errorf("reports %+v, want the loss %+v and then that of the graph", rs, sums)
	}
	w.pull(t)
	conform.SameBits(t, "parameters", conform.Data[float32](w.params), want)
	if w.plan.Gradient(got[1:]) == nil || w.plan.Replace(got[1:], sums) == nil {
		t.Error("took vectors of another length")
	}
}

// TestRefusedUpdates makes updates that must not be made: the loss or gradient is not
// finite, or a parameter would not be. Parameters stay as they were, also in later updates.
func TestRefusedUpdates(t *testing.T) {
	d := openGPU(t, Options{})
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
		w := newTraining(t, d, kernels.UpdateConfig{Rule: plainSGD(), Learned: n}, c.x)
		before := slices.Clone(conform.Data[float32](w.params))
		for step, g := range [][]float32{c.g, good} {
			if err := gathered(w.plan, []gorgonia.Value{conform.Put(t, d, kernels.Wrap(slices.Clone(g), n))}, w.loss, c.lr, step+1); err != nil {
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
		conform.SameBits(t, name+": parameters", conform.Data[float32](w.params), before)
	}
}

// TestReports fills the ring of reports, and reads it in order.
func TestReports(t *testing.T) {
	d := openGPU(t, Options{})
	w := newTraining(t, d, kernels.UpdateConfig{Rule: plainSGD(), Learned: 2}, 1)
	g := []gorgonia.Value{conform.Put(t, d, kernels.Wrap([]float32{1, 2}, 2))}
	step := 0
	apply := func() error {
		step++
		return gathered(w.plan, g, w.loss, 0.1, step)
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

// TestMirror pushes, copies and pulls, with the host tensor changed right after each push.
func TestMirror(t *testing.T) {
	d := openGPU(t, Options{})
	host := kernels.Wrap([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	m, err := d.Mirror(host)
	if err != nil {
		t.Fatal(err)
	}
	view := m.View(3, 3)
	if got := view.Data().([]float32); !slices.Equal(got, []float32{4, 5, 6}) {
		t.Errorf("view is %v, want the second row", got)
	}
	for k := range 5 {
		for i := range conform.Data[float32](host) {
			conform.Data[float32](host)[i] = float32(10*k + i)
		}
		if err := m.Push(); err != nil {
			t.Fatal(err)
		}
		clear(conform.Data[float32](host))
	}
	if err := m.Pull(); err != nil {
		t.Fatal(err)
	}
	if want := []float32{40, 41, 42, 43, 44, 45}; !slices.Equal(conform.Data[float32](host), want) {
		t.Errorf("pulled %v, want %v", conform.Data[float32](host), want)
	}
	if err := m.Copy(0, conform.Put(t, d, kernels.Wrap([]float32{6, 5, 4, 3, 2, 1}, 6))); err != nil {
		t.Fatal(err)
	}
	if got := conform.Floats(t, m.View(0, 6)); !slices.Equal(got, []float32{6, 5, 4, 3, 2, 1}) {
		t.Errorf("copied %v", got)
	}
	if err := m.Copy(4, conform.Put(t, d, kernels.Wrap([]float32{8, 9}, 2))); err != nil {
		t.Fatal(err)
	}
	if got := conform.Floats(t, m.View(0, 6)); !slices.Equal(got, []float32{6, 5, 4, 3, 8, 9}) {
		t.Errorf("copied %v", got)
	}
	for _, offset := range []int{-1, 5} {
		if err := m.Copy(offset, conform.Put(t, d, kernels.Wrap([]float32{1, 2}, 2))); err == nil {
			t.Errorf("copied two elements to %d of six", offset)
		}
	}
}

// TestSamples puts batches together, with columns that have no sample.
func TestSamples(t *testing.T) {
	d := openGPU(t, Options{})
	const N, T, B, W = 5, 3, 2, 2
	from := make([]float32, N*T*W)
	for i := range from {
		from[i] = float32(i)
	}
	batch := kernels.Wrap(slices.Repeat([]float32{-1}, T*B*W), T, B, W)
	m, err := d.Mirror(batch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.NewSamples(N, []kernels.SampleField{{To: m, T: T, B: B, W: W, From: from}})
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range [][]int32{{4, 0}, {-1, 3}, {2, 2}} {
		if err := s.Take(index); err != nil {
			t.Fatal(err)
		}
		got := conform.Floats(t, m.View(0, T, B, W))
		for i, x := range got {
			w, b, step := i%W, i/W%B, i/W/B
			want := float32(0)
			if k := int(index[b]); k >= 0 {
				want = from[(k*T+step)*W+w]
			}
			if x != want {
				t.Fatalf("batch %v: element %d is %g, want %g", index, i, x, want)
			}
		}
	}
	if err := s.Take([]int32{1}); err == nil {
		t.Error("took one index for two columns")
	}
	if _, err := d.NewSamples(N+1, []kernels.SampleField{{To: m, T: T, B: B, W: W, From: from}}); err == nil {
		t.Error("took 5 samples for 6")
	}
}

// TestFork closes a fork and wants its memory back, and the rest as it was.
func TestFork(t *testing.T) {
	d := openGPU(t, Options{})
	kept := conform.Put(t, d, kernels.Wrap([]float32{1, 2}, 2))
	before := d.Usage()
	f, err := d.Fork()
	if err != nil {
		t.Fatal(err)
	}
	p := conform.NewProblem[float32](conform.Variants()[2], conform.Sizes{T: 3, B: 2, I: 2, H: 5}, 1)
	conform.Solve(t, f, p)
	if u := d.Usage(); u.InUse <= before.InUse || f.Usage().InUse != u.InUse-before.InUse {
		t.Errorf("usage %+v of the device and %+v of the fork, %+v before it", u, f.Usage(), before)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if u := d.Usage(); u.InUse != before.InUse || u.High <= before.InUse {
		t.Errorf("usage %+v after the fork was closed, want %d in use", u, before.InUse)
	}
	if got := conform.Floats(t, kept); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("array of the device is %v after the fork was closed", got)
	}
}

// TestValue runs arrays through a Gorgonia machine with Read, twice: as inputs, through
// operations on the device, and read.
func TestValue(t *testing.T) {
	d := openGPU(t, Options{})
	const N, K, M = 3, 4, 2
	r := rand.New(rand.NewPCG(1, 5))
	host := kernels.Wrap(conform.Normals(r, N*K), N, K)
	x, err := d.Mirror(host)
	if err != nil {
		t.Fatal(err)
	}
	params, err := d.Mirror(kernels.Wrap(conform.Normals(r, M*(K+1)), M*(K+1)))
	if err != nil {
		t.Fatal(err)
	}
	g := gorgonia.NewGraph()
	input := func(name string, v gorgonia.Value) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, v.Shape().Dims(), gorgonia.WithShape(v.Shape()...), gorgonia.WithName(name), gorgonia.WithValue(v))
	}
	xn, w, b := input("x", x.View(0, N, K)), input("w", params.View(0, M, K)), input("b", params.View(M*K, M))
	y, err := kernels.Linear(d, xn, w, b)
	if err != nil {
		t.Fatal(err)
	}
	target, weight := input("target", conform.Put(t, d, kernels.Wrap(conform.Normals(r, N*M), N, M))), input("weight", conform.Put(t, d, kernels.Wrap([]float32{1, 1, 1}, N)))
	loss, err := kernels.MeanSquare(d, y, target, weight)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := gorgonia.Grad(loss, w, b)
	if err != nil {
		t.Fatal(err)
	}
	var lossVal, yVal, gradVal gorgonia.Value
	gorgonia.Read(loss, &lossVal)
	gorgonia.Read(y, &yVal)
	gorgonia.Read(grads[0], &gradVal)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	var first []float32
	for k := range 3 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
		sums, err := lossVal.(kernels.Measured).Sums()
		if err != nil || sums.Weight != N {
			t.Fatalf("run %d: sums %+v, %v, want a weight of %d", k, sums, err, N)
		}
		if len(conform.Floats(t, gradVal)) != M*K {
			t.Fatalf("run %d: the gradient is %v", k, gradVal.Shape())
		}
		switch got := conform.Floats(t, yVal); k {
		case 0:
			first = got
			for i := range conform.Data[float32](host) {
				conform.Data[float32](host)[i] *= 2
			}
			if err := x.Push(); err != nil {
				t.Fatal(err)
			}
		default:
			if slices.Equal(got, first) {
				t.Fatalf("run %d reads y of the first run", k)
			}
		}
	}
}
