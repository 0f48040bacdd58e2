package main

import (
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/group"
	"galvani/models/circuits"
	"galvani/models/meanfield"

	"github.com/spf13/cobra"
)

const theoryDoc = `Compute what the theory of large networks says of their rates, beside the rates of a simulation.

Balanced rates are those at which all mean inputs cancel, to which rates tend as the network grows; they exist
where all are positive. Where they do not, some populations are silent and the others balance: the semi-balanced
fixed points r = [W r + X + r]+, each with the populations that fire and its stability. Beside them are the rates
of a simulation (--for, 0s for none), the mean input at these rates, and the exact rate of a neuron under a constant
input of that size, by quadrature. A neuron that fires at more than that is driven by fluctuations.

  galvani theory balanced --n 5000
  galvani theory semi-balanced --d 1 --for 2s
  galvani theory semi-balanced --d 0 --for 0s --circle 1 --out circle
  galvani theory my-network.toml --for 0s --json

--circle R adds R cos and R sin of all angles, in parts of their mean input, to the inputs of two populations (--circle-of,
the first two otherwise) and tells for which of these stimuli which populations fire: rates are linear in the stimulus
as long as the same populations do. --out NAME writes the rates by angle as NAME.csv, NAME.png and NAME.svg.`

// theory is what theory tells.
type theory struct {
	Network      string                 `json:"network"`
	Settings     map[string]any         `json:"settings"`
	Populations  map[string]theoryRates `json:"populations"`
	Exists       bool                   `json:"balanced_exists"`
	SemiBalanced []theoryFixed          `json:"semi_balanced"`
	Circle       *theoryCircle          `json:"circle,omitempty"`
	Rests        bool                   `json:"iteration_rests"`
	Milliseconds float64                `json:"ms"` // of the simulation
	Notes        []string               `json:"notes"`
	names        []string
}

// theoryRates are those of a population; what is not known is left out.
type theoryRates struct {
	Balanced  *float64 `json:"balanced_hz,omitempty"`
	Iterated  *float64 `json:"iterated_hz,omitempty"`
	Simulated *float64 `json:"simulated_hz,omitempty"`
	Input     *float64 `json:"mean_input_mv,omitempty"` // at the simulated rates
	Exact     *float64 `json:"exact_hz,omitempty"`      // under that input
}

type theoryFixed struct {
	Rates  map[string]float64 `json:"rates_hz"`
	Inputs map[string]float64 `json:"inputs_mv"`
	Active []string           `json:"active"`
	Stable bool               `json:"stable"`
	Growth float64            `json:"growth"` // largest real part of an eigenvalue among the active, in mV/Hz
}

func newTheory() *cobra.Command {
	c := newGroup("theory", "Compute balanced and semi-balanced rates of a network, beside those of a simulation")
	c.Long = theoryDoc
	group := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 1 && isFile(args[0]) { // of a network it would be a command, see withFile
			_, err := loadNetwork(args[0])
			return err
		}
		return group(c, args)
	}
	c.Use, c.ValidArgsFunction = "theory NAME|FILE.toml", completeNetworks
	return c
}

func newTheoryNetwork(network *circuits.Network, name string) *cobra.Command {
	var circle circleFlags
	f := simulateFlags{run: runKeys{Device: "cpu", Backend: "auto", Precision: "fp32"}, ranks: group.Alone{}, network: network}
	set := networkSettings{keys: network.Keys}
	c := reporting(&cobra.Command{Use: network.Name, Short: network.Doc, Long: network.Doc + "\n\nSource: " + dash(network.Source), Args: exactArgs()},
		func(c *cobra.Command, _ []string) (r theory, err error) {
			if err := circle.check(); err != nil {
				return r, err
			}
			if err := set.take(c.Flags()); err != nil {
				return r, err
			}
			if err := f.checkStep(); err != nil {
				return r, err
			}
			if f.length != 0 {
				if err := f.check(); err != nil {
					return r, err
				}
			}
			r = theory{Network: network.Name, Settings: set.values()}
			err = f.theory(c, name, circle, &r)
			return r, err
		}, (*printer).theory)
	flags := c.Flags()
	set.add(flags)
	f.add(flags, "simulated time, 0s for none")
	flags.Float64Var(&circle.radius, "circle", 0, "radius of a circle of stimuli to two populations, in parts of their mean input, 0 for none")
	flags.StringSliceVar(&circle.of, "circle-of", nil, "the two `populations` of --circle, with a comma between them")
	flags.StringVar(&circle.out, "out", "", "`name` of the files of --circle, without ending")
	return c
}

