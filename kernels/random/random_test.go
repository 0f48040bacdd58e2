package random_test

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels/random"
)

// TestGolden holds the numbers to published outputs of SplitMix64 for the seed 1234567.
//
// Source: Rosetta Code, "Pseudo-random numbers/Splitmix64", which cites Vigna's splitmix64.c.
func TestGolden(t *testing.T) {
	want := []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821}
	for i, w := range want {
		if got := random.Stream(1234567).At(uint64(i)); got != w {
			t.Errorf("number %d is %d, want %d", i, got, w)
		}
	}
	if a, b := random.New(1).Named("a"), random.New(1).Named("b"); a == b || a != random.New(1).Named("a") {
		t.Error("names do not key streams")
	}
}

// numbers is how many are drawn in the tests of distributions. The bounds are six standard errors.
const numbers = 200000

func TestUniform(t *testing.T) {
	s := random.New(3).Stream(4)
	var sum, square, sum32 float64
	for i := range uint64(numbers) {
		u, v := s.Uniform(i), float64(s.Uniform32(i))
		if u < 0 || u >= 1 || v < 0 || v >= 1 || math.Abs(u-v) > 0x1p-24 {
			t.Fatalf("number %d is %v and %v", i, u, v)
		}
		sum, square, sum32 = sum+u, square+u*u, sum32+v
	}
	bound := 6 / math.Sqrt(12*numbers)
	if m := sum / numbers; math.Abs(m-0.5) > bound || math.Abs(sum32/numbers-0.5) > bound || math.Abs(square/numbers-1./3) > bound {
		t.Errorf("means are %v and %v, mean square %v", m, sum32/numbers, square/numbers)
	}
}

func TestNormal(t *testing.T) {
	s := random.New(5)
	var sum, square, fourth float64
	for i := range uint64(numbers) {
		x := s.Normal(i)
		sum, square, fourth = sum+x, square+x*x, fourth+x*x*x*x
	}
	// Variances of x, x² and x⁴ are 1, 2 and 96.
	for _, c := range []struct{ got, want, variance float64 }{{sum / numbers, 0, 1}, {square / numbers, 1, 2}, {fourth / numbers, 3, 96}} {
		if math.Abs(c.got-c.want) > 6*math.Sqrt(c.variance/numbers) {
			t.Errorf("moment is %v, want %v", c.got, c.want)
		}
	}
}

func TestBelow(t *testing.T) {
	counts := make([]int, 7)
	s := random.New(6)
	for i := range uint64(numbers) {
		counts[s.Below(i, 7)]++
	}
	for k, n := range counts {
		if math.Abs(float64(n)-numbers/7.) > 6*math.Sqrt(numbers/7.) {
			t.Errorf("%d comes %d times of %d", k, n, numbers)
		}
	}
	order := make([]int, 50)
	s.Permute(order)
	sorted := slices.Sorted(slices.Values(order))
	for i, v := range sorted {
		if v != i {
			t.Fatalf("order is %v", order)
		}
	}
	if slices.Equal(order, sorted) {
		t.Error("nothing is permuted")
	}
}

func TestChance(t *testing.T) {
	for p, want := range map[float64]int{0: 0, -1: 0, math.NaN(): 0, 1: numbers, 2: numbers, 0.25: numbers / 4} {
		threshold, n := random.Chance(p), 0
		for i := range uint64(numbers) {
			if random.New(8).Chance(i, threshold) {
				n++
			}
		}
		if exact := want == 0 || want == numbers; exact && n != want || math.Abs(float64(n-want)) > 6*math.Sqrt(numbers*0.25*0.75) {
			t.Errorf("probability %v: %d of %d", p, n, numbers)
		}
	}
}

// TestPoisson holds mean, variance and every probability to the distribution.
func TestPoisson(t *testing.T) {
	for _, mean := range []float64{0, 0.01, 1, 20, random.MostPoisson} {
		table, err := random.Poisson(mean)
		if err != nil {
			t.Fatal(err)
		}
		if mean == 0 && len(table) > 0 {
			t.Errorf("mean 0: %d thresholds", len(table))
		}
		var sum, square float64
		for i := range uint64(numbers) {
			k := float64(random.New(9).Count(i, table))
			sum, square = sum+k, square+(k-mean)*(k-mean)
		}
		if m := sum / numbers; math.Abs(m-mean) > 6*math.Sqrt(mean/numbers) {
			t.Errorf("mean is %v, want %v", m, mean)
		}
		// The fourth central moment is mean + 3 mean².
		if v := square / numbers; math.Abs(v-mean) > 6*math.Sqrt((mean+2*mean*mean)/numbers) {
			t.Errorf("variance is %v, want %v", v, mean)
		}
		before := 0.0
		for k, threshold := range table {
			log, _ := math.Lgamma(float64(k) + 1)
			want := math.Exp(-mean + float64(k)*math.Log(mean) - log)
			now := float64(threshold) / (1 << 63)
			if math.Abs(now-before-want) > 1e-13 { // rounding of sums of up to 700 terms below 1
				t.Errorf("mean %v: probability of %d is %v, want %v", mean, k, now-before, want)
			}
			before = now
		}
	}
	for _, mean := range []float64{-1, math.NaN(), random.MostPoisson + 1} {
		if table, err := random.Poisson(mean); err == nil || table != nil {
			t.Errorf("mean %v: table of %d, error %v", mean, len(table), err)
		}
	}
}
