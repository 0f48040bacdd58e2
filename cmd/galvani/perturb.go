package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/models"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const perturbDoc = `Silence units of a trained network, scale what they send, or add noise, and measure the
test set before and after. Every kind takes one or more strengths; each is measured alone.

--silence, --scale and --weight-noise change the weights by which the chosen units act on the
rest of the network: their columns of the recurrent matrices without the diagonal, the axial
edges at them, and their columns of the read-out unless --keep-readout is given. A unit's own
leak, gates and memory stay as they are. Silenced units are seen by no other unit and not by
the read-out, as if their output were 0 at every step; axial edges at them are cut. The units
of lgmd are compartments: their tree stays whole, and what changes is what the read-out sees.

  --silence F        a part F of the units, drawn by the seed where it is below 1
  --scale A          these weights times A
  --weight-noise S   Gaussian noise of S times the root mean square of what is chosen of each
                     parameter, on the weights that act: signs and masks are applied first.
                     Weights that act as 0 are no connections and stay 0; signs and bounds
                     are kept, by moving what is beyond to the bound
  --state-noise S    Gaussian noise of standard deviation S on h of the chosen units before
                     every step, in the unit of h

In a network of several layers, units are counted over the layers, from below: of layers of H units, unit l·H + j is
unit j of layer l, from 0. Columns of a unit in the input matrices of the layer above are changed too, and the read-out
sees the last layer alone.

