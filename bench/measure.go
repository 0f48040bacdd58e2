package bench

import (
	"fmt"
	"math"
	"time"

	"galvani/bench/rows"
)

// contestant is one thing that is timed.
type contestant struct {
	name  string
	flops float64 // of one repeat, 0 where nothing is counted
	// run makes n repeats and returns the seconds of each, or of all their mean alone.
	run      func(n int) ([]float64, error)
	averaged bool         // run returns the mean
	repeats  int          // of a block
	high     func() int64 // bytes in use on the device, at most so far; nil in host memory
	close    func() error // nil where there is nothing to free
}

// free gives back what the contestant holds.
func (c contestant) free() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// timed makes the run of a contestant from one repeat.
func timed(f func() error) func(n int) ([]float64, error) {
	return func(n int) ([]float64, error) {
		seconds := make([]float64, n)
		for i := range seconds {
			start := time.Now()
			if err := f(); err != nil {
				return nil, err
			}
			seconds[i] = time.Since(start).Seconds()
		}
		return seconds, nil
	}
}

// waited makes the run of a contestant whose repeats are queued on a device: f queues n of them
// and waits for the last.
func waited(f func(n int) error) func(n int) ([]float64, error) {
	return func(n int) ([]float64, error) {
		start := time.Now()
		if err := f(n); err != nil {
			return nil, err
		}
		return []float64{time.Since(start).Seconds() / float64(n)}, nil
	}
}

// averaged is a contestant whose blocks count as one repeat each.
func averaged(c contestant) contestant {
	if c.averaged {
		return c
	}
	run := c.run
	c.averaged = true
	c.run = func(n int) ([]float64, error) {
		s, err := run(n)
		if err != nil {
			return nil, err
		}
		sum := 0.0
		for _, x := range s {
			sum += x
		}
		return []float64{sum / float64(n)}, nil
	}
	return c
}

// effort says how much is measured.
type effort struct {
	quads int           // rounds of four blocks A B B A
	block time.Duration // least length of a block
	// calm is how long nothing runs before that: threads of a library look for work for a while after its block, on cores
	// that the next contestant needs (those of OpenBLAS for 27 ms).
	calm time.Duration
	// wake is how long a contestant runs before each block untimed. A core that a virtual machine's host has put to
	// sleep while another contestant used one thread runs at half speed for its first 10 ms.
	wake time.Duration
}

// waking returns the repeats of a contestant that wake its cores, 0 where none are asked for.
func (e effort) waking(c contestant) int {
	if e.wake == 0 {
		return 0
	}
	return int(math.Ceil(float64(c.repeats) * e.wake.Seconds() / e.block.Seconds()))
}

// sample holds the seconds of one contestant, by round.
type sample [][]float64

// flat joins the given rounds; nil means all, in order.
func (s sample) flat(rounds []int) []float64 {
	var all []float64
	if rounds == nil {
		for _, r := range s {
			all = append(all, r...)
		}
	}
	for _, r := range rounds {
		all = append(all, s[r]...)
	}
	return all
}

// interleave times contestants in rounds of a, b, …, b, a after a warm-up, so that a drift of
// the machine meets all of them alike.
func interleave(e effort, all []contestant) ([]sample, error) {
	for i, c := range all {
		n, err := warmUp(e, c)
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", c.name, err)
		}
		all[i].repeats = n
	}
	return alternate(e, all)
}

// alternate times contestants that have run before in rounds of a, b, …, b, a, so many repeats of each as
// it has.
func alternate(e effort, all []contestant) ([]sample, error) {
	samples := make([]sample, len(all))
	for i := range samples {
		samples[i] = make(sample, e.quads)
	}
	for q := range e.quads {
		for k := range 2 * len(all) {
			i := min(k, 2*len(all)-1-k)
			time.Sleep(e.calm)
			if n := e.waking(all[i]); n > 0 {
				if _, err := all[i].run(n); err != nil {
					return nil, fmt.Errorf("bench: %s: %w", all[i].name, err)
				}
			}
			s, err := all[i].run(all[i].repeats)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", all[i].name, err)
			}
			samples[i][q] = append(samples[i][q], s...)
		}
	}
	return samples, nil
}

// warmUp runs a contestant for a block, at least twice, and returns the repeats of a block.
func warmUp(e effort, c contestant) (int, error) {
	if c.averaged {
		return warmUpMean(e, c)
	}
	total, n, least := 0.0, 0, math.Inf(1)
	for n < 2 || total < e.block.Seconds() {
		s, err := c.run(1)
		if err != nil {
			return 0, err
		}
		total, n, least = total+s[0], n+1, min(least, s[0])
	}
	return max(1, int(math.Ceil(e.block.Seconds()/max(least, 1e-6)))), nil
}

// warmUpMean makes twice as many repeats each time until they last a block, and returns the
// repeats of a block.
func warmUpMean(e effort, c contestant) (int, error) {
	for n := 1; ; n *= 2 {
		s, err := c.run(n)
		if err != nil {
			return 0, err
		}
		if each := max(s[0], 1e-9); n > 1 && each*float64(n) >= e.block.Seconds() {
			return max(1, int(math.Ceil(e.block.Seconds()/each))), nil
		}
	}
}

// timing sums up the sample of a contestant.
func (c contestant) timing(s sample) Timing {
	all := s.flat(nil)
	t := Timing{Name: c.name, FLOPs: c.flops, Seconds: all, Median: rows.Median(all),
		Interval: rows.Bootstrap(len(s), func(rounds []int) float64 { return rows.Median(s.flat(rounds)) })}
	if c.averaged {
		t.Repeats = c.repeats
	}
	if c.high != nil {
		t.MemoryHigh = c.high()
	}
	return t
}

// compare makes the ratio of two samples of the same rounds: a cost where a bound is the most
// that is allowed, a speed-up where it is the least. Bound 0 is none. A cost is that of an operation, where they
// are counted.
func compare(kind string, bound float64, subject, reference contestant, s, ref sample) *Ratio {
	value := func(rounds []int) float64 {
		a, b := rows.Median(s.flat(rounds)), rows.Median(ref.flat(rounds))
		switch {
		case kind == Cost && subject.flops == 0:
			return a / b
		case kind == Cost:
			return (a / subject.flops) / (b / reference.flops)
		}
		return b / a
	}
	r := &Ratio{Kind: kind, Value: value(nil), Bound: bound, Interval: rows.Bootstrap(len(s), value)}
	if bound > 0 {
		pass := r.Value <= bound
		if kind == SpeedUp {
			pass = r.Value >= bound
		}
		r.Pass = &pass
	}
	return r
}
