package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"galvani/engine"
	"galvani/engine/group"
	"galvani/kernels/devices"
)

// The cases of ranks.
const (
	caseScale = "scale" // a network on some ranks against one rank
	caseApart = "apart" // updates of processes that know nothing of each other against those of one: the most that ranks can reach
	caseSum   = "sum"   // the sum of a gradient over ranks against that of the MPI library
)

// scaled are the networks whose training is measured on ranks, all of crnn-simple.
var scaled = []Shape{{T: 200, B: 64, I: inputs, H: 64}, {T: 1000, B: 64, I: inputs, H: 256}, {T: 100, B: 64, I: inputs, H: 1024}}

const (
	scaledModel  = "crnn-simple"
	scaledShards = 8 // of each batch
)

// The aims: two ranks over one for the middle network, and the time of a sum over that of the library.
const (
	scaleAim = 1.8
	sumAim   = 1.05
)

// sumBytes are the sizes of the sums.
var sumBytes = []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20}

// ScaleParts are the values of Scale.Parts.
var ScaleParts = []string{"networks", "sums"}

// Scale says what is timed of ranks.
type Scale struct {
	Parts []string
	Ranks []int // of the networks beside one; powers of two
	Sums  []int // ranks of the sums; powers of two
	// Launch starts ranks, each of which calls RunRank, and returns what rank 0 has got.
	Launch func(ctx context.Context, ranks int, t RankTask) (RankTimes, error)
}

// RankTask is what ranks are started for: updates of a network, or sums where Bytes is not 0.
type RankTask struct {
	Shape   Shape `json:"shape"`
	Bytes   int   `json:"bytes"`
	Repeats int   `json:"repeats"`
	Threads int   `json:"threads"` // of each rank
}

// RankTimes are the seconds of each repeat, and of a sum those of the library in turns with them.
type RankTimes struct {
	Seconds []float64 `json:"seconds"`
	Library []float64 `json:"library,omitempty"`
	Name    string    `json:"name"` // of the library
}

// The efforts of RunScale: how often each number of ranks is started, and the repeats each time.
var (
	scaleEffort = effort{quads: 3}
	updates     = map[int]int{64: 20, 256: 3, 1024: 2} // by hidden units
	sums        = 200
)

