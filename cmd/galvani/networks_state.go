package main

import (
	"fmt"
	"math"
	"strconv"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/circuits"

	"github.com/spf13/cobra"
)

const networksStateDoc = `Show the state of a simulation that galvani simulate --save keeps in a file: mean, standard deviation and range of
each variable and of the current of each synapse of a population, and of weights that change and of their traces, which
are called by their projection, such as i-to-e.weight. With names, in the form that --set of simulate takes, show the
numbers themselves.

  galvani simulate isp --n 1000 --for 1s --save learns.safetensors
  galvani networks state learns.safetensors
  galvani networks state learns.safetensors "e.V[0:5]" "i-to-e.weight[0:10]"
  galvani simulate isp --resume learns.safetensors --for 2s --set "e.V=-70" --set "i-to-e.weight=-60"`

// networkState is what networks state tells.
type networkState struct {
	Network string            `json:"network"`
	Set     map[string]string `json:"settings"`
	Step    int64             `json:"step"`
	Ms      float64           `json:"ms"`
	State   []stateReport     `json:"state"`
}

// stateReport is an array of a state, or a range of one.
type stateReport struct {
	Of      string    `json:"of"`
	Name    string    `json:"name"`
	Unit    string    `json:"unit"`
	N       int       `json:"n"`
	Mean    float64   `json:"mean"`
	SD      float64   `json:"sd"`
	Least   float64   `json:"least"`
	Largest float64   `json:"largest"`
	First   int       `json:"first"`
	Values  []float64 `json:"values,omitempty"` // of what was named
}

func newNetworksState() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "state FILE [NAME]...", Short: "Show the state of a simulation of a network that was saved", Long: networksStateDoc,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%w: galvani networks state needs a FILE that simulate --save wrote", errUsage)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := describeState(args[0], args[1:])
			if err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.networkState(r, len(args) > 1) })
		}}
	jsonFlag(c, &asJSON)
	return c
}

// describeState reads a saved simulation, and of its state what is named, or all.
func describeState(path string, names []string) (r networkState, err error) {
	old, file, err := readSaved(path)
	if err != nil {
		return r, err
	}
	net, err := old.blueprint()
	if err != nil {
		return r, err
	}
	if err := old.restore(file, outline(net)); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	r = networkState{Network: old.Network, Set: old.Settings, Step: old.state.Step, Ms: msOf(float64(old.state.Step), net.Step), State: []stateReport{}}
	all := stateArrays(net, old.state)
	for _, a := range all {
		if len(names) == 0 {
			r.State = append(r.State, a.report(0, len(a.values), false))
		}
	}
	for _, name := range names {
		part := namedForm.FindStringSubmatch(name)
		if part == nil {
			return r, fmt.Errorf("%w: %q is no name of a state, want POPULATION.VARIABLE or POPULATION.VARIABLE[FIRST:END], such as e.V[0:10]", config.ErrConfig, setting.Shorten(name))
		}
		a, first, end, err := within(all, part)
		if err != nil {
			return r, fmt.Errorf("%w: %s: %w", config.ErrConfig, name, err)
		}
		r.State = append(r.State, a.report(first, end, true))
	}
	return r, nil
}

// blueprint returns the network of a saved simulation at its settings.
func (s *saved) blueprint() (*circuits.Blueprint, error) {
	n, err := loadNetwork(s.Network)
	if err != nil {
		return nil, err
	}
	if isFile(s.Network) && n.SHA256() != s.File {
		return nil, fmt.Errorf("%w: %s was changed after the simulation was saved; give the file as it was", config.ErrConfig, s.Network)
	}
	for _, k := range n.Keys {
		if text, ok := s.Settings[k.Flag()]; ok {
			if err := k.Parse(text); err != nil {
				return nil, fmt.Errorf("%w: %w", errInput, err)
			}
		}
	}
	step, err := strconv.ParseFloat(s.Settings[savedStep], 64)
	if err != nil || !(step > 0) {
		return nil, fmt.Errorf("%w: its step is %q", errInput, s.Settings[savedStep])
	}
	net, err := n.Blueprint(step)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	return net, nil
}

// outline returns the circuit of a network without its entries, as far as restore looks at it.
func outline(net *circuits.Blueprint) *kernels.Circuit {
	c := &kernels.Circuit{Step: net.Step, Probes: net.Probes}
	for _, p := range net.Populations {
		c.Populations = append(c.Populations, p.Population)
	}
	for _, q := range net.Connections {
		c.Projections = append(c.Projections, kernels.Projection{From: q.From, To: q.To, Synapse: q.Synapse, Plasticity: q.Plasticity})
	}
	return c
}

// report tells of the numbers first to end-1, with them where they were named.
func (a stateArray) report(first, end int, named bool) stateReport {
	r := stateReport{Of: a.of, Name: a.name, Unit: a.unit, N: end - first, First: first, Least: math.Inf(1), Largest: math.Inf(-1)}
	if r.N == 0 {
		r.Least, r.Largest = 0, 0
		return r
	}
	var all []float64
	for _, v := range a.values[first:end] {
		x := float64(v) / a.scale
		all, r.Least, r.Largest = append(all, x), min(r.Least, x), max(r.Largest, x)
	}
	if named {
		r.Values = all
	}
	r.Mean, r.SD = analysis.Spread(all)
	return r
}

func (p *printer) networkState(r networkState, named bool) {
	p.title("%s, after %g ms (step %d)", r.Network, r.Ms, r.Step)
	var rows [][]string
	if named {
		for _, a := range r.State {
			for i, x := range a.Values {
				rows = append(rows, []string{fmt.Sprintf("%s.%s[%d]", a.Of, a.Name, a.First+i), fmt.Sprintf("%.7g", x), a.Unit})
			}
		}
		p.table([]string{"NUMBER", "VALUE", "UNIT"}, rows)
		return
	}
	for _, a := range r.State {
		rows = append(rows, []string{a.Of + "." + a.Name, fmt.Sprint(a.N), fmt.Sprintf("%.5g", a.Mean), fmt.Sprintf("%.4g", a.SD), fmt.Sprintf("%.5g", a.Least), fmt.Sprintf("%.5g", a.Largest), a.Unit})
	}
	p.table([]string{"STATE", "NUMBERS", "MEAN", "SD", "LEAST", "LARGEST", "UNIT"}, rows)
}
