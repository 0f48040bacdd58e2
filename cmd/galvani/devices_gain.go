package main

import (
	"fmt"
	"slices"
	"time"

	"galvani/bench"
	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine/group"
	"galvani/kernels"
)

// gain is what a training gains on ranks, as measured parts let expect.
type gain struct {
	Model  string     `json:"model"`
	Task   string     `json:"task"`
	Batch  int        `json:"batch"`
	Shards int        `json:"shards"`
	Bytes  int        `json:"gradient_bytes"`
	Alone  float64    `json:"one_rank_seconds"` // of an update
	Ranks  []gainOnce `json:"ranks"`
}

// gainOnce is the gain on a number of ranks. An update takes the time of a rank's part of the batch, and that of the sum
// of the gradient.
type gainOnce struct {
	Ranks      int     `json:"ranks"`
	Link       string  `json:"link"`
	Part       float64 `json:"part_seconds"`
	Sum        float64 `json:"sum_seconds"`
	Seconds    float64 `json:"seconds"`
	Efficiency float64 `json:"efficiency"` // the time on one rank over that of all ranks together
}

// beside is one of a number of ranks that computes without the others, as one of those of its machine.
type beside struct {
	group.Alone
	rank, size int
	near       locality
	direct     bool
}

func (b beside) Rank() int                { return b.rank }
func (b beside) Size() int                { return b.size }
func (b beside) Local() (rank, ranks int) { return b.near.rank, b.near.ranks }
func (b beside) Direct() bool             { return b.direct }

// Sum makes of y what it is where all ranks bring the same.
func (b beside) Sum(_ []float32, y []float64) error {
	for i := range y {
		y[i] *= float64(b.size)
	}
	return nil
}

// SumOn is Sum.
func (b beside) SumOn(_, _ []float32, y []float64, _ func(lo, hi int) error) error {
	return b.Sum(nil, y)
}

// predictGain measures updates of the parts of a batch that ranks have, and the sum of the gradient over the ranks that
// are there. Sums over other numbers of ranks are those of the link that this gives; without ranks, of assumed ones.
//
// Errors: config.ErrConfig for ranks that cannot share the shards of a batch.
func predictGain(ranks group.Group, s *settings, own *rankReport) (g *gain, err error) {
	if s.whole() {
		return nil, fmt.Errorf("%w: model %s takes whole batches, which ranks cannot share; give a --config of another", config.ErrConfig, s.run.Model)
	}
	if s.opt.Shards == 1 {
		s.opt.Shards = 0 // as a run that goes on on ranks has it
	}
	s.opt.Divide(true)
	n := ranks.Size()
	if _, _, err := group.Share(s.opt.Shards, 0, n); err != nil || s.opt.Shards == 1 {
		return nil, fmt.Errorf("%w: a batch has %d shards, which %d ranks cannot share; start a power of two of ranks, or give a --config with more shards", config.ErrConfig, s.opt.Shards, n)
	}
	g = &gain{Model: s.run.Model, Task: s.run.Task, Batch: s.opt.Batch, Shards: s.opt.Shards}
	parts := map[int]float64{}
	most := max(n, g.Shards/max(1, s.opt.Accumulate))
	for k := 1; k <= most; k *= 2 {
		var o once
		if at := (beside{size: k, near: localityOf(ranks), direct: ranks.Direct()}); k == n || ranks.Rank() == 0 {
			if k == n {
				at.rank = ranks.Rank()
			}
			if o, err = g.part(s, at); err != nil {
				return nil, err
			}
		}
		if k == n {
			own.Memory.Host, own.Memory.Device = o.host, o.device
		}
		all, err := group.Exchange(ranks, o.seconds) // and wait
		if err != nil {
			return nil, err
		}
		parts[k] = slices.Max(all)
	}
	g.Alone = parts[1]
	links := bench.Interconnects
	sum := 0.0
	if n > 1 {
		to, err := g.link(s, ranks, &sum)
		if err != nil {
			return nil, err
		}
		links = []bench.Interconnect{to}
	}
	for _, to := range links {
		for k := 2; k <= most; k *= 2 {
			r := gainOnce{Ranks: k, Link: to.Name, Part: parts[k], Sum: to.SumTime(k, g.Bytes)}
			if k == n {
				r.Sum = sum
			}
			r.Seconds = r.Part + r.Sum
			r.Efficiency = g.Alone / (float64(k) * r.Seconds)
			g.Ranks = append(g.Ranks, r)
		}
	}
	return g, nil
}

