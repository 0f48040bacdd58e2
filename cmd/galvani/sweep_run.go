package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels"
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
	cells, err := plan.cells()
	if err != nil {
		return r, err
	}
	if err := claim(r.Out, plan.path, plan.text); err != nil {
		return r, err
	}
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

// make makes the runs, several at once.
func (f *sweepFlags) make(ctx context.Context, plan *sweepPlan, cells []sweepCell, stderr io.Writer) ([]swept, error) {
	jobs, cores := f.jobs, runtime.GOMAXPROCS(0)
	if jobs == 0 {
		jobs = cores
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		runs  = make([]swept, len(cells)*plan.seeds)
		first error
		told  sync.Mutex // of first and stderr
		all   sync.WaitGroup
		seats = make(chan struct{}, jobs)
	)
	for n := range runs {
		seats <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Add(1)
		go func() {
			defer func() { <-seats; all.Done() }()
			c, s := cells[n/plan.seeds], n%plan.seeds
			layers := append(slices.Clone(plan.base), c.layer(plan, s))
			if jobs > 1 {
				threads := config.Pair{Name: "threads", Value: config.Text(fmt.Sprint(max(1, cores/jobs)))}
				layers = slices.Insert(layers, 0, layer{name: "--jobs", pairs: []config.Pair{threads}})
			}
			dir, result, err := runOf(ctx, filepath.Join(f.out, fmt.Sprintf("%04d", n+1)), layers)
			told.Lock()
			defer told.Unlock()
			label := fmt.Sprintf("run %d of %d: %s", n+1, len(runs), c.label(plan.names(), plan, s))
			switch {
			case errors.Is(err, kernels.ErrNotFinite):
				fmt.Fprintf(stderr, "%s: failed: %s\n", label, message(err))
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
				fmt.Fprintf(stderr, "%s: %s %.4g\n", label, name, value)
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
