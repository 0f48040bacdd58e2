package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels/random"
)

// draws are the keys of a sweep whose values are drawn, in the order of their names.
type draws struct {
	samples int // of each combination of the grid; 1 without keys
	seed    int64
	keys    []drawnKey
}

// drawnKey is a key with an interval or a list of values.
type drawnKey struct {
	name       string
	values     []any // nil for an interval
	lo, hi     float64
	log, whole bool
}

func (d draws) names() (names []string) {
	for _, k := range d.keys {
		names = append(names, k.name)
	}
	return names
}

// readDraws reads the table random of a sweep.
func readDraws(table map[string]any, grid axes, set map[string]any) (draws, error) {
	d := draws{samples: 1}
	if table == nil {
		return d, nil
	}
	n, ok := table["samples"].(int64)
	if !ok || n < 1 || n > mostRuns {
		return d, fmt.Errorf("random: samples is %v, want how often to draw, 1 to %d", table["samples"], mostRuns)
	}
	d.samples = int(n)
	if seed, ok := table["search_seed"]; ok {
		if d.seed, ok = seed.(int64); !ok || d.seed < 0 {
			return d, fmt.Errorf("random: search_seed is %v, want a whole number of 0 or more", seed)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name == "samples" || name == "search_seed" {
			continue
		}
		_, twice := set[name]
		if twice || slices.Contains(grid.names(), name) {
			return d, fmt.Errorf("%s is in random and in set or grid; leave one out", name)
		}
		if name == "seed" || name == "runs_dir" {
			return d, fmt.Errorf("random holds %s; give the number of seeds as seeds, and the folder with --out", name)
		}
		list, ok := table[name].([]any)
		if !ok || len(list) == 0 {
			return d, fmt.Errorf(`random: %s is %v, want [LOW, HIGH, "uniform"], [LOW, HIGH, "log"], or a list of values`, name, table[name])
		}
		k := drawnKey{name: name, values: list}
		if how, ok := list[len(list)-1].(string); ok && len(list) == 3 && (how == "uniform" || how == "log") {
			var err error
			if k, err = interval(name, list[0], list[1], how == "log"); err != nil {
				return d, err
			}
		}
		d.keys = append(d.keys, k)
	}
	if d.keys == nil {
		return d, fmt.Errorf(`random has no key; want one such as lr = [1e-4, 1e-1, "log"]`)
	}
	return d, nil
}

// interval returns the draw of a number.
func interval(name string, low, high any, log bool) (drawnKey, error) {
	k := drawnKey{name: name, log: log, whole: !log}
	for i, v := range []any{low, high} {
		at := []*float64{&k.lo, &k.hi}[i]
		switch v := v.(type) {
		case int64:
			*at = float64(v)
		case float64:
			*at, k.whole = v, false
		default:
			return k, fmt.Errorf("random: %s holds %v, want a number", name, v)
		}
	}
	if !(k.lo < k.hi) || math.IsInf(k.hi-k.lo, 0) || log && k.lo <= 0 {
		return k, fmt.Errorf("random: %s is from %v to %v, want a smaller and a larger number, with log both above 0", name, low, high)
	}
	return k, nil
}

// value draws the value of a sample. Numbers are rounded to four digits, so that tables show what was used.
func (k drawnKey) value(stream random.Stream, sample int) any {
	u := stream.Named(k.name).Uniform(uint64(sample))
	switch {
	case k.values != nil:
		return k.values[int(u*float64(len(k.values)))]
	case k.whole:
		return int64(k.lo + math.Floor(u*(k.hi-k.lo+1)))
	}
	x := k.lo + u*(k.hi-k.lo)
	if k.log {
		x = k.lo * math.Pow(k.hi/k.lo, u)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64) // of a number that was just written
	return min(max(rounded, k.lo), k.hi)
}

// spread gives every combination its samples.
func (d draws) spread(list []sweepCell) (all []sweepCell) {
	stream := random.New(uint64(d.seed)).Named("sweep")
	for n, c := range list {
		for s := range d.samples {
			next := sweepCell{pairs: slices.Clone(c.pairs), values: slices.Clone(c.values)}
			for _, k := range d.keys {
				v := k.value(stream.Stream(uint64(n)), s)
				next.pairs = append(next.pairs, config.Pair{Name: k.name, Value: v})
				next.values = append(next.values, strings.Trim(fmt.Sprint(v), "[]"))
			}
			all = append(all, next)
		}
	}
	return all
}
