package group

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
)

// parts are numbers whose sum depends on the order of the additions.
func parts(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Pow(10, float64(i*5%8))) / float32(3+i)
	}
	return x
}

// total returns the sum of n parts over so many ranks, as each rank has it.
func total(t *testing.T, n, size int) []float32 {
	t.Helper()
	x, got := parts(n), make([]float32, size)
	var wg sync.WaitGroup
	for _, g := range DryRun(size) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			lo, hi, err := Share(n, g.Rank(), g.Size())
			if err != nil {
				t.Error(err)
			}
			level := make([]float32, Levels(hi-lo))
			err = Pairwise(lo, hi, 0, func(p, l int) error { level[l] = x[p]; return nil }, func(l int) { level[l] += level[l+1] })
			if err != nil {
				t.Error(err)
			}
			y := []float64{1, float64(g.Rank())}
			if err := g.Sum(level[:1], y); err != nil {
				t.Error(err)
			}
			if y[0] != float64(size) || y[1] != float64(size*(size-1)/2) {
				t.Errorf("rank %d: sums %v", g.Rank(), y)
			}
			got[g.Rank()] = level[0]
			z := []float64{float64(g.Rank() + 7)}
			if err := g.Bcast(z); err != nil || z[0] != 7 {
				t.Errorf("rank %d: heard %v (%v), want 7", g.Rank(), z, err)
			}
		}()
	}
	wg.Wait()
	return got
}

// TestSumSameBits adds 16 numbers on 1 to 16 ranks. The numbers are such that another order gives
// another sum.
func TestSumSameBits(t *testing.T) {
	want := total(t, 16, 1)[0]
	inOrder := float32(0)
	for _, x := range parts(16) {
		inOrder += x
	}
	if inOrder == want {
		t.Fatal("the order of the additions does not show")
	}
	for _, size := range []int{2, 4, 8, 16} {
		if got := total(t, 16, size); !slices.Equal(got, slices.Repeat([]float32{want}, size)) {
			t.Errorf("%d ranks: %v, want %v on each", size, got, want)
		}
	}
}

func TestShareRefuses(t *testing.T) {
	for _, c := range [][2]int{{8, 3}, {6, 2}, {4, 8}, {0, 1}, {8, 0}} {
		if _, _, err := Share(c[0], 0, c[1]); !errors.Is(err, ErrShares) {
			t.Errorf("%d parts for %d ranks: %v, want ErrShares", c[0], c[1], err)
		}
	}
}

// TestAbort lets one of three ranks leave while the others wait, and tells those of the cause.
func TestAbort(t *testing.T) {
	cause := errors.New("no more")
	ranks := DryRun(3)
	errs := make(chan error)
	for _, g := range ranks[:2] {
		go func() { errs <- g.Sum([]float32{1}, nil) }()
	}
	ranks[2].Abort(cause)
	for range 2 {
		if err := <-errs; !errors.Is(err, cause) {
			t.Errorf("got %v, want the cause", err)
		}
	}
	if err := ranks[0].Bcast(nil); !errors.Is(err, cause) {
		t.Errorf("a later call gives %v, want the cause", err)
	}
}

// TestSumRefusesLengths does not add vectors of different lengths.
func TestSumRefusesLengths(t *testing.T) {
	ranks := DryRun(2)
	errs := make(chan error)
	for i, g := range ranks {
		go func() { errs <- g.Sum(make([]float32, 1+i), nil) }()
	}
	for range ranks {
		if err := <-errs; err == nil {
			t.Error("added vectors of different lengths")
		}
	}
}