// RunScale measures updates of three networks on one rank and on some, started in turns, of the middle one also on as many
// processes apart, and sums over ranks against those of the MPI library, in turns within one start.
//
// Errors: those of Launch; the cause of ctx when cancelled between two starts; those of cfg.Each.
func RunScale(ctx context.Context, cfg Config, s Scale) error {
	if cfg.Threads == 0 {
		cfg.Threads = 1 // of each rank
	}
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	r.effort = scaleEffort
	shapes, bytes := scaled, sumBytes
	if cfg.Quick {
		r.effort, shapes, bytes = effort{quads: 1}, []Shape{{T: 8, B: 16, I: inputs, H: 8}}, []int{64 << 10}
	}
	if !slices.Contains(s.Parts, "networks") {
		shapes = nil
	}
	if !slices.Contains(s.Parts, "sums") {
		bytes = nil
	}
	for _, shape := range shapes {
		if err := r.scale(ctx, s, shape); err != nil {
			return err
		}
	}
	for _, n := range s.Sums {
		for _, b := range bytes {
			if err := r.sum(ctx, s, n, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// scale measures one network.
func (r *runner) scale(ctx context.Context, s Scale, shape Shape) error {
	var all []contestant
	for _, n := range append([]int{1}, s.Ranks...) {
		all = append(all, contestant{name: rankWords(n), repeats: max(2, updates[shape.H]), run: func(repeats int) ([]float64, error) {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			t, err := s.Launch(ctx, n, RankTask{Shape: shape, Repeats: repeats, Threads: r.Threads})
			return t.Seconds, stopped(ctx, err)
		}})
	}
	if shape == scaled[1] || r.Quick {
		for _, n := range s.Ranks {
			all = append(all, contestant{name: fmt.Sprint(n, " processes"), repeats: all[0].repeats, run: func(repeats int) ([]float64, error) {
				return s.apart(ctx, n, RankTask{Shape: shape, Repeats: repeats, Threads: r.Threads})
			}})
		}
	}
	samples, err := alternate(r.effort, all)
	if err != nil {
		return err
	}
	ref := all[0].timing(samples[0])
	for i := range all[1:] {
		n, row, bound := s.Ranks[i%len(s.Ranks)], r.head, 0.0
		row.Case, row.Model, row.What, row.Shape, row.Ranks = caseScale, scaledModel, step, shape, n
		row.Subject, row.Reference = all[i+1].timing(samples[i+1]), &ref
		if i >= len(s.Ranks) {
			row.Case = caseApart
		} else if n == 2 && shape == scaled[1] {
			bound = scaleAim
		}
		row.Ratio = compare(SpeedUp, bound, all[i+1], all[0], samples[i+1], samples[0])
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}

// apart starts so many processes of one rank at once, and returns the times of their updates, in parts of one process.
func (s Scale) apart(ctx context.Context, n int, t RankTask) (seconds []float64, err error) {
	all, errs := make([]RankTimes, n), make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Add(1)
		go func() {
			defer wait.Done()
			all[i], errs[i] = s.Launch(ctx, 1, t)
		}()
	}
	wait.Wait()
	for _, one := range all {
		for _, x := range one.Seconds {
			seconds = append(seconds, x/float64(n))
		}
	}
	return seconds, stopped(ctx, errors.Join(errs...))
}

// sum measures sums of one size.
func (r *runner) sum(ctx context.Context, s Scale, n, bytes int) error {
	ours, library := contestant{name: rankWords(n)}, contestant{}
	samples := make([]sample, 2)
	for range r.quads {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		repeats := max(8, sums*sumBytes[0]/bytes)
		if r.Quick {
			repeats = 2
		}
		t, err := s.Launch(ctx, n, RankTask{Bytes: bytes, Repeats: repeats, Threads: r.Threads})
		if err != nil {
			return stopped(ctx, err)
		}
		library.name = t.Name
		samples[0], samples[1] = append(samples[0], t.Seconds), append(samples[1], t.Library)
	}
	row := r.head
	row.Case, row.What, row.Ranks, row.Bytes = caseSum, "gradient", n, bytes
	ref := library.timing(samples[1])
	row.Subject, row.Reference = ours.timing(samples[0]), &ref
	bound := sumAim
	if r.Quick {
		bound = 0
	}
	row.Ratio = compare(Cost, bound, ours, library, samples[0], samples[1])
	return r.Each(row)
}

func rankWords(n int) string {
	if n == 1 {
		return "1 rank"
	}
	return fmt.Sprintf("%d ranks", n)
}

// RunRank does a task as one of its ranks. Rank 0 gets the times.
//
// Errors: those of the group and of training; kernels.ErrNoDevice in a binary without cgo.
func RunRank(ctx context.Context, ranks group.Group, t RankTask) (RankTimes, error) {
	if t.Bytes > 0 {
		return timeSums(ranks, t)
	}
	dev, err := devices.OpenCPU(t.Threads)
	if err != nil {
		return RankTimes{}, err
	}
	defer dev.Close()
	_, net, err := bind(scaledModel, t.Shape)
	if err != nil {
		return RankTimes{}, err
	}
	task := rampTask(t.Shape)
	task.Train, task.Test = ramped(t.Shape.B*(t.Repeats+1)), ramped(1)
	o := engine.DefaultOptions()
	o.Epochs, o.Batch, o.Shards, o.LR = 1, t.Shape.B, scaledShards, 1e-6
	s, err := engine.NewSession(engine.Config{Net: net, Task: task, Device: dev, Options: o, Group: ranks})
	if err != nil {
		return RankTimes{}, err
	}
	var w stopwatch
	r, err := engine.Ranks(ctx, []*engine.Session{s}, &w, nil)
	if err := errors.Join(err, r.Cause, s.Close()); err != nil {
		return RankTimes{}, err
	}
	times := RankTimes{}
	for i := range len(w.at) - 1 { // the first update is for warming up
		times.Seconds = append(times.Seconds, w.at[i+1].Sub(w.at[i]).Seconds())
	}
	return times, nil
}

// stopwatch notes when updates were made.
type stopwatch struct{ at []time.Time }

func (w *stopwatch) Stepped(engine.StepEvent) error {
	w.at = append(w.at, time.Now())
	return nil
}

func (w *stopwatch) Evaluated(engine.EvalEvent) error { return nil }

// timeSums times sums of numbers that each rank has just written, as gradients are: a sum that begins with what the one before
// has left in the caches of the cores would be timed for that one.
func timeSums(ranks group.Group, t RankTask) (RankTimes, error) {
	library, ok := ranks.(interface{ LibrarySum(x []float32) error })
	if !ok {
		return RankTimes{}, fmt.Errorf("bench: this rank has no sum of a library to compare with")
	}
	times := RankTimes{Name: "MPI"}
	if l, ok := ranks.(*group.Launched); ok {
		times.Name = l.Library
	}
	x := make([]float32, t.Bytes/4)
	once := func(sum func() error) (float64, error) {
		for i := range x {
			x[i] = 1
		}
		if err := ranks.Sum(nil, nil); err != nil { // all begin at once
			return 0, err
		}
		begin := time.Now()
		err := sum()
		return time.Since(begin).Seconds(), err
	}
	const warm = 3
	for i := range warm + t.Repeats {
		ours, err := once(func() error { return ranks.Sum(x, nil) })
		if err != nil {
			return times, err
		}
		theirs, err := once(func() error { return library.LibrarySum(x) })
		if err != nil {
			return times, err
		}
		if i >= warm {
			times.Seconds, times.Library = append(times.Seconds, ours), append(times.Library, theirs)
		}
	}
	return times, nil
}

// newestScale returns the newest row of each thing of a case that was measured.
func newestScale(all []Row, kind string) []Row {
	return newestOf(all, func(r Row) bool { return r.Case == kind && !r.Quick }, func(r Row) string { return fmt.Sprint(r.Shape, r.Ranks, r.Bytes) })
}
