package conform

import (
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Mirror pushes, copies and pulls, with the host tensor changed right after each push.
func Mirror(t *testing.T, d kernels.Resident) {
	t.Helper()
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
		for i := range Data[float32](host) {
			Data[float32](host)[i] = float32(10*k + i)
		}
		if err := m.Push(); err != nil {
			t.Fatal(err)
		}
		clear(Data[float32](host))
	}
	if err := m.Pull(); err != nil {
		t.Fatal(err)
	}
	if want := []float32{40, 41, 42, 43, 44, 45}; !slices.Equal(Data[float32](host), want) {
		t.Errorf("pulled %v, want %v", Data[float32](host), want)
	}
	if err := m.Copy(0, Put(t, d, kernels.Wrap([]float32{6, 5, 4, 3, 2, 1}, 6))); err != nil {
		t.Fatal(err)
	}
	if got := Floats(t, m.View(0, 6)); !slices.Equal(got, []float32{6, 5, 4, 3, 2, 1}) {
		t.Errorf("copied %v", got)
	}
	if err := m.Copy(4, Put(t, d, kernels.Wrap([]float32{8, 9}, 2))); err != nil {
		t.Fatal(err)
	}
	if got := Floats(t, m.View(0, 6)); !slices.Equal(got, []float32{6, 5, 4, 3, 8, 9}) {
		t.Errorf("copied %v", got)
	}
	for _, offset := range []int{-1, 5} {
		if err := m.Copy(offset, Put(t, d, kernels.Wrap([]float32{1, 2}, 2))); err == nil {
			t.Errorf("copied two elements to %d of six", offset)
		}
	}
}

// Samples puts batches together, with columns that have no sample.
func Samples(t *testing.T, d kernels.Resident) {
	t.Helper()
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
		got := Floats(t, m.View(0, T, B, W))
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

// Fork closes a fork and wants its memory back, and the rest as it was.
func Fork(t *testing.T, d kernels.Resident) {
	t.Helper()
	kept := Put(t, d, kernels.Wrap([]float32{1, 2}, 2))
	before := d.Usage()
	f, err := d.Fork()
	if err != nil {
		t.Fatal(err)
	}
	p := NewProblem[float32](VariantOf("lstm/0"), Sizes{T: 3, B: 2, I: 2, H: 5}, 1)
	Solve(t, f, p)
	if u := d.Usage(); u.InUse <= before.InUse || f.Usage().InUse != u.InUse-before.InUse {
		t.Errorf("usage %+v of the device and %+v of the fork, %+v before it", u, f.Usage(), before)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if u := d.Usage(); u.InUse != before.InUse || u.High <= before.InUse {
		t.Errorf("usage %+v after the fork was closed, want %d in use", u, before.InUse)
	}
	if got := Floats(t, kept); !slices.Equal(got, []float32{1, 2}) {
		t.Errorf("array of the device is %v after the fork was closed", got)
	}
}

// Value runs arrays through a Gorgonia machine with Read, twice: as inputs, through
// operations on the device, and read.
func Value(t *testing.T, d kernels.Resident) {
	t.Helper()
	const N, K, M = 3, 4, 2
	r := rand.New(rand.NewPCG(1, 5))
	host := kernels.Wrap(Normals(r, N*K), N, K)
	x, err := d.Mirror(host)
	if err != nil {
		t.Fatal(err)
	}
	params, err := d.Mirror(kernels.Wrap(Normals(r, M*(K+1)), M*(K+1)))
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
	target, weight := input("target", Put(t, d, kernels.Wrap(Normals(r, N*M), N, M))), input("weight", Put(t, d, kernels.Wrap([]float32{1, 1, 1}, N)))
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
		if len(Floats(t, gradVal)) != M*K {
			t.Fatalf("run %d: the gradient is %v", k, gradVal.Shape())
		}
		switch got := Floats(t, yVal); k {
		case 0:
			first = got
			for i := range Data[float32](host) {
				Data[float32](host)[i] *= 2
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
