package data

import (
	"math"
	"slices"
	"testing"
)

// TestStreamKeepsBits holds the numbers of samples to those of the first version, so that a seed goes
// on meaning the same samples.
func TestStreamKeepsBits(t *testing.T) {
	r := newStream(1, train, 2, 3)
	if a, b := r.pcg.Uint64(), r.float(); a != 0x4f243d5da632297e || b != 0.31618152872071537 {
		t.Errorf("numbers are %#x and %v", a, b)
	}
}

// TestStreamKeys draws from many neighbouring keys: equal keys agree, different ones do not.
func TestStreamKeys(t *testing.T) {
	seen := map[uint64][4]int{}
	for seed := range 5 {
		for s := train; s <= fixed; s++ {
			for epoch := range 5 {
				for index := range 50 {
					a, b := newStream(uint64(seed), s, epoch, index), newStream(uint64(seed), s, epoch, index)
					first := a.pcg.Uint64()
					if first != b.pcg.Uint64() {
						t.Fatal("equal keys give different numbers")
					}
					key := [4]int{seed, int(s), epoch, index}
					if other, dup := seen[first]; dup {
						t.Fatalf("keys %v and %v give the same number", key, other)
					}
					seen[first] = key
				}
			}
		}
	}
}

// TestStreamMoments compares means over n draws with their expectation; five standard errors
// are never left by a fixed seed that is sound.
func TestStreamMoments(t *testing.T) {
	const n, p = 200000, 0.02
	r := newStream(1, test, 0, 0)
	var float, below, gap float64
	for range n {
		float += r.float()
		below += float64(r.below(7))
		gap += float64(r.gap(p, math.MaxInt32))
	}
	for _, c := range []struct {
		name              string
		sum, mean, spread float64
	}{
		{"float", float, 0.5, math.Sqrt(1. / 12)},
		{"below", below, 3, 2},
		{"gap", gap, (1 - p) / p, math.Sqrt(1-p) / p},
	} {
		if got := c.sum / n; math.Abs(got-c.mean) > 5*c.spread/math.Sqrt(n) {
			t.Errorf("mean of %s is %v, want %v", c.name, got, c.mean)
		}
	}
	if got := r.gap(1, 10); got != 0 {
		t.Errorf("gap of certain events is %d, want 0", got)
	}
	if got := r.gap(1e-12, 10); got != 10 {
		t.Errorf("gap of rare events is %d, want the limit 10", got)
	}
}

func TestShuffle(t *testing.T) {
	const n, rounds = 5, 20000
	var at [n][n]float64
	r := newStream(3, test, 0, 0)
	for range rounds {
		s := inOrder(n)
		r.shuffle(s)
		for place, k := range s {
			at[place][k]++
		}
		slices.Sort(s)
		if !slices.Equal(s, inOrder(n)) {
			t.Fatalf("shuffle lost something: %v", s)
		}
	}
	want, spread := rounds/float64(n), math.Sqrt(rounds*(1./n)*(1-1./n))
	for place := range at {
		for k, got := range at[place] {
			if math.Abs(got-want) > 5*spread {
				t.Errorf("%d stands at %d %v times of %d, want %v", k, place, got, rounds, want)
			}
		}
	}
}

// TestNormal compares the distribution of normal with the error function.
func TestNormal(t *testing.T) {
	const n = 200000
	r := newStream(1, train, 0, 0)
	x := make([]float64, n)
	for i := range x {
		x[i] = r.normal()
	}
	wantMoments(t, "normal", x, 0, 1)
	for _, z := range []float64{-3, -2, -1, 0, 0.5, 1.5, 2.5} {
		below := 0.
		for _, v := range x {
			if v < z {
				below++
			}
		}
		p := 0.5 * math.Erfc(-z/math.Sqrt2)
		if math.Abs(below-n*p) > 5*math.Sqrt(n*p*(1-p)) {
			t.Errorf("%v of %v numbers are below %v, want %.0f", below, n, z, n*p)
		}
	}
}
