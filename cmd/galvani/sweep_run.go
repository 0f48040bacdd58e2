package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/kernels/monitor"
)

// swept is what came of a run of a sweep.
type swept struct {
	dir    string
	values map[string]float64 // of the test set, nil where it failed
}

// sweep makes the runs that are not there yet and reports on all.
func (f *sweepFlags) sweep(ctx context.Context, plan *sweepPlan, stderr io.Writer) (sweepReport, error) {
	r := sweepReport{Out: f.out, Metric: "test_accuracy", More: plan.metrics, Keys: plan.names(), Drawn: plan.drawn.names()}
	if f.jobs < 0 || f.jobs > 1024 {
		return r, fmt.Errorf("%w: --jobs is %d, want 0 to 1024", config.ErrConfig, f.jobs)
	}
	cells, err := plan.cells(f.own)
	if err != nil {
		return r, err
	}
	lock, err := claim(r.Out, plan.path, plan.text)
	if err != nil {
		return r, err
	}
	defer lock.Close()
	runs, err := f.make(ctx, plan, cells, stderr)
	if err != nil {
		return r, err
	}
	for k, c := range cells {
		own := runs[k*plan.seeds : (k+1)*plan.seeds]
		cell := sweepedCell{Values: c.values, Tests: []float64{}}
		for _, run := range own {
			cell.Runs = append(cell.Runs, run.dir)
			if run.values == nil {
				cell.Failed++
				continue
			}
			name, value := testValue(run.values)
			r.Metric = name
			cell.Tests = append(cell.Tests, value)
		}
		cell.summarise()
		for _, m := range plan.metrics {
			cell.More = append(cell.More, meanOf(m, own))
		}
		r.Cells = append(r.Cells, cell)
	}
	plan.missing(runs, stderr)
	return r, errors.Join(writeFile(filepath.Join(r.Out, "sweep.csv"), r.write), r.plot(), r.curves())
}

// testValue returns what runs are compared by.
func testValue(values map[string]float64) (name string, value float64) {
	for _, name := range []string{"test_accuracy", "test_loss"} {
		if value, ok := values[name]; ok {
			return name, value
		}
	}
	return "test_loss", 0
}

// missing tells of metrics that were asked for and that no run has.
func (p *sweepPlan) missing(runs []swept, stderr io.Writer) {
	known := map[string]float64{}
	for _, run := range runs {
		maps.Copy(known, run.values)
	}
	for _, m := range p.metrics {
		if _, ok := known[m]; !ok && len(known) > 0 {
			fmt.Fprintf(stderr, "metrics: %s\n", setting.Unknown("metric", m, slices.Sorted(maps.Keys(known))))
		}
	}
}

// usableGPUs returns the number of GPUs, 0 where the first cannot be used: those who ask for one by name are told why when
// their run begins.
func usableGPUs() int {
	all, err := devices.GPUs()
	if err != nil {
		return 0
	}
	dev, err := devices.OpenCUDA(0, "")
	if err != nil || dev.Close() != nil {
		return 0
	}
	return len(all)
}

// anyGPU tells whether the runs take a GPU without saying which.
func (c sweepCell) anyGPU() bool { return c.device == "cuda" || c.device == "auto" }

// sweepDisplay tells of each run that has ended, with a bar below on a terminal.
type sweepDisplay struct {
	w           io.Writer
	bar         *bar // nil where there is no terminal
	begin       time.Time
	ended, runs int
}

func newSweepDisplay(w io.Writer, runs int) *sweepDisplay {
	d := &sweepDisplay{w: w, begin: time.Now(), runs: runs}
	if redrawn(w) {
		d.bar = newBar(w)
		d.draw()
	}
	return d
}

func (d *sweepDisplay) draw() {
	left := time.Duration(0)
	if d.ended > 0 {
		left = time.Since(d.begin) / time.Duration(d.ended) * time.Duration(d.runs-d.ended)
	}
	d.bar.put(float64(d.ended)/float64(d.runs), fmt.Sprintf("%d of %d runs", d.ended, d.runs), timeLeft(left))
}

// run writes a line of a run that has ended.
func (d *sweepDisplay) run(format string, args ...any) {
	d.ended++
	if d.bar != nil {
		d.bar.clear()
	}
	fmt.Fprintf(d.w, format+"\n", args...)
	if d.bar != nil {
		d.draw()
	}
}

// end takes the bar away.
func (d *sweepDisplay) end() {
	if d.bar != nil {
		d.bar.clear()
	}
}

// make makes the runs, several at once.
func (f *sweepFlags) make(ctx context.Context, plan *sweepPlan, cells []sweepCell, stderr io.Writer) ([]swept, error) {
	jobs, cores, gpus := f.jobs, monitor.Cores(), 0
	if slices.ContainsFunc(cells, sweepCell.anyGPU) {
		gpus = usableGPUs()
	}
	if jobs == 0 {
		if jobs = cores; gpus > 0 {
			jobs = gpus
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		runs  = make([]swept, len(cells)*plan.seeds)
		first error
		told  sync.Mutex // of first and tell
		all   sync.WaitGroup
		seats = make(chan int, jobs)
		tell  = newSweepDisplay(stderr, len(runs))
	)
	defer tell.end()
	for k := range jobs {
		seats <- k
	}
	for n := range runs {
		seat := <-seats
		if ctx.Err() != nil {
			break
		}
		all.Add(1)
		go func() {
			defer func() { seats <- seat; all.Done() }()
			c, s := cells[n/plan.seeds], n%plan.seeds
			layers := append(slices.Clone(plan.base), c.layer(plan, s))
			if jobs > 1 {
				threads := config.Pair{Name: "threads", Value: config.Text(fmt.Sprint(max(1, cores/jobs)))}
				layers = slices.Insert(layers, 0, layer{name: "--jobs", pairs: []config.Pair{threads}})
				if gpus > 0 && c.anyGPU() {
					gpu := config.Pair{Name: "device", Value: config.Text(fmt.Sprintf("cuda:%d", seat%gpus))}
					layers = append(layers, layer{name: "--jobs", pairs: []config.Pair{gpu}})
				}
			}
			dir, result, err := runOf(ctx, filepath.Join(f.out, fmt.Sprintf("%04d", n+1)), layers, f.own)
			told.Lock()
			defer told.Unlock()
			label := fmt.Sprintf("run %d of %d: %s", n+1, len(runs), c.label(plan.names(), plan, s))
			switch {
			case errors.Is(err, kernels.ErrNotFinite):
				tell.run("%s: failed: %s", label, message(err))
			case err != nil:
				if errors.Is(err, errStopped) {
					err = fmt.Errorf("%w; the sweep goes on with the command that it was begun with", err)
				}
				if first == nil { // the others are stopped by it
					first = fmt.Errorf("run %d of %d: %w", n+1, len(runs), err)
					cancel(first)
				}
			default:
				name, value := testValue(result)
				tell.run("%s: %s %.4g", label, name, value)
			}
			runs[n] = swept{dir, result}
		}()
	}
	all.Wait()
	if first == nil && ctx.Err() != nil {
		first = fmt.Errorf("%w; the sweep goes on with the command that it was begun with", context.Cause(ctx))
	}
	return runs, first
}
