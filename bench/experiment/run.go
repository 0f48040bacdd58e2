package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"galvani/bench/rows"
	"galvani/engine/group"
	"galvani/kernels"
)

// Job is an experiment that is to be run or reported.
type Job struct {
	Entry
	Settings Settings
	Seeds    int      // number of seeds, from 1 on
	Quick    bool     // Settings.Quick was called
	Only     []string // beginnings of the names of the conditions that Run runs, none for all; a report is of all
	Dir      string   // folder of results
	Command  string   // that repeats it
	Threads  int
	DataDir  string
	Program  rows.Program
	// Open opens the device for training; a nil device is the unrolled graph. The job closes it.
	Open func() (dev kernels.Device, name string, err error)
	// Configure is Env.Configure.
	Configure func(model, task string, keys map[string]any) (Training, error)
	// Watch is told how a run goes; nil for nobody.
	Watch func(Progress)
	// Group is the ranks that share the cases, each with a job of the same settings; nil for one. Rank 0
	// alone reads and writes files, and may report.
	Group group.Group
}

// Progress is how far a run is.
type Progress struct {
	Case  Case    // under way, or just finished
	Part  float64 // of it, from 0 to 1
	Row   *Row    // of a case that has just been finished, otherwise nil
	Done  int     // cases, those of earlier runs included
	Total int
	Share float64       // of the whole cost, from 0 to 1
	Left  time.Duration // estimate; 0 where nothing is known yet
}

// plan is what there is to do and what was done.
type plan struct {
	settings json.RawMessage
	cases    []Case
	rows     Rows  // of these cases
	size     int64 // of the whole lines in the file
}

// plan lists the cases and reads the rows.
func (j *Job) plan() (*plan, error) {
	p := &plan{}
	var err error
	if p.cases, err = j.cases(); err != nil {
		return nil, err
	}
	if p.settings, err = settingsJSON(j.Settings); err != nil {
		return nil, err
	}
	all, size, err := readRows(j.path(".jsonl"))
	p.rows, p.size = all.of(p.cases, p.settings), size
	return p, err
}

// cases lists the cases.
func (j *Job) cases() ([]Case, error) {
	if j.Seeds < 1 {
		return nil, fmt.Errorf("experiment: seeds is %d, want at least 1: %w", j.Seeds, ErrSettings)
	}
	seeds := make([]uint64, j.Seeds)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	cases, err := j.Settings.Cases(seeds)
	if err != nil {
		return nil, fmt.Errorf("experiment: %s: %w: %w", j.Name, ErrSettings, err)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("experiment: %s: there is nothing to run; name at least one condition: %w", j.Name, ErrSettings)
	}
	seen := map[key]bool{}
	for _, c := range cases {
		if seen[c.key()] {
			return nil, fmt.Errorf("experiment: %s has two cases %q of seed %d: %w", j.Name, c.Condition, c.Seed, ErrSettings)
		}
		seen[c.key()] = true
	}
	return cases, nil
}

// chosen returns the cases that Only names.
//
// Errors: ErrSettings for a beginning that no condition has.
func (j *Job) chosen(cases []Case) ([]Case, error) {
	if len(j.Only) == 0 {
		return cases, nil
	}
	var names []string
	found, used := []Case{}, map[string]bool{}
	for _, c := range cases {
		if !slices.Contains(names, c.Condition) {
			names = append(names, c.Condition)
		}
		named := false
		for _, begin := range j.Only {
			if strings.HasPrefix(c.Condition, begin) {
				named, used[begin] = true, true
			}
		}
		if named {
			found = append(found, c)
		}
	}
	for _, begin := range j.Only {
		if !used[begin] {
			return nil, fmt.Errorf("experiment: %s: no condition begins with %q, want one of %q: %w", j.Name, begin, names, ErrSettings)
		}
	}
	return found, nil
}

// Rows returns the rows that there are of the job's cases, in the order of the cases.
//
// Errors: ErrRows; those of settings and file.
func (j *Job) Rows() (Rows, error) {
	p, err := j.plan()
	if err != nil {
		return nil, err
	}
	return p.rows, nil
}

