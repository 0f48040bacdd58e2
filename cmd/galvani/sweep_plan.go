package main

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/infile"
)

// mostRuns is how many runs a sweep may have.
const mostRuns = 10000

// sweepPlan is the file of a sweep.
type sweepPlan struct {
	path  string
	text  []byte
	base  []layer
	seeds int
	// metrics are told of beside what runs are compared by.
	metrics []string
	set     []config.Pair
	grid    axes
	drawn   draws
}

// names returns the keys that differ between combinations.
func (p *sweepPlan) names() []string { return append(p.grid.names(), p.drawn.names()...) }

// axis is a key with the values that it takes; axes are those of a grid, in the order of their names.
type axis struct {
	name   string
	values []any
}

type axes []axis

func (g axes) names() []string {
	names := []string{}
	for _, a := range g {
		names = append(names, a.name)
	}
	return names
}

// sweepCell is one combination.
type sweepCell struct {
	pairs  []config.Pair
	values []string
	seed   uint64 // of the first run
	device string
}

// readSweep reads the file of a sweep.
//
// Errors: config.ErrConfig, with the file and the key.
func readSweep(path string) (*sweepPlan, error) {
	text, err := infile.Read(path)
	if err != nil {
		return nil, missingInput(err)
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w: %s", path, config.ErrConfig, fmt.Sprintf(format, args...))
	}
	var file struct {
		Config  []string         `toml:"config"`
		Seeds   int              `toml:"seeds"`
		Metrics []string         `toml:"metrics"`
		Set     map[string]any   `toml:"set"`
		Grid    map[string][]any `toml:"grid"`
		Random  map[string]any   `toml:"random"`
	}
	file.Seeds = 1
	if err := infile.DecodeTOML(text, &file, []string{"config", "seeds", "metrics", "set", "grid", "random"}); err != nil {
		if strings.HasPrefix(err.Error(), "unknown key") {
			err = fmt.Errorf("%w; %s", err, whereSettings)
		}
		return nil, wrong("%v", err)
	}
	if file.Seeds < 1 || file.Seeds > mostRuns {
		return nil, wrong("seeds is %d, want 1 to %d", file.Seeds, mostRuns)
	}
	p := &sweepPlan{path: path, text: text, seeds: file.Seeds, metrics: file.Metrics}
	for _, name := range file.Config {
		base, err := readLayer(name)
		if err != nil {
			return nil, err
		}
		p.base = append(p.base, base)
	}
	for _, name := range slices.Sorted(maps.Keys(file.Set)) {
		p.set = append(p.set, config.Pair{Name: name, Value: file.Set[name]})
	}
	runs := big.NewInt(int64(file.Seeds))
	for _, name := range slices.Sorted(maps.Keys(file.Grid)) {
		_, twice := file.Set[name]
		switch values := file.Grid[name]; {
		case name == "seed" || name == "runs_dir":
			return nil, wrong("grid holds %s; give the number of seeds as seeds, and the folder with --out", name)
		case twice:
			return nil, wrong("%s is in set and in grid; leave one out", name)
		case len(values) == 0:
			return nil, wrong("grid: %s has no values, want a list such as [1, 2]", name)
		default:
			runs.Mul(runs, big.NewInt(int64(len(values))))
			p.grid = append(p.grid, axis{name, values})
		}
	}
	if p.drawn, err = readDraws(file.Random, p.grid, file.Set); err != nil {
		return nil, wrong("%v", err)
	}
	runs.Mul(runs, big.NewInt(int64(p.drawn.samples)))
	if runs.Cmp(big.NewInt(mostRuns)) > 0 {
		return nil, wrong("the grid has %s runs, want at most %d", runs, mostRuns)
	}
	if _, ok := file.Set["runs_dir"]; ok {
		return nil, wrong("set holds runs_dir; give the folder with --out")
	}
	if len(p.names()) == 0 && file.Seeds == 1 {
		return nil, wrong("it varies nothing; add a table [grid] with lists of values, such as lr = [0.001, 0.01], a table [random], or seeds = 5")
	}
	return p, nil
}

// cells returns all combinations, the last key the fastest, with settings that are known to be right, those of own among them.
//
// Errors: those of resolve, for the first that is not.
func (p *sweepPlan) cells(own layer) (list []sweepCell, err error) {
	list = []sweepCell{{pairs: p.set, values: []string{}}}
	for _, a := range p.grid {
		if twice, ok := a.twice(); ok {
			return nil, fmt.Errorf("%s: %w: %s has the value %s twice, which would be runs made twice; leave one out", p.path, config.ErrConfig, a.name, twice)
		}
		var next []sweepCell
		for _, c := range list {
			for _, v := range a.values {
				next = append(next, sweepCell{pairs: append(slices.Clip(c.pairs), config.Pair{Name: a.name, Value: v}),
					values: append(slices.Clip(c.values), valueText(v))})
			}
		}
		list = next
	}
	list = p.drawn.spread(list)
	for i, c := range list {
		s, err := resolve(append(slices.Clone(p.base), layer{pairs: c.pairs}, own)...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
		list[i].seed, list[i].device = s.opt.Seed, s.run.Device
	}
	return list, nil
}

// twice returns a value that an axis has more than once.
func (a axis) twice() (string, bool) {
	for i, v := range a.values {
		text := valueText(v)
		if slices.ContainsFunc(a.values[:i], func(before any) bool { return sameValue(valueText(before), text) }) {
			return text, true
		}
	}
	return "", false
}

// valueText writes a value of an axis.
func valueText(v any) string { return strings.Trim(fmt.Sprint(v), "[]") }

// layer returns the settings of the run with one of the seeds.
func (c sweepCell) layer(p *sweepPlan, k int) layer {
	return layer{pairs: append(slices.Clip(c.pairs), config.Pair{Name: "seed", Value: config.Text(fmt.Sprint(c.seed + uint64(k)))})}
}

// label names a run for people.
func (c sweepCell) label(keys []string, p *sweepPlan, k int) string {
	var parts []string
	for i, name := range keys {
		parts = append(parts, name+" "+c.values[i])
	}
	return strings.Join(append(parts, fmt.Sprintf("seed %d", c.seed+uint64(k))), ", ")
}
