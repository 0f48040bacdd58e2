package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"galvani/cmd/galvani/internal/config"

	"github.com/spf13/cobra"
)

// trainSeeds makes the runs of --seeds: a sweep of one combination, in a folder whose name says what was asked for,
// so that the same command finds it again.
//
// Errors: errUsage for flags that a single run has.
func (f trainFlags) trainSeeds(ctx context.Context, c *cobra.Command, flags layer) error {
	switch {
	case f.seeds < 1 || f.seeds > mostRuns:
		return fmt.Errorf("%w: --seeds is %d, want 1 to %d", config.ErrConfig, f.seeds, mostRuns)
	case f.seeds == 1:
		return fmt.Errorf("%w: --jobs has no effect without --seeds; leave it out", errUsage)
	case f.resume != "":
		return fmt.Errorf("%w: --resume goes on with one run; leave out --seeds, or give the command again that made the runs", errUsage)
	case ranksOf(ctx).Size() > 1:
		return fmt.Errorf("%w: --seeds makes runs of one process; start it without a launcher", errUsage)
	}
	plan, folder, err := f.seedPlan(flags)
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

// seedPlan returns the sweep of the seeds and its folder.
func (f trainFlags) seedPlan(flags layer) (*sweepPlan, string, error) {
	plan := &sweepPlan{path: "galvani train --seeds", seeds: f.seeds, drawn: draws{samples: 1}}
	text := &strings.Builder{}
	fmt.Fprintf(text, "# galvani train --seeds %d\n", f.seeds)
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
	s, err := resolve(append(plan.base, layer{pairs: plan.set})...)
	if err != nil {
		return nil, "", err
	}
	plan.text = []byte(text.String())
	sum := sha256.Sum256(plan.text)
	return plan, filepath.Join(runs, fmt.Sprintf("%s-%s-seeds%d-%x", s.run.Model, s.run.Task, f.seeds, sum[:4])), nil
}
