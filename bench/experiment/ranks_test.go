package experiment

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"galvani/engine/group"
)

// onRanks runs jobs on the ranks of a dry run, and makes those of a failed rank end, as the command does.
func onRanks(ctx context.Context, jobs []*Job) []error {
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, g := range group.DryRun(len(jobs)) {
		wg.Add(1)
		jobs[i].Group = g
		go func() {
			defer wg.Done()
			if errs[i] = jobs[i].Run(ctx); errs[i] != nil {
				g.Abort(errs[i])
			}
		}()
	}
	wg.Wait()
	return errs
}

// TestRanks holds that ranks make the rows of one process, each case on one of them, that a rank that fails
// loses no row of the others, and that the next run makes what is missing.
func TestRanks(t *testing.T) {
	alone := toyJob(t, newToy())
	if err := alone.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	jobs := []*Job{toyJob(t, newToy()), toyJob(t, newToy()), toyJob(t, newToy())}
	if err := errors.Join(onRanks(t.Context(), jobs)...); err != nil {
		t.Fatal(err)
	}
	got, want := read(t, jobs[0]), read(t, alone)
	for i := range want {
		if got[i].Condition != want[i].Condition || got[i].Seed != want[i].Seed || got[i].Values["x"] != want[i].Values["x"] {
			t.Errorf("row %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	for i, ran := range [][]string{{"a1", "b2"}, {"a2"}, {"b1"}} {
		if s := jobs[i].Settings.(*toy); !slices.Equal(*s.ran, ran) {
			t.Errorf("rank %d ran %v, want %v", i, *s.ran, ran)
		}
	}

	bad := errors.New("no more")
	jobs = []*Job{toyJob(t, newToy()), toyJob(t, newToy())}
	jobs[1].Settings.(*toy).fail = func(string) error { return bad }
	left := (*group.Left)(nil)
	if errs := onRanks(t.Context(), jobs); !errors.As(errs[0], &left) || left.Rank != 1 || !errors.Is(errs[1], bad) {
		t.Errorf("errors are %v, want those of a rank that failed", errs)
	}
	if rows := read(t, jobs[0]); len(rows) != 1 || rows[0].Seed != 1 {
		t.Errorf("rows %+v, want that of rank 0", rows)
	}
	jobs[1].Settings.(*toy).fail = nil
	if err := errors.Join(onRanks(t.Context(), jobs)...); err != nil || len(read(t, jobs[0])) != 4 {
		t.Errorf("went on to %d rows: %v", len(read(t, jobs[0])), err)
	}
}

// TestRanksStop cancels one rank: all end, and the row of the other is kept.
func TestRanksStop(t *testing.T) {
	stopped := errors.New("stopped")
	jobs := []*Job{toyJob(t, newToy()), toyJob(t, newToy())}
	ctx, cancel := context.WithCancelCause(t.Context())
	jobs[1].Settings.(*toy).fail = func(string) error { cancel(stopped); return stopped }
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, g := range group.DryRun(2) {
		jobs[i].Group = g
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = jobs[i].Run([]context.Context{t.Context(), ctx}[i])
		}()
	}
	wg.Wait()
	if !errors.Is(errs[0], ErrStopped) || !errors.Is(errs[1], stopped) || len(read(t, jobs[0])) != 1 {
		t.Errorf("errors are %v with %d rows, want ErrStopped, the cause and one row", errs, len(read(t, jobs[0])))
	}
}