// once is what a rank takes for an update: time, and memory of the process and of its device.
type once struct {
	seconds      float64
	host, device int64
}

// part measures an update of the part of a batch that a rank has.
func (g *gain) part(s *settings, at beside) (o once, err error) {
	j, b, err := g.open(s, at)
	if err != nil {
		return o, err
	}
	defer j.close()
	g.Bytes = 4 * len(j.session.Params().Learned())
	if o.seconds, err = median(func() error { _, err := j.session.Step(b); return err }); err != nil {
		return o, err
	}
	if use, ok := j.session.Usage(); ok {
		o.device = use.High
	}
	o.host, err = j.cfg.HostBytes()
	return o, err
}

// open begins a training on ranks, and makes a batch of its training set. The caller closes the job.
func (g *gain) open(s *settings, ranks group.Group) (*job, *data.Batch, error) {
	own := *s
	own.ranks = ranks
	j, err := own.open()
	if err != nil {
		return nil, nil, err
	}
	b := data.NewBatch(j.task, g.Batch)
	for col := range g.Batch {
		if err := j.task.Train.Fill(b, col, 0, col%j.task.Train.Len()); err != nil {
			j.close()
			return nil, nil, err
		}
	}
	return j, b, nil
}

// link measures the sum of the gradient over the ranks as an update makes it, from device to device where the library can
// and otherwise with the copies to the host and back, and returns the link that gives sums over other numbers of ranks.
func (g *gain) link(s *settings, ranks group.Group, sum *float64) (to bench.Interconnect, err error) {
	j, b, err := g.open(s, ranks)
	if err != nil {
		return to, err
	}
	defer j.close()
	if _, err := j.session.Step(b); err != nil {
		return to, err
	}
	if *sum, err = median(j.session.SumGradients); err != nil {
		return to, err
	}
	none, err := sumTime(ranks, 0)
	if err != nil {
		return to, err
	}
	bytes, full := g.Bytes, *sum
	if _, away := j.place.dev.(kernels.Resident); !away { // more than a small gradient tells of the bandwidth
		bytes = 1 << 20
		if full, err = sumTime(ranks, bytes); err != nil {
			return to, err
		}
	}
	return bench.FitInterconnect("that of these ranks", ranks.Size(), none, bytes, full), nil
}

// sumTime measures a sum of so many bytes over ranks.
func sumTime(ranks group.Group, bytes int) (float64, error) {
	x, y := make([]float32, bytes/4), make([]float64, 8)
	return median(func() error { return ranks.Sum(x, y) })
}

// median returns the median time of some repeats, after one that does not count.
func median(f func() error) (float64, error) {
	const repeats = 9
	var all []float64
	for range repeats + 1 {
		begin := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(begin).Seconds())
	}
	all = all[1:]
	slices.Sort(all)
	return all[repeats/2], nil
}

func (p *printer) gain(g *gain) {
	p.title("\nPredicted for %s on %s", g.Model, g.Task)
	p.line("An update of %d sequences in %d shards takes %.3g ms on one rank; the gradient has %d bytes.", g.Batch, g.Shards, 1e3*g.Alone, g.Bytes)
	tabulate(p, g.Ranks, []string{"RANKS", "LINK", "PART ms", "SUM ms", "UPDATE ms", "EFFICIENCY"}, func(r gainOnce) []string {
		return []string{fmt.Sprint(r.Ranks), r.Link, fmt.Sprintf("%.3g", 1e3*r.Part), fmt.Sprintf("%.3g", 1e3*r.Sum), fmt.Sprintf("%.3g", 1e3*r.Seconds), fmt.Sprintf("%.0f %%", 100*r.Efficiency)}
	})
}
