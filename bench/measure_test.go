package bench

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// fake is a contestant whose repeats take the given seconds on paper and no time; it notes
// each block that is run after the warm-up.
func fake(name string, flops, seconds float64, blocks *[]string) contestant {
	return contestant{name: name, flops: flops, run: func(n int) ([]float64, error) {
		*blocks = append(*blocks, fmt.Sprint(name, n))
		return slices.Repeat([]float64{seconds}, n), nil
	}}
}

func TestInterleave(t *testing.T) {
	var blocks []string
	a, b := fake("a", 0, 0.010, &blocks), fake("b", 0, 0.025, &blocks)
	samples, err := interleave(effort{quads: 2, block: 40 * time.Millisecond}, []contestant{a, b})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a1", "a1", "a1", "a1", "b1", "b1", "a4", "b2", "b2", "a4", "a4", "b2", "b2", "a4"}
	if !slices.Equal(blocks, want) {
		t.Errorf("blocks are %v, want %v", blocks, want)
	}
	if len(samples[0]) != 2 || len(samples[0][0]) != 8 || len(samples[1][1]) != 4 {
		t.Errorf("samples are %v, want two rounds of 8 and of 4", samples)
	}
	blocks = nil
	samples, err = interleave(effort{quads: 1, block: 40 * time.Millisecond, wake: 15 * time.Millisecond}, []contestant{b})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"b1", "b1", "b1", "b2", "b1", "b2"}; !slices.Equal(blocks, want) || len(samples[0][0]) != 4 {
		t.Errorf("with waking, blocks are %v and %d times are kept, want %v and 4", blocks, len(samples[0][0]), want)
	}
	broken := errors.New("broken")
	a.run = func(int) ([]float64, error) { return nil, broken }
	if _, err := interleave(brief, []contestant{b, a}); !errors.Is(err, broken) {
		t.Errorf("error is %v, want that of the contestant", err)
	}
}

func TestCompare(t *testing.T) {
	var blocks []string
	// 3·10⁹ operations in 2 s against 10⁹ in 0.5 s: 0.67 against 0.5 ns each.
	a, b := fake("a", 3e9, 2, &blocks), fake("b", 1e9, 0.5, &blocks)
	s, ref := sample{{2, 2}, {1, 2}}, sample{{0.5}, {0.5, 0.5}}
	for _, tt := range []struct {
		kind        string
		bound, want float64
		pass        bool
	}{
		{Cost, 1.34, 4.0 / 3, true},
		{Cost, 1.33, 4.0 / 3, false},
		{SpeedUp, 0.25, 0.25, true},
		{SpeedUp, 0.26, 0.25, false},
	} {
		r := compare(tt.kind, tt.bound, a, b, s, ref)
		if diff := r.Value - tt.want; diff > 1e-12 || diff < -1e-12 || r.Pass == nil || *r.Pass != tt.pass {
			t.Errorf("%s with bound %v is %v, pass %v, want %v, %v", tt.kind, tt.bound, r.Value, r.Pass, tt.want, tt.pass)
		}
		if r.Interval[0] > r.Value || r.Interval[1] < r.Value {
			t.Errorf("%v lies outside its interval %v", r.Value, r.Interval)
		}
	}
	if r := compare(Cost, 0, a, b, s, ref); r.Pass != nil {
		t.Errorf("without a bound pass is %v", *r.Pass)
	}
}

// TestAveraged holds that the blocks of a queue double until they last long enough, then have
// the length asked for, and that a block counts as one repeat.
func TestAveraged(t *testing.T) {
	var blocks []string
	a := averaged(fake("a", 0, 0.010, &blocks))
	all := []contestant{a}
	samples, err := interleave(effort{quads: 1, block: 35 * time.Millisecond}, all)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a1", "a2", "a4", "a4", "a4"}; !slices.Equal(blocks, want) {
		t.Errorf("blocks are %v, want %v", blocks, want)
	}
	got := all[0].timing(samples[0])
	if len(got.Seconds) != 2 || got.Repeats != 4 || got.Median < 0.0099999 || got.Median > 0.0100001 {
		t.Errorf("timing is %+v, want two means of 10 ms over 4 repeats", got)
	}
	broken := errors.New("broken")
	a.run = func(int) ([]float64, error) { return nil, broken }
	if _, err := interleave(brief, []contestant{a}); !errors.Is(err, broken) {
		t.Errorf("error is %v, want that of the contestant", err)
	}
}

// TestWaited holds that the time of n repeats at once is shared among them.
func TestWaited(t *testing.T) {
	const n, each = 5, 2 * time.Millisecond
	s, err := waited(func(n int) error { time.Sleep(time.Duration(n) * each); return nil })(n)
	if err != nil || len(s) != 1 || s[0] < each.Seconds() || s[0] > float64(n)*each.Seconds() {
		t.Errorf("%v, %v, want one mean a little over %v", s, err, each)
	}
}

// TestRateOff wants a finite number of every two rates: rows hold no other.
func TestRateOff(t *testing.T) {
	for _, c := range []struct{ rate, here, want float64 }{{0, 0, 0}, {3, 0, 1}, {0, 3, 1}, {3, 4, 0.25}, {5, 4, 0.25}} {
		if got := rateOff(c.rate, c.here); got != c.want {
			t.Errorf("%g Hz and here %g Hz: off by %g, want %g", c.rate, c.here, got, c.want)
		}
	}
}