// Run runs every case that has no row yet and appends its row to NAME.jsonl. Ranks run as many cases at
// a time as there are ranks. When ctx is cancelled the rows of all finished cases are there and the next
// call goes on.
//
// Errors: the cause of ctx, and ErrStopped where another rank was cancelled; ErrRows; those of cases, files,
// devices and the group.
func (j *Job) Run(ctx context.Context) (err error) {
	if j.Group == nil {
		j.Group = group.Alone{}
	}
	if j.Group.Rank() > 0 {
		return j.follow(ctx)
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return err
	}
	p, err := j.plan()
	if err == nil {
		p.cases, err = j.chosen(p.cases)
	}
	if err != nil {
		return err
	}
	p.rows = p.rows.of(p.cases, p.settings)
	file, err := rows.Open(j.path(".jsonl"), p.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := newRunner(j, p)
	defer func() { err = errors.Join(err, r.close()) }()
	return r.rounds(ctx, func(row Row) error { return file.Add(row) })
}

// follow runs cases as a rank behind the first, which writes the rows.
func (j *Job) follow(ctx context.Context) (err error) {
	p := &plan{}
	if p.settings, err = settingsJSON(j.Settings); err != nil {
		return err
	}
	if p.cases, err = j.cases(); err != nil {
		return err
	}
	if p.cases, err = j.chosen(p.cases); err != nil {
		return err
	}
	r := newRunner(j, p)
	defer func() { err = errors.Join(err, r.close()) }()
	return r.rounds(ctx, nil)
}

// runner is a run under way.
type runner struct {
	*Job
	env     *Env
	head    Row // what all rows share
	done    map[key]bool
	total   float64 // cost of all cases
	spent   float64 // cost of the finished ones
	seconds float64 // that they took
	list    []Case
}

func newRunner(j *Job, p *plan) *runner {
	r := &runner{Job: j, done: map[key]bool{}, list: p.cases}
	r.env = &Env{Threads: j.Threads, DataDir: j.DataDir, Configure: j.Configure, open: j.Open}
	r.head = Row{Head: rows.Head{Schema: rows.Schema, Quick: j.Quick, Machine: rows.ThisMachine(j.Threads), Program: j.Program},
		Experiment: j.Name, Settings: p.settings}
	for _, row := range p.rows {
		r.done[key{row.Condition, row.Seed}] = true
		r.seconds += row.Seconds
	}
	for _, c := range p.cases {
		r.total += c.cost()
		if r.done[c.key()] {
			r.spent += c.cost()
		}
	}
	return r
}

func (r *runner) close() error {
	if r.env.device == nil {
		return nil
	}
	return r.env.device.Close()
}

func (c Case) key() key { return key{c.Condition, c.Seed} }

func (c Case) cost() float64 {
	if c.Cost > 0 {
		return c.Cost
	}
	return 1
}

// measure runs one case.
func (r *runner) measure(ctx context.Context, c Case) (Row, error) {
	begin := time.Now()
	r.env.Tick = func(part float64) { r.tell(c, part, time.Since(begin), nil) }
	r.env.Tick(0)
	row := r.head
	row.Condition, row.Seed, row.Date = c.Condition, c.Seed, begin.UTC().Format(time.RFC3339)
	var err error
	if row.Result, err = c.Run(ctx, r.env); err != nil {
		if ctx.Err() != nil {
			return row, context.Cause(ctx)
		}
		return row, fmt.Errorf("experiment: %s: %s, seed %d: %w", r.Name, c.Condition, c.Seed, err)
	}
	row.Seconds, row.Device = time.Since(begin).Seconds(), r.env.name
	return row, nil
}

// finished counts a case.
func (r *runner) finished(c Case, row Row) {
	r.done[c.key()] = true
	r.spent += c.cost()
	r.seconds += row.Seconds
	r.tell(c, 0, 0, &row)
}

// tell reports progress; part and took are of the case under way.
func (r *runner) tell(c Case, part float64, took time.Duration, row *Row) {
	if r.Watch == nil {
		return
	}
	spent := r.spent + part*c.cost()
	p := Progress{Case: c, Part: part, Row: row, Done: len(r.done), Total: len(r.list), Share: spent / r.total}
	if spent > 0 {
		p.Left = time.Duration((r.total - spent) / spent * (r.seconds + took.Seconds()) / float64(r.Group.Size()) * float64(time.Second))
	}
	r.Watch(p)
}
