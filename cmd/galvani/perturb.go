package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

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
the read-out, as if their output were 0 at every step; axial edges at them are cut.

  --silence F        a part F of the units, drawn by the seed where it is below 1
  --scale A          these weights times A
  --weight-noise S   Gaussian noise of S times the root mean square of what is chosen of each
                     parameter; weights that are 0 are no connections and stay 0,
                     and bounds are kept
  --state-noise S    Gaussian noise of standard deviation S on h of the chosen units before
                     every step, in the unit of h

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
	strengths   map[string]*[]float64 // by kind
}

// perturbation is one change of the network.
type perturbation struct {
	Kind     string  `json:"perturbation"` // none, or one of perturbKinds
	Strength float64 `json:"strength"`
	Seed     *uint64 `json:"seed,omitempty"`  // of what was drawn
	Units    []int   `json:"units,omitempty"` // silenced, of silence
}

// perturbed is what a perturbation leaves of the network.
type perturbed struct {
	perturbation
	Test   scoreJSON `json:"test"`
	Trials []trials  `json:"trials,omitempty"`
}

// perturbReport is what perturb tells; the first row is the network as it is.
type perturbReport struct {
	Run        string      `json:"run"`
	Checkpoint string      `json:"checkpoint"`
	Step       int64       `json:"step"`
	Model      string      `json:"model"`
	Task       string      `json:"task"`
	Device     string      `json:"device"`
	Backend    string      `json:"backend"`
	Sequences  int         `json:"sequences"`
	Hidden     int         `json:"hidden"`
	Units      []int       `json:"units"`
	Readout    bool        `json:"readout"` // the weights of the read-out are perturbed too
	Rows       []perturbed `json:"rows"`
}

// perturbKinds are the kinds of perturbation, each a flag.
var perturbKinds = []struct {
	name, usage string
	most        float64
}{
	{"silence", "silence this part of the units, 0 to 1", 1},
	{"scale", "multiply what the units send by this", math.MaxFloat32},
	{"weight-noise", "noise on the weights by which the units act, relative to them", math.MaxFloat32},
	{"state-noise", "noise on h of the units before every step, its standard deviation", math.MaxFloat32},
}

