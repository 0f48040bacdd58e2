package group

import (
	"errors"
	"math"
	"math/bits"
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
	onRanks(3, func(g Group) {
		if g.Rank() == 2 {
			g.Abort(cause)
			return
		}
		for range 2 {
			if err := g.Sum([]float32{1}, nil); !errors.Is(err, cause) {
				t.Errorf("got %v, want the cause", err)
			}
		}
	})
}

// TestSumRefusesLengths does not add vectors of different lengths, short ones or such as go in parts.
func TestSumRefusesLengths(t *testing.T) {
	for _, n := range []int{0, 1, 3 * short} {
		onRanks(4, func(g Group) {
			if err := g.Sum(make([]float32, n+g.Rank()/3), nil); err == nil || g.Sum(nil, nil) == nil {
				t.Errorf("rank %d added vectors of %d numbers and of one more", g.Rank(), n)
			}
		})
	}
}

// long returns numbers of a rank whose sum depends on the order of the additions.
func long(n, rank int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Pow(10, float64((i+rank)*5%8))) / float32(3+i%7+rank)
	}
	return x
}

// onRanks calls a function on each of so many ranks.
func onRanks(size int, f func(g Group)) {
	var wg sync.WaitGroup
	for _, g := range DryRun(size) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(g)
		}()
	}
	wg.Wait()
}

// sumOnHost is Sum by SumOn, with host memory for that of a device.
func sumOnHost(g Group, x []float32, y []float64) error {
	room := make([]float32, len(x))
	return g.SumOn(x, room, y, func(lo, hi int) error {
		Add(x[lo:hi], room[lo:hi])
		return nil
	})
}

// TestSumOrder holds vectors that are exchanged whole and in halves, on numbers of ranks that are powers
// of two and others, to the sum in pairs, also where they are on a device, which takes a power of two of ranks.
func TestSumOrder(t *testing.T) {
	for _, n := range []int{1, 7, short, short + 1, 3*short + 5} {
		for _, size := range []int{1, 2, 3, 4, 7, 8, 16} {
			parts := make([][]float32, size)
			for r := range parts {
				parts[r] = long(n, r)
			}
			for d := 1; d < size; d *= 2 {
				for r := 0; r+d < size; r += 2 * d {
					Add(parts[r], parts[r+d])
				}
			}
			onRanks(size, func(g Group) {
				x, y := long(n, g.Rank()), make([]float64, headerSums+3)
				for i := range y {
					y[i] = float64(g.Rank() + i)
				}
				if err := g.Sum(x, y); err != nil {
					t.Error(err)
				}
				if !slices.Equal(x, parts[0]) {
					t.Errorf("%d numbers on %d ranks: rank %d has another sum", n, size, g.Rank())
				}
				on, z := long(n, g.Rank()), []float64{1}
				if err := sumOnHost(g, on, z); bits.OnesCount(uint(size)) > 1 {
					if !errors.Is(err, ErrShares) {
						t.Errorf("%d ranks add on devices: %v, want ErrShares", size, err)
					}
				} else if err != nil || !slices.Equal(on, parts[0]) || z[0] != float64(size) {
					t.Errorf("%d numbers on %d devices: rank %d has another sum, or %v is not the number of ranks (%v)", n, size, g.Rank(), z, err)
				}
				if want := float64(size*(size-1)/2 + 2*size); y[2] != want || y[len(y)-1] != want+float64(size*headerSums) {
					t.Errorf("%d ranks: sums %v", size, y)
				}
			})
		}
	}
}

// TestGather brings bytes of different lengths.
func TestGather(t *testing.T) {
	for _, size := range []int{1, 2, 5, 8} {
		onRanks(size, func(g Group) {
			own := slices.Repeat([]byte{byte('a' + g.Rank())}, 3*g.Rank()%7)
			all, err := g.Gather(own)
			if err != nil || len(all) != size {
				t.Errorf("%d ranks: %q, %v", size, all, err)
				return
			}
			for r, b := range all {
				if string(b) != string(slices.Repeat([]byte{byte('a' + r)}, 3*r%7)) {
					t.Errorf("%d ranks: rank %d has %q of rank %d", size, g.Rank(), b, r)
				}
			}
		})
	}
}

// TestExchange: every rank has what each brings.
func TestExchange(t *testing.T) {
	type told struct {
		Rank int
		Text []string
	}
	onRanks(4, func(g Group) {
		all, err := Exchange(g, told{g.Rank(), slices.Repeat([]string{"a"}, g.Rank())})
		if err != nil || len(all) != 4 {
			t.Errorf("rank %d has %v, %v", g.Rank(), all, err)
			return
		}
		for r, other := range all {
			if other.Rank != r || len(other.Text) != r {
				t.Errorf("rank %d has %+v of rank %d", g.Rank(), other, r)
			}
		}
	})
}

// TestLeaving lets two ranks leave while the others make different calls; all hear of the lower. Numbers that some
// have sent for a sum are in nobody's way.
func TestLeaving(t *testing.T) {
	for _, size := range []int{4, 5, 8} {
		onRanks(size, func(g Group) {
			var err error
			switch g.Rank() {
			case 1, 3:
				g.Abort(errors.New("no more"))
				err = g.Sum(nil, nil)
			case 0:
				err = g.Bcast(make([]float64, 3))
			case 2:
				_, err = g.Gather(nil)
			default:
				err = g.Sum(make([]float32, 3*short), nil)
			}
			var left *Left
			if !errors.As(err, &left) || left.Rank != 1 || left.Text != "no more" {
				t.Errorf("%d ranks: rank %d: %v, want that rank 1 has left", size, g.Rank(), err)
			}
		})
	}
}

// TestDifferentCalls holds that ranks that make different calls hear of it.
func TestDifferentCalls(t *testing.T) {
	onRanks(4, func(g Group) {
		err := error(nil)
		if g.Rank() == 2 {
			err = g.Bcast(nil)
		} else {
			err = g.Sum(nil, nil)
		}
		if err == nil || g.Sum(nil, nil) == nil {
			t.Errorf("rank %d: no error after different calls", g.Rank())
		}
	})
}