One seed draws the same units and the same noise for all strengths. E and I are the populations
of a network with Dale's law, or the first part and the rest of one without.

  galvani perturb RUN --silence 0.1,0.2,0.5,1 --seeds 1,2,3
  galvani perturb RUN --units I --scale 0.5,0.9,1.1,2
  galvani perturb RUN --units 0-15,40 --state-noise 0.1 --json`

// perturbFlags are the flags of galvani perturb.
type perturbFlags struct {
	savedFlags
	units       string
	ratio       float64
	keepReadout bool
	seeds       []string
	strengths   map[analysis.Kind]*[]float64
}

// perturbed is what a perturbation leaves of the network.
type perturbed struct {
	analysis.Perturbation
	Test   scoreJSON         `json:"test"`
	Trials []analysis.Trials `json:"trials,omitempty"`
}

// perturbReport is what perturb tells; the first row is the network as it is.
type perturbReport struct {
	savedHead
	Device    string      `json:"device"`
	Backend   string      `json:"backend"`
	Sequences int         `json:"sequences"`
	Hidden    int         `json:"hidden"` // units of all layers
	Units     []int       `json:"units"`
	Readout   bool        `json:"readout"` // the weights of the read-out are perturbed too
	Rows      []perturbed `json:"rows"`
}

// perturbKinds are the kinds of perturbation, each a flag.
var perturbKinds = []struct {
	name  analysis.Kind
	usage string
	most  float64
}{
	{analysis.Silence, "silence this part of the units, 0 to 1", 1},
	{analysis.Scale, "multiply what the units send by this", math.MaxFloat32},
	{analysis.WeightNoise, "noise on the weights by which the units act, relative to them", math.MaxFloat32},
	{analysis.StateNoise, "noise on h of the units before every step, its standard deviation", math.MaxFloat32},
}

func newPerturb() *cobra.Command {
	f := perturbFlags{strengths: map[analysis.Kind]*[]float64{}}
	c := reportingRun(&f.savedFlags, &cobra.Command{Use: "perturb RUN", Short: "Silence, scale or disturb units of a trained network", Long: perturbDoc,
		PreRunE: func(*cobra.Command, []string) error { return f.check() }},
		func(c *cobra.Command, j *job, state *rundir.State, dir string) (perturbReport, error) {
			return j.perturb(c.Context(), &f, dir, state)
		}, (*printer).perturbed)
	f.add(c.Flags())
	return c
}

func (f *perturbFlags) add(flags *pflag.FlagSet) {
	f.savedFlags.add(flags)
	flags.StringVar(&f.units, "units", "all", "which units: all, E, I, or numbers and ranges such as 0-7,12")
	flags.Float64Var(&f.ratio, "ei-ratio", 0, "part of the units that is E, the first ones, in networks without Dale's law")
	flags.BoolVar(&f.keepReadout, "keep-readout", false, "leave the weights of the read-out as they are")
	flags.StringSliceVar(&f.seeds, "seeds", []string{"1"}, "seeds of what is drawn, each measured")
	for _, k := range perturbKinds {
		f.strengths[k.name] = new([]float64)
		flags.Float64SliceVar(f.strengths[k.name], string(k.name), nil, k.usage)
	}
}

// check refuses what can be refused without the run.
func (f *perturbFlags) check() error {
	given := 0
	for _, k := range perturbKinds {
		for _, s := range *f.strengths[k.name] {
			if !(s >= 0 && s <= k.most) {
				return fmt.Errorf("%w: --%s is %v, want 0 to %g", config.ErrConfig, k.name, s, k.most)
			}
			given++
		}
	}
	if given == 0 {
		return fmt.Errorf("%w: galvani perturb needs one of --silence, --scale, --weight-noise and --state-noise", errUsage)
	}
	if len(f.seeds) == 0 {
		return fmt.Errorf("%w: --seeds is empty, want at least one", config.ErrConfig)
	}
	for _, s := range f.seeds {
		if _, err := strconv.ParseUint(s, 10, 64); err != nil {
			return fmt.Errorf("%w: --seeds holds %q, want numbers from 0 on", config.ErrConfig, s)
		}
	}
	return nil
}

// perturb measures the network as it is and under every perturbation that the flags ask for.
func (j *job) perturb(ctx context.Context, f *perturbFlags, dir string, state *rundir.State) (perturbReport, error) {
	if err := j.needsForward("perturb"); err != nil {
		return perturbReport{}, err
	}
	r := perturbReport{savedHead: headOf(dir, state, j.net.Name(), j.task.Name),
		Device: j.place.device, Backend: j.place.backend, Sequences: j.task.Test.Len(), Hidden: sum(j.net.Sizes()), Readout: !f.keepReadout}
	var err error
	if r.Units, err = f.population(j.net); err != nil {
		return r, err
	}
	if len(*f.strengths[analysis.StateNoise]) > 0 && j.opt.Stateful {
		return r, fmt.Errorf("%w: --state-noise starts every sequence from rest, and this run carries states on (stateful); use --weight-noise", config.ErrConfig)
	}
	for _, p := range f.list(r.Units) {
		row := perturbed{Perturbation: p}
		if row.Test, row.Trials, err = j.under(ctx, p, &r, state); err != nil {
			return r, fmt.Errorf("%s %g: %w", p.Kind, p.Strength, err)
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// list returns the perturbations in the order of the report.
func (f *perturbFlags) list(units []int) []analysis.Perturbation {
	all := []analysis.Perturbation{{Kind: analysis.Unperturbed}}
	for _, k := range perturbKinds {
		for _, s := range *f.strengths[k.name] {
			for _, text := range f.seeds {
				seed, _ := strconv.ParseUint(text, 10, 64) // check has tried
				p := analysis.NewPerturbation(k.name, s, units, seed)
				all = append(all, p)
				if p.Seed == nil { // the same for all seeds
					break
				}
			}
		}
	}
	return all
}

// under measures the network under a perturbation.
func (j *job) under(ctx context.Context, p analysis.Perturbation, r *perturbReport, state *rundir.State) (scoreJSON, []analysis.Trials, error) {
	changed, err := j.change(p, r, state)
	if err != nil {
		return scoreJSON{}, nil, err
	}
	if err := j.session.LoadParams(changed); err != nil {
		return scoreJSON{}, nil, err
	}
	if p.Kind != analysis.StateNoise {
		return j.measure(ctx)
	}
	n := analysis.Noise{Units: r.Units, Sigma: p.Strength}
	if p.Seed != nil {
		n.Seed = *p.Seed
	}
	m, trials, err := j.subject().Noisy(ctx, j.task.Test, n)
	return newScore(m), trials, err
}

// change returns the checkpoint with the weights of a perturbation.
func (j *job) change(p analysis.Perturbation, r *perturbReport, state *rundir.State) (*rundir.State, error) {
	specs := j.net.Specs()
	stored, place := make([][]float32, len(specs)), make([]int, len(specs))
	for i, s := range specs {
		place[i] = slices.IndexFunc(state.Tensors, func(t safetensors.Tensor) bool { return t.Name == s.Name })
		var err error
		if stored[i], err = state.Tensors[place[i]].Float32s(); err != nil { // it is there: it was loaded before
			return nil, err
		}
	}
	params, err := analysis.Change(j.net, stored, p, r.Units, r.Readout)
	if err != nil {
		return nil, err
	}
	changed := *state
	changed.Tensors = slices.Clone(state.Tensors)
	for i, s := range specs {
		changed.Tensors[place[i]] = safetensors.Float32(s.Name, s.Shape, params[i])
	}
	return &changed, nil
}

// population returns the units that the flags choose, in rising order.
func (f *perturbFlags) population(net *models.Network) ([]int, error) {
	sizes := net.Sizes()
	h, e, all := sizes[0], net.Excitatory(), sum(sizes)
	if net.Dale() && f.ratio != 0 {
		return nil, fmt.Errorf("%w: --ei-ratio is for networks without Dale's law, and this one has %d E and %d I units; leave it out", config.ErrConfig, e, h-e)
	}
	switch f.units {
	case "all":
		return numbered(0, all), nil
	case "E", "I":
		if !net.Dale() {
			if !(f.ratio > 0 && f.ratio < 1) {
				return nil, fmt.Errorf("%w: without Dale's law --units %s needs --ei-ratio, the part of the units that is E, between 0 and 1", config.ErrConfig, f.units)
			}
		}
		var units []int
		first := 0
		for _, h := range sizes {
			if !net.Dale() {
				e = int(math.Round(f.ratio * float64(h)))
			}
			if f.units == "E" {
				units = append(units, numbered(first, first+e)...)
			} else {
				units = append(units, numbered(first+e, first+h)...)
			}
			first += h
		}
		if len(units) == 0 {
			return nil, fmt.Errorf("%w: --units %s: the ratio of E and I leaves a population empty, none of %d units is %s", config.ErrConfig, f.units, all, f.units)
		}
		return units, nil
	}
	return parseUnits(f.units, all)
}

// parseUnits reads numbers and ranges of units below h, separated by commas.
func parseUnits(text string, h int) ([]int, error) {
	chosen := make([]bool, h)
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.Atoi(strings.TrimSpace(first))
		b, errB := strconv.Atoi(strings.TrimSpace(last))
		if errA != nil || errB != nil || a < 0 || a > b || b >= h {
			return nil, fmt.Errorf("%w: --units holds %q, want all, E, I, or numbers and ranges of 0 to %d such as 0-7,12", config.ErrConfig, part, h-1)
		}
		for u := a; u <= b; u++ {
			chosen[u] = true
		}
	}
	var units []int
	for u, yes := range chosen {
		if yes {
			units = append(units, u)
		}
	}
	return units, nil
}

// sum returns that of a list.
func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}

// numbered returns the numbers from a to b−1.
func numbered(a, b int) []int {
	var list []int
	for i := a; i < b; i++ {
		list = append(list, i)
	}
	return list
}

// ranges writes rising numbers as parseUnits reads them.
func ranges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		k := i
		for k+1 < len(list) && list[k+1] == list[k]+1 {
			k++
		}
		if k == i {
			parts = append(parts, fmt.Sprint(list[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", list[i], list[k]))
		}
		i = k + 1
	}
	return strings.Join(parts, ",")
}

func (p *printer) perturbed(r perturbReport) {
	p.title("%s on %s", r.Model, r.Task)
	p.line("checkpoint  %s (step %d)", r.Checkpoint, r.Step)
	p.line("device      %s, backend %s", r.Device, r.Backend)
	p.line("sequences   %d", r.Sequences)
	p.line("units       %s (%d of %d)", ranges(r.Units), len(r.Units), r.Hidden)
	head := []string{"PERTURBATION", "STRENGTH", "SEED", "LOSS"}
	before := r.Rows[0]
	switch {
	case len(before.Trials) > 0:
		head = append(head, "DECISIONS RIGHT", "STEPS RIGHT")
	case before.Test.Accuracy != nil:
		head = append(head, "ACCURACY")
	}
	var rows, curves [][]string
	for _, row := range r.Rows {
		cells := named(row.Perturbation)
		curve := slices.Clone(cells)
		cells = append(cells, fmt.Sprintf("%.6f", row.Test.Loss))
		switch {
		case len(row.Trials) > 0:
			cells = append(cells, percentRight(analysis.Total(row.Trials)), fmt.Sprintf("%.2f %%", 100**row.Test.StepAccuracy))
		case row.Test.Accuracy != nil:
			cells = append(cells, fmt.Sprintf("%.2f %%", 100**row.Test.Accuracy))
		}
		rows = append(rows, cells)
		for _, t := range row.Trials {
			curve = append(curve, percentRight(t))
		}
		curves = append(curves, curve)
	}
	p.line("")
	p.table(head, rows)
	if len(before.Trials) > 1 {
		head = head[:3:3]
		for _, t := range before.Trials {
			head = append(head, t.Name())
		}
		p.title("\nDecisions right by coherence")
		p.table(head, curves)
	}
}

// named names a perturbation in a table.
func named(p analysis.Perturbation) []string {
	c := []string{string(p.Kind), "", ""}
	if p.Kind != analysis.Unperturbed {
		c[1] = fmt.Sprintf("%g", p.Strength)
	}
	if p.Seed != nil {
		c[2] = fmt.Sprint(*p.Seed)
	}
	return c
}