func newPerturb() *cobra.Command {
	var asJSON bool
	f := perturbFlags{strengths: map[string]*[]float64{}}
	c := &cobra.Command{Use: "perturb RUN", Short: "Silence, scale or disturb units of a trained network",
		Long: perturbDoc, Args: exactArgs("RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			j, state, err := f.open(args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			defer j.close()
			r, err := j.perturb(c.Context(), &f, args[0], state)
			if err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.perturbed(r) })
		},
		PreRunE: func(*cobra.Command, []string) error { return f.check() }}
	jsonFlag(c, &asJSON)
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
		flags.Float64SliceVar(f.strengths[k.name], k.name, nil, k.usage)
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
	r := perturbReport{Run: dir, Checkpoint: state.Path, Step: state.Step, Model: j.net.Name(), Task: j.task.Name,
		Device: j.place.device, Backend: j.place.backend, Sequences: j.task.Test.Len(), Hidden: j.net.Hidden(), Readout: !f.keepReadout}
	var err error
	if r.Units, err = f.population(j.net); err != nil {
		return r, err
	}
	if len(*f.strengths["state-noise"]) > 0 && j.opt.Stateful {
		return r, fmt.Errorf("%w: --state-noise starts every sequence from rest, and this run carries states on (stateful); use --weight-noise", config.ErrConfig)
	}
	for _, p := range f.list(r.Units) {
		row := perturbed{perturbation: p}
		if row.Test, row.Trials, err = j.under(ctx, p, &r, state); err != nil {
			return r, fmt.Errorf("%s %g: %w", p.Kind, p.Strength, err)
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

// list returns the perturbations in the order of the report.
func (f *perturbFlags) list(units []int) []perturbation {
	all := []perturbation{{Kind: "none"}}
	for _, k := range perturbKinds {
		for _, s := range *f.strengths[k.name] {
			p := perturbation{Kind: k.name, Strength: s}
			if k.name == "scale" || s == 0 || k.name == "silence" && s == 1 {
				if k.name == "silence" && s == 1 {
					p.Units = units
				}
				all = append(all, p)
				continue
			}
			for _, text := range f.seeds {
				seed, _ := strconv.ParseUint(text, 10, 64) // check has tried
				p.Seed = &seed
				if k.name == "silence" {
					p.Units = draw(units, s, seed)
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// draw returns a part of the units, in their order. A larger part holds a smaller one of the
// same seed.
func draw(units []int, part float64, seed uint64) []int {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(units))
	some := make([]int, 0, len(units))
	for _, i := range order[:int(math.Round(part*float64(len(units))))] {
		some = append(some, units[i])
	}
	slices.Sort(some)
	return some
}

// under measures the network under a perturbation.
func (j *job) under(ctx context.Context, p perturbation, r *perturbReport, state *rundir.State) (scoreJSON, []trials, error) {
	if p.Kind == "state-noise" {
		if err := j.session.LoadParams(state); err != nil {
			return scoreJSON{}, nil, err
		}
		n := stateNoise{units: r.Units, sigma: p.Strength}
		if p.Seed != nil {
			n.seed = *p.Seed
		}
		return j.measureNoisy(ctx, n)
	}
	changed, err := j.change(p, r, state)
	if err != nil {
		return scoreJSON{}, nil, err
	}
	if err := j.session.LoadParams(changed); err != nil {
		return scoreJSON{}, nil, err
	}
	return j.measure(ctx)
}

// change returns the checkpoint with the weights of a perturbation.
func (j *job) change(p perturbation, r *perturbReport, state *rundir.State) (*rundir.State, error) {
	specs := j.net.Specs()
	params, place := make([][]float32, len(specs)), make([]int, len(specs))
	for i, s := range specs {
		place[i] = slices.IndexFunc(state.Tensors, func(t safetensors.Tensor) bool { return t.Name == s.Name })
		var err error
		if params[i], err = state.Tensors[place[i]].Float32s(); err != nil { // it is there: it was loaded before
			return nil, err
		}
	}
	var err error
	switch p.Kind {
	case "silence":
		err = j.net.Outgoing(p.Units, r.Readout, func(param, e int) { params[param][e] = 0 })
	case "scale":
		err = j.net.Outgoing(r.Units, r.Readout, func(param, e int) { params[param][e] *= float32(p.Strength) })
	case "weight-noise":
		err = j.jitter(params, p, r)
	}
	changed := *state
	changed.Tensors = slices.Clone(state.Tensors)
	for i, s := range specs {
		changed.Tensors[place[i]] = safetensors.Float32(s.Name, s.Shape, params[i])
	}
	return &changed, err
}

// jitter adds Gaussian noise to the weights by which the units act, and keeps their bounds.
func (j *job) jitter(params [][]float32, p perturbation, r *perturbReport) error {
	if p.Seed == nil { // no noise
		return nil
	}
	squares, n := make([]float64, len(params)), make([]float64, len(params))
	err := j.net.Outgoing(r.Units, r.Readout, func(param, e int) {
		if v := float64(params[param][e]); v != 0 {
			squares[param] += v * v
			n[param]++
		}
	})
	if err != nil {
		return err
	}
	specs := j.net.Specs()
	rng := rand.New(rand.NewPCG(*p.Seed, 0))
	return j.net.Outgoing(r.Units, r.Readout, func(param, e int) {
		noise := rng.NormFloat64()
		if at := &params[param][e]; *at != 0 {
			b := specs[param].Bound
			if columns := specs[param].Columns; columns != nil {
				b = columns[e%len(columns)]
			}
			v := float64(*at) + p.Strength*math.Sqrt(squares[param]/n[param])*noise
			*at = float32(min(max(v, b.Lo), b.Hi))
		}
	})
}

// population returns the units that the flags choose, in rising order.
func (f *perturbFlags) population(net *models.Network) ([]int, error) {
	h, e := net.Hidden(), net.Excitatory()
	if e > 0 && f.ratio != 0 {
		return nil, fmt.Errorf("%w: --ei-ratio is for networks without Dale's law, and this one has %d E and %d I units; leave it out", config.ErrConfig, e, h-e)
	}
	switch f.units {
	case "all":
		return numbered(0, h), nil
	case "E", "I":
		if e == 0 {
			if !(f.ratio > 0 && f.ratio < 1) {
				return nil, fmt.Errorf("%w: without Dale's law --units %s needs --ei-ratio, the part of the units that is E, between 0 and 1", config.ErrConfig, f.units)
			}
			e = int(math.Round(f.ratio * float64(h)))
		}
		if e == 0 || e == h {
			return nil, fmt.Errorf("%w: --ei-ratio %g of %d units leaves a population empty", config.ErrConfig, f.ratio, h)
		}
		if f.units == "E" {
			return numbered(0, e), nil
		}
		return numbered(e, h), nil
	}
	return parseUnits(f.units, h)
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
	if before.Test.Accuracy != nil {
		head = append(head, "ACCURACY")
	}
	if len(before.Trials) > 0 {
		head = append(head, "DECISIONS RIGHT")
	}
	var rows, curves [][]string
	for _, row := range r.Rows {
		cells := row.cells()
		curve := slices.Clone(cells)
		cells = append(cells, fmt.Sprintf("%.6f", row.Test.Loss))
		if row.Test.Accuracy != nil {
			cells = append(cells, fmt.Sprintf("%.2f %%", 100**row.Test.Accuracy))
		}
		if len(row.Trials) > 0 {
			cells = append(cells, total(row.Trials).percent())
		}
		rows = append(rows, cells)
		for _, t := range row.Trials {
			curve = append(curve, t.percent())
		}
		curves = append(curves, curve)
	}
	p.line("")
	p.table(head, rows)
	if len(before.Trials) > 1 {
		head = head[:3:3]
		for _, t := range before.Trials {
			head = append(head, fmt.Sprintf("%g %%", t.Coherence))
		}
		p.title("\nDecisions right by coherence")
		p.table(head, curves)
	}
}

// cells names a perturbation in a table.
func (p perturbation) cells() []string {
	c := []string{p.Kind, "", ""}
	if p.Kind != "none" {
		c[1] = fmt.Sprintf("%g", p.Strength)
	}
	if p.Seed != nil {
		c[2] = fmt.Sprint(*p.Seed)
	}
	return c
}
