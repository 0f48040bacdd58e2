package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"

	"github.com/spf13/cobra"
)

// trainMany makes the runs of --seeds and --sweep, in a folder whose name says what was asked for, so that the same command
// finds it again.
//
// Errors: errUsage for flags that a single run has.
func (f trainFlags) trainMany(ctx context.Context, c *cobra.Command, flags layer) error {
	switch {
	case f.seeds < 1 || f.seeds > mostRuns:
		return fmt.Errorf("%w: --seeds is %d, want 1 to %d", config.ErrConfig, f.seeds, mostRuns)
	case f.seeds == 1 && len(f.sweep) == 0:
		return fmt.Errorf("%w: --jobs and --metrics have no effect without --seeds or --sweep; leave them out", errUsage)
	case f.resume != "":
		return fmt.Errorf("%w: --resume goes on with one run; leave out --seeds and --sweep, or give the command again that made the runs", errUsage)
	case ranksOf(ctx).Size() > 1:
		return fmt.Errorf("%w: --seeds and --sweep make runs of one process; start it without a launcher", errUsage)
	}
	plan, folder, err := f.manyPlan(flags)
	if err != nil {
		return err
	}
	stderr := c.ErrOrStderr()
	if f.quiet {
		stderr = io.Discard
	}
	r, err := (&sweepFlags{out: folder, jobs: f.jobs}).sweep(ctx, plan, stderr)
	if err != nil {
		return err
	}
	if f.quiet {
		fmt.Fprintln(c.OutOrStdout(), r.Out)
		return nil
	}
	return report(c, f.json, r, func(p *printer) { p.sweptRuns(r) })
}

// manyPlan returns the sweep of the flags and its folder.
func (f trainFlags) manyPlan(flags layer) (*sweepPlan, string, error) {
	plan := &sweepPlan{path: "--sweep", seeds: f.seeds, metrics: f.metrics, drawn: draws{samples: 1}}
	text := &strings.Builder{}
	fmt.Fprintf(text, "# galvani train --seeds %d\n", f.seeds)
	for _, list := range [][]string{f.sweep, f.metrics} {
		for _, one := range list {
			fmt.Fprintf(text, "# %s\n", one)
		}
	}
	for _, path := range f.configs {
		file, err := readLayer(path)
		if err != nil {
			return nil, "", err
		}
		plan.base = append(plan.base, file)
		for _, p := range file.pairs {
			fmt.Fprintf(text, "# %s: %s = %v\n", path, p.Name, p.Value)
		}
	}
	runs := defaultRunKeys().RunsDir
	for _, p := range flags.pairs {
		if p.Name == "runs_dir" {
			runs = fmt.Sprint(p.Value)
			continue
		}
		plan.set = append(plan.set, p)
		fmt.Fprintf(text, "# --%s %v\n", strings.ReplaceAll(p.Name, "_", "-"), p.Value)
	}
	if err := plan.sweepFlags(f.sweep); err != nil {
		return nil, "", err
	}
	s, err := resolve(append(plan.base, layer{pairs: plan.set})...)
	if err != nil {
		return nil, "", err
	}
	plan.text = []byte(text.String())
	sum := sha256.Sum256(plan.text)
	return plan, filepath.Join(runs, fmt.Sprintf("%s-%s-seeds%d-%x", s.run.Model, s.run.Task, f.seeds, sum[:4])), nil
}

// sweepFlags takes the values of --sweep for its grid.
func (p *sweepPlan) sweepFlags(list []string) error {
	runs := p.seeds
	for _, one := range list {
		name, values, ok := strings.Cut(one, "=")
		name = strings.ReplaceAll(name, "-", "_")
		same := func(n string) bool { return n == name }
		switch {
		case !ok || name == "" || values == "":
			return fmt.Errorf("%w: --sweep is %q, want a setting with its values, such as lr=0.01,0.1", config.ErrConfig, one)
		case name == "seed" || name == "runs_dir":
			return fmt.Errorf("%w: --sweep has %s; give the number of seeds as --seeds, and the folder as --runs-dir", config.ErrConfig, name)
		case slices.ContainsFunc(p.grid.names(), same) || slices.ContainsFunc(p.set, func(q config.Pair) bool { return q.Name == name }):
			return fmt.Errorf("%w: %s is in --sweep and given besides; leave one out", config.ErrConfig, name)
		}
		a := axis{name: name}
		for _, v := range strings.Split(values, ",") {
			a.values = append(a.values, config.Text(v))
		}
		if runs *= len(a.values); runs > mostRuns {
			return fmt.Errorf("%w: --sweep and --seeds make more than %d runs", config.ErrConfig, mostRuns)
		}
		p.grid = append(p.grid, a)
	}
	return nil
}