// theory fills in the report.
func (f *simulateFlags) theory(c *cobra.Command, name string, circle circleFlags, r *theory) error {
	b, err := f.network.Blueprint(f.step)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	l, err := b.MeanField()
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	firing := b.Firing()
	for _, p := range firing {
		r.names = append(r.names, b.Populations[p].Name)
	}
	rates := make([]theoryRates, len(firing))
	r.fixedPoints(l, rates)
	if circle.radius > 0 {
		if r.Circle, err = circle.draw(l, r.names); err != nil {
			return err
		}
	}
	for _, q := range b.Connections {
		if q.Plasticity != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("Weights from %s to %s change (%s); the theory is of those at the start", b.Populations[q.From].Name, b.Populations[q.To].Name, q.Learning.Name))
		}
	}
	if f.length != 0 {
		var s simulation
		ctx, cancel := interruptible(c.Context())
		defer cancel()
		if err := f.simulate(ctx, &saved{Network: name}, &s, c.ErrOrStderr()); err != nil {
			return err
		}
		r.Milliseconds = s.Milliseconds
		hz := make([]float64, len(firing))
		for i, name := range r.names {
			hz[i] = s.Populations[name].RateHz
		}
		for i, input := range l.Inputs(hz) {
			rates[i].Simulated, rates[i].Input = &hz[i], &input
			if n, ok := b.Populations[firing[i]].Single(); ok {
				exact := n.Rate(input)
				rates[i].Exact = &exact
			}
		}
	}
	r.Populations = map[string]theoryRates{}
	for i, name := range r.names {
		r.Populations[name] = rates[i]
	}
	return nil
}

// fixedPoints fills in the balanced and semi-balanced rates.
func (r *theory) fixedPoints(l meanfield.Linear, rates []theoryRates) {
	r.Notes, r.SemiBalanced = []string{}, []theoryFixed{}
	if balanced, err := l.Balanced(); err != nil {
		r.Notes = append(r.Notes, "There are no balanced rates: "+err.Error())
	} else {
		r.Exists = meanfield.Exists(balanced)
		for i := range rates {
			rates[i].Balanced = &balanced[i]
		}
	}
	all, err := l.SemiBalanced()
	if err != nil {
		r.Notes = append(r.Notes, "Fixed points are not looked for: "+err.Error())
	}
	for _, f := range all {
		t := theoryFixed{Rates: map[string]float64{}, Inputs: map[string]float64{}, Active: []string{}, Stable: f.Stable, Growth: f.Growth}
		for i, name := range r.names {
			t.Rates[name], t.Inputs[name] = f.Rates[i], f.Inputs[i]
		}
		for _, i := range f.Active {
			t.Active = append(t.Active, r.names[i])
		}
		r.SemiBalanced = append(r.SemiBalanced, t)
	}
	followed, rests := l.Iterate(iterations)
	if r.Rests = rests; rests {
		for i := range rates {
			rates[i].Iterated = &followed[i]
		}
	} else {
		r.Notes = append(r.Notes, fmt.Sprintf("Followed by r' = -r + [r + W r + X]+ the rates do not come to rest in %d steps", iterations))
	}
}

// iterations is how many steps rates are followed.
const iterations = 200000

func (p *printer) theory(r theory) {
	p.title("Theory of %s", r.Network)
	switch {
	case r.Exists:
		p.line("Balanced rates exist: all are positive")
	case len(r.names) > 0 && r.Populations[r.names[0]].Balanced != nil:
		p.line("Balanced rates do not exist: not all are positive")
	}
	for _, f := range r.SemiBalanced {
		var list []string
		for _, name := range r.names {
			list = append(list, fmt.Sprintf("%s %.4f Hz (input %.3g mV)", name, f.Rates[name], f.Inputs[name]))
		}
		stable := "stable"
		if !f.Stable {
			stable = "unstable"
		}
		p.paragraph("", fmt.Sprintf("Fixed point with %s active, %s (growth %.3g): %s", dash(strings.Join(f.Active, ", ")), stable, f.Growth, strings.Join(list, ", ")))
	}
	number := func(x *float64) string {
		if x == nil {
			return "-"
		}
		return fmt.Sprintf("%.4f", *x)
	}
	var rows [][]string
	for _, name := range r.names {
		q := r.Populations[name]
		rows = append(rows, []string{name, number(q.Balanced), number(q.Iterated), number(q.Simulated), number(q.Input), number(q.Exact)})
	}
	p.table([]string{"POPULATION", "BALANCED Hz", "FOLLOWED Hz", "SIMULATED Hz", "MEAN INPUT mV", "EXACT AT IT Hz"}, rows)
	if r.Milliseconds > 0 {
		p.line("Simulated for %g ms", r.Milliseconds)
	}
	p.circle(r.Circle)
	p.notes("Notes", r.Notes)
}
