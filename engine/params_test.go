package engine

import (
	"errors"
	"math"
	"slices"
	"testing"

	"galvani/kernels"

	"gonum.org/v1/gonum/stat"
)

// tableNet is a network that is nothing but a parameter table.
type tableNet struct {
	toyNet
	specs []kernels.Spec
}

func (n *tableNet) Specs() []kernels.Spec { return n.specs }

func table(specs ...kernels.Spec) *tableNet {
	return &tableNet{toyNet: *newToy(), specs: specs}
}

func newParams(t *testing.T, seed uint64, net Network) *Params[float64] {
	t.Helper()
	p, err := NewParams[float64](net, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInitialDistributions(t *testing.T) {
	const hidden = 100
	matrix := func(name string, kind kernels.Init) kernels.Spec {
		return kernels.Spec{Name: name, Shape: []int{3 * hidden, hidden}, Role: kernels.Rec, Init: kind, Bound: kernels.Free()}
	}
	net := table(
		matrix("constant", kernels.Init{Kind: kernels.Constant, A: 2}),
		matrix("uniform", kernels.Init{Kind: kernels.Uniform, A: -1, B: 3}),
		matrix("normal", kernels.Init{Kind: kernels.Normal, A: 5, B: 2}),
		matrix("xavier", kernels.Init{Kind: kernels.XavierUniform, A: 3}),
		matrix("identity", kernels.Init{Kind: kernels.Identity, A: 2}),
		matrix("planes", kernels.Init{Kind: kernels.PerPlane, Values: []float64{1, 2, 3}}),
		matrix("plane normal", kernels.Init{Kind: kernels.PlaneNormal, Values: []float64{-8, 0, 8}, B: 0.5}),
	)
	net.hidden = hidden
	p := newParams(t, 1, net)
	const n = 3 * hidden * hidden
	for i, want := range []struct{ mean, sd, lo, hi float64 }{
		{2, 0, 2, 2},
		{1, 4 / math.Sqrt(12), -1, 3},
		{5, 2, -6, 16},
		// Plane by plane: the limit is 3·sqrt(6/(100+100)).
		{0, 3 * math.Sqrt(0.03) / math.Sqrt(3), -3 * math.Sqrt(0.03), 3 * math.Sqrt(0.03)},
		{0.02, 2 * math.Sqrt(0.01*0.99), 0, 2},
		{2, math.Sqrt(2. / 3), 1, 3},
		{0, math.Sqrt(128./3 + 0.25), -12, 12},
	} {
		mean, sd := stat.PopMeanStdDev(p.slice(i), nil)
		slack := 5 * want.sd / math.Sqrt(n) // five standard errors, the deviation being closer than the mean
		if math.Abs(mean-want.mean) > slack+1e-12 || math.Abs(sd-want.sd) > slack+1e-12 {
			t.Errorf("%s: mean %v and deviation %v, want %v and %v", p.specs[i].Name, mean, sd, want.mean, want.sd)
		}
		if lo, hi := slices.Min(p.slice(i)), slices.Max(p.slice(i)); lo < want.lo || hi > want.hi {
			t.Errorf("%s lies in [%v,%v], want [%v,%v]", p.specs[i].Name, lo, hi, want.lo, want.hi)
		}
	}
	if d := p.slice(4); d[0] != 2 || d[1] != 0 || d[hidden*hidden] != 2 || d[hidden*hidden+hidden+1] != 2 {
		t.Error("the planes of identity are not 2·1")
	}
	for k := range 3 {
		if mean, sd := stat.PopMeanStdDev(p.slice(6)[k*hidden*hidden:(k+1)*hidden*hidden], nil); math.Abs(mean-float64(8*k-8)) > 0.03 || math.Abs(sd-0.5) > 0.03 {
			t.Errorf("plane %d has mean %v and deviation %v", k, mean, sd)
		}
	}
}

// TestOrthogonal checks Q·Qᵀ = A² for square, wide and tall planes.
func TestOrthogonal(t *testing.T) {
	const hidden, a = 40, 1.5
	for _, c := range []struct {
		shape []int
		role  kernels.Role
	}{{[]int{2 * hidden, hidden}, kernels.Rec}, {[]int{hidden, 90}, kernels.In}, {[]int{hidden, 7}, kernels.In}} {
		net := table(kernels.Spec{Name: "Q", Shape: c.shape, Role: c.role, Bound: kernels.Free(),
			Init: kernels.Init{Kind: kernels.Orthogonal, A: a}})
		net.hidden = hidden
		q := newParams(t, 1, net).slice(0)
		cols := c.shape[1]
		for plane := range c.shape[0] / hidden {
			e := q[plane*hidden*cols : (plane+1)*hidden*cols]
			vectors, length, at := hidden, cols, func(i, k int) float64 { return e[i*cols+k] }
			if cols < hidden {
				vectors, length, at = cols, hidden, func(i, k int) float64 { return e[k*cols+i] }
			}
			for i := range vectors {
				for j := range vectors {
					sum, want := 0.0, 0.0
					for k := range length {
						sum += at(i, k) * at(j, k)
					}
					if i == j {
						want = a * a
					}
					if math.Abs(sum-want) > 1e-12 { // rounding of a hundred products
						t.Fatalf("%v: product of vectors %d and %d is %v, want %v", c.shape, i, j, sum, want)
					}
				}
			}
		}
		if len(q) > hidden*cols && slices.Equal(q[:hidden*cols], q[hidden*cols:]) {
			t.Error("both planes are the same")
		}
	}
}

// TestStreamsAreIndependent holds that a parameter depends on seed and name alone.
func TestStreamsAreIndependent(t *testing.T) {
	spec := func(name string) kernels.Spec {
		return kernels.Spec{Name: name, Shape: []int{50}, Bound: kernels.Free(), Init: kernels.Init{Kind: kernels.Normal, B: 1}}
	}
	alone := newParams(t, 1, table(spec("a"))).slice(0)
	if got := newParams(t, 1, table(spec("b"), spec("a"))).slice(1); !slices.Equal(alone, got) {
		t.Error("a parameter depends on the one before it")
	}
	if got := newParams(t, 1, table(spec("b"))).slice(0); slices.Equal(alone, got) {
		t.Error("two names gave the same numbers")
	}
	if got := newParams(t, 2, table(spec("a"))).slice(0); slices.Equal(alone, got) {
		t.Error("two seeds gave the same numbers")
	}
}

func TestLayout(t *testing.T) {
	fixed := kernels.Spec{Name: "fixed", Shape: []int{3}, Bound: kernels.Free(), Init: kernels.Init{A: 1}}
	a := kernels.Spec{Name: "a", Shape: []int{2, 2}, Bound: kernels.Free(), Learned: true, Init: kernels.Init{A: 2}}
	b := kernels.Spec{Name: "b", Shape: []int{1}, Bound: kernels.Free(), Learned: true, Init: kernels.Init{A: 3}}
	p := newParams(t, 1, table(fixed, a, b))
	if want := []float64{2, 2, 2, 2, 3, 1, 1, 1}; !slices.Equal(p.flat, want) || !slices.Equal(p.Learned(), want[:5]) {
		t.Errorf("buffer is %v with %v learned", p.flat, p.Learned())
	}
	p.Learned()[4] = 7
	if got := p.View(2).Data().([]float64); got[0] != 7 {
		t.Error("the tensor is not a view")
	}
}

func TestBadTables(t *testing.T) {
	spec := func(change func(*kernels.Spec)) kernels.Spec {
		s := kernels.Spec{Name: "a", Shape: []int{2, 2}, Learned: true}
		change(&s)
		return s
	}
	same := func(*kernels.Spec) {}
	for name, net := range map[string]Network{
		"twice":     table(spec(same), spec(same)),
		"empty":     table(spec(func(s *kernels.Spec) { s.Shape = []int{2, 0} })),
		"negative":  table(spec(func(s *kernels.Spec) { s.Shape = []int{-2, -2} })),
		"huge":      table(spec(func(s *kernels.Spec) { s.Shape = []int{1 << 20, 1 << 20, 1 << 24} })),
		"no values": table(spec(func(s *kernels.Spec) { s.Init.Kind = kernels.PerPlane })),
	} {
		if _, err := NewParams[float32](net, 1); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s: error %v, want ErrShape", name, err)
		}
	}
	if _, err := NewParams[float32](table(spec(func(s *kernels.Spec) { s.Init.Kind = 99 })), 1); err == nil {
		t.Error("an unknown initialiser passed")
	}
}

// TestProjectionIsExact uses bounds that float32 cannot hold: the result must lie inside.
func TestProjectionIsExact(t *testing.T) {
	bound := kernels.Bound{Lo: 0.1, Hi: 0.3}
	net := table(kernels.Spec{Name: "g", Shape: []int{5}, Learned: true, Bound: bound, Init: kernels.Init{Kind: kernels.Normal, B: 10}})
	p, err := NewParams[float32](net, 1)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Learned(), []float32{0.1, 0.3, -1e30, float32(math.Inf(1)), 0.2})
	p.Project()
	for i, v := range p.Learned() {
		if float64(v) < bound.Lo || float64(v) > bound.Hi {
			t.Errorf("element %d is %v after the projection", i, float64(v))
		}
	}
	if p.Learned()[4] != 0.2 {
		t.Error("an element inside was moved")
	}
}

func TestPermutation(t *testing.T) {
	var first [3]int
	for seed := range uint64(3000) {
		order := make([]int, 3)
		newStream(seed, "order").Permute(order)
		sorted := slices.Clone(order)
		slices.Sort(sorted)
		if !slices.Equal(sorted, []int{0, 1, 2}) {
			t.Fatalf("%v is no permutation", order)
		}
		first[order[0]]++
	}
	for i, n := range first {
		if n < 870 || n > 1130 { // five standard deviations of 26
			t.Errorf("%d comes first %d times of 3000, want about 1000", i, n)
		}
	}
}
