package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/hostmem"
	"galvani/engine/infile"
	"galvani/kernels"
	"galvani/models/circuits"

	"github.com/spf13/cobra"
)

const networksDoc = `Networks of spiking neurons: what is built in, and files of your own.

A network is one file: populations, projections, sources, currents, what is recorded, and settings that are
flags of galvani simulate. Begin your own with the file of a built-in one:

  galvani networks show balanced --toml > my-network.toml
  galvani networks check my-network.toml
  galvani simulate my-network.toml --n 2000 --for 2s

At the top may stand dt, the length of a step ("0.1 ms"), doc and source. Populations are of neurons (lif, eif, adex and hh: galvani neurons show; hh in steps of 0.05 ms or less), or all of rate
units (neuron = "rate": tau r' = -r + f(I), f(I) = gain (I - theta)^power from r_min to r_max, or a sigmoid of a width; galvani networks show
rates-isp), or of sources: poisson, regular, trains of a file (file = "spikes.csv", as simulate --out writes it), or
correlated (correlation = 0.1, jitter = "5 ms": Poisson trains that share the spikes of a
mother process). A projection joins them by one of the keys

  probability = 0.1        each pair with a probability
  in_degree = 100          each target from so many different sources
  mean_in_degree = 100     so many synapses in the mean, at random; two units may be joined several times
  all_to_all, one_to_one   = true
  edges = "edges.csv"      a file with columns source and target, and weight and delay_ms where they differ; or an NPZ
                           file with arrays of these names: edges = { file = "run-weights.npz", of = "0.i.e" }

from and to may be lists of populations, and the numbers of a rule then rows of a matrix, a row for each of to. Weights and
delays are one number, { uniform = [LEAST, MOST] }, { normal = [MEAN, DEVIATION] } or { lognormal = [MEAN, DEVIATION] }. Of normal
weights those of the other sign than the mean are 0, by Dale's law, and of normal delays those below a step last a step.
A spike adds weight/tau to its synapse, in steps of dt as weight (1 - exp(-dt/tau))/dt, so that the area is the weight; legacy = true
in a projection divides by tau (in ms) a second time, as some published code does. [[drive]] gives each unit of a population Poisson events of its own at any rate, as of thousands of sources. [[record]]
takes V of units, of rate units their rate, the currents of synapses (currents = "1 ms") and weights that change.`

func newNetworks() *cobra.Command {
	c := newGroup("networks", "Networks of spiking neurons: populations, projections, files of your own",
		newList("List the networks", func() []brief {
			return briefs(builtinNetworks(), func(n *circuits.Network) brief { return brief{n.Name, n.Doc, n.Source} })
		}), newNetworksShow(), newNetworksCheck(), newNetworksState(), newNetworksPlasticity())
	c.Long = networksDoc
	return c
}

// builtinNetworks reads all built-in networks.
func builtinNetworks() (all []*circuits.Network) {
	for _, name := range circuits.Names() {
		if n, err := circuits.Load(name); err == nil { // TestSize reads them all
			all = append(all, n)
		}
	}
	return all
}

// simulators make the command of a network in the groups that take one.
var simulators = map[string]func(network *circuits.Network, name string) *cobra.Command{"simulate": newSimulateNetwork, "theory": newTheoryNetwork}

// simulator returns where a line names such a group, or -1.
func simulator(args []string) int {
	return slices.IndexFunc(args, func(a string) bool { return simulators[a] != nil })
}

// addBuiltin adds to the groups the commands of what is built in. Networks are read once: their settings become those of the one
// command that runs.
func addBuiltin(root *cobra.Command) {
	networks := builtinNetworks()
	for _, group := range root.Commands() {
		add := simulators[group.Name()]
		if add == nil {
			continue
		}
		for _, n := range networks {
			group.AddCommand(add(n, n.Name))
		}
		if group.Name() == "simulate" {
			addNeurons(group)
		}
	}
}

// withFile adds to the groups that take a network the command of a file, where a line names one: its settings
// are flags, which are known only once it is read.
func withFile(root *cobra.Command, args []string) {
	at := simulator(args)
	if at < 0 {
		return
	}
	group, _, err := root.Find(args[at : at+1])
	if err != nil {
		return
	}
	for _, path := range args[at+1:] {
		if !isFile(path) {
			continue
		}
		text, err := infile.Read(path)
		if err != nil || !circuits.Describes(text) {
			continue // the command itself says what is wrong with it
		}
		n, err := circuits.Read(path, text)
		if err != nil {
			n = &circuits.Network{} // the command tells what is wrong, whatever its flags
		}
		c := simulators[args[at]](n, path)
		c.Use, c.Hidden = path, true
		if strings.ContainsAny(path, " \t") { // behind which cobra takes the name for ended
			c.Use, c.Aliases = "FILE.toml", []string{path}
		}
		if err != nil {
			c.DisableFlagParsing, c.Args, c.PreRunE = true, cobra.ArbitraryArgs, nil
			c.RunE = func(*cobra.Command, []string) error { return fmt.Errorf("%w: %w", config.ErrConfig, err) }
		}
		group.AddCommand(c)
		return
	}
}

// loadNetwork returns a built-in network or that of a file.
func loadNetwork(name string) (*circuits.Network, error) {
	n, err := circuits.Load(name)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, missingInput(err)
	}
	return nil, unread(name, err)
}

// networkReport is what networks show tells.
type networkReport struct {
	brief
	StepMs      float64            `json:"step_ms"`
	Settings    []settingReport    `json:"settings"`
	Populations []populationReport `json:"populations"`
	Projections []projectionReport `json:"projections"`
	Drives      []driveReport      `json:"drives"`
	Currents    []currentReport    `json:"currents"`
	Recorded    []string           `json:"recorded"`
	Synapses    float64            `json:"synapses_expected"`
	Bytes       float64            `json:"bytes_expected"` // of the circuit itself
	file        string             // that was read, or the name
}

type settingReport struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Help  string `json:"help"`
}

type populationReport struct {
	Name     string             `json:"name"`
	N        int                `json:"n"`
	Kind     string             `json:"kind,omitempty"`
	Neuron   string             `json:"neuron"`
	RateHz   *float64           `json:"rate_hz,omitempty"` // of sources
	Numbers  map[string]float64 `json:"numbers,omitempty"`
	Synapses map[string]float64 `json:"synapses_ms,omitempty"`
	Reversal map[string]float64 `json:"reversal_mv,omitempty"` // of synapses that are conductances
	Start    string             `json:"start,omitempty"`
	numbers  string
}

type projectionReport struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Synapse string  `json:"synapse"`
	Rule    string  `json:"rule"`
	Weight  string  `json:"weight"`
	Delay   string  `json:"delay"`
	Entries float64 `json:"entries_expected"`
	// Plasticity is the rule by which the weights change, with its numbers.
	Plasticity string `json:"plasticity,omitempty"`
	// Legacy says that Weight is that of the file, divided by the time constant of the synapse a second time.
	Legacy bool `json:"legacy,omitempty"`
}

// driveReport is the Poisson events that each unit of a population has of its own.
type driveReport struct {
	Population string  `json:"population"`
	Synapse    string  `json:"synapse"`
	RateHz     float64 `json:"rate_hz"`
	Weight     string  `json:"weight"`
	Delay      string  `json:"delay"`
}

type currentReport struct {
	Population string   `json:"population"`
	Amplitude  float64  `json:"amplitude_mv"`
	From       float64  `json:"from_ms"`
	To         *float64 `json:"to_ms,omitempty"` // the end of the simulation where there is none
}

func newNetworksShow() *cobra.Command {
	var asJSON, asTOML bool
	c := &cobra.Command{Use: "show NAME", Short: "Show a network, built in or of a file: settings, populations, projections, source",
		Args: exactArgs("NAME"), ValidArgsFunction: completeNetworks,
		RunE: func(c *cobra.Command, args []string) error {
			if asTOML {
				return showText(c, args[0], asJSON, circuits.Text)
			}
			r, err := describeNetwork(args[0])
			if err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.network(r) })
		}}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&asTOML, "toml", false, "print the file of a built-in network, to begin one of your own with")
	return c
}

func newNetworksCheck() *cobra.Command {
	return reporting(&cobra.Command{Use: "check FILE", Short: "Check the file of a network, and name the line and the key that is wrong",
		Args: exactArgs("FILE"), ValidArgsFunction: completeNetworks},
		func(_ *cobra.Command, args []string) (networkReport, error) { return describeNetwork(args[0]) },
		func(p *printer, r networkReport) {
			units := 0
			for _, q := range r.Populations {
				units += q.N
			}
			p.line("%s is a network of %d populations with %d units, %d projections with about %.4g synapses; %s",
				r.file, len(r.Populations), units, len(r.Projections), r.Synapses, hostmem.Text(int64(min(r.Bytes, 1<<62))))
		})
}

// completeNetworks completes the name of a network, or that of a file.
var completeNetworks = completeNamesOrFile(circuits.Names)

func describeNetwork(name string) (r networkReport, err error) {
	n, err := loadNetwork(name)
	if err != nil {
		return r, err
	}
	b, err := n.Blueprint(n.Step)
	if err != nil {
		return r, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	r = networkReport{brief: brief{n.Name, n.Doc, n.Source}, StepMs: n.Step, Settings: []settingReport{}, Populations: []populationReport{},
		Projections: []projectionReport{}, Drives: []driveReport{}, Currents: []currentReport{}, Recorded: []string{}, Bytes: b.Size().Bytes(), file: name}
	for _, k := range n.Keys {
		r.Settings = append(r.Settings, settingReport{k.Flag(), k.Value(), k.Help()})
	}
	for _, p := range b.Populations {
		if p.Header != kernels.Events { // which are of a drive
			r.Populations = append(r.Populations, describePopulation(p))
		}
	}
	for _, q := range b.Connections {
		from, to := b.Populations[q.From], b.Populations[q.To]
		if rate, is := b.Drive(q); is {
			r.Drives = append(r.Drives, driveReport{to.Name, to.SynapseNames[q.Synapse], rate, weightText(q, to), q.Delay.Text("ms")})
			continue
		}
		r.Synapses += b.Expected(q)
		r.Projections = append(r.Projections, projectionReport{from.Name, to.Name, to.SynapseNames[q.Synapse], q.RuleText(),
			weightText(q, to), q.Delay.Text("ms"), b.Expected(q), plasticityText(q, to), q.Legacy})
	}
	for _, q := range b.Currents {
		c := currentReport{Population: b.Populations[q.Population].Name, Amplitude: q.Amplitude, From: float64(q.First) * n.Step}
		if q.Last < math.MaxInt64 {
			to := float64(q.Last) * n.Step
			c.To = &to
		}
		r.Currents = append(r.Currents, c)
	}
	for _, q := range b.Samples {
		at := b.Connections[q.Connection]
		r.Recorded = append(r.Recorded, fmt.Sprintf("weights from %s to %s each %g ms", b.Populations[at.From].Name, b.Populations[at.To].Name, float64(q.Every)*n.Step))
	}
	for _, q := range b.Inputs {
		of := "mean currents of"
		if q.Unit >= 0 {
			of = fmt.Sprintf("currents of unit %d of", q.Unit)
		}
		r.Recorded = append(r.Recorded, fmt.Sprintf("%s %s each %g ms", of, b.Populations[q.Population].Name, float64(q.Every)*n.Step))
	}
	for k := 0; k < len(b.Probes); {
		first, n := b.Probes[k], 1
		for k+n < len(b.Probes) && b.Probes[k+n].Population == first.Population && b.Probes[k+n].Unit == first.Unit+n {
			n++
		}
		units := fmt.Sprintf("unit %d", first.Unit)
		if n > 1 {
			units = fmt.Sprintf("units %d to %d", first.Unit, first.Unit+n-1)
		}
		r.Recorded = append(r.Recorded, fmt.Sprintf("V of %s of %s", units, b.Populations[first.Population].Name))
		k += n
	}
	return r, nil
}

// weightText writes the weights of a connection, and how many of them are none by their sign.
func weightText(q circuits.Connection, to circuits.Population) string {
	unit := to.WeightUnit(q.Synapse).Unit
	text := q.Weight.Text(unit)
	if cut := q.Weight.Cut(); cut >= 1e-3 {
		text += fmt.Sprintf(", %.1f %% of them 0, mean %.4g %s", 100*cut, q.Weight.Mean(), unit)
	}
	return text
}

// plasticityText says by which rule the weights of a connection change, nothing where they stay.
func plasticityText(q circuits.Connection, to circuits.Population) string {
	if q.Learning == nil {
		return ""
	}
	return q.Learning.Text(to.WeightUnit(q.Synapse))
}

func describePopulation(p circuits.Population) populationReport {
	r := populationReport{Name: p.Name, N: p.N, Kind: p.Kind, Neuron: p.Header}
	if p.Header == kernels.Trains {
		r.numbers = "spikes of a file"
		return r
	}
	if p.Source() {
		r.RateHz, r.numbers = &p.Params[0], fmt.Sprintf("%g Hz", p.Params[0])
		if p.Header == kernels.Correlated {
			r.numbers += fmt.Sprintf(", correlation %g, jitter %g ms", p.Params[1], p.Params[2])
		}
		return r
	}
	r.Numbers, r.Synapses, r.Reversal = map[string]float64{}, map[string]float64{}, map[string]float64{}
	var list []string
	if h, ok := circuits.Unit(p.Header); ok {
		for i, q := range h.Params {
			r.Numbers[q.Name] = p.Params[i]
			list = append(list, fmt.Sprintf("%s %g %s", q.Name, p.Params[i], q.Unit))
		}
	}
	for i, name := range p.SynapseNames {
		r.Synapses[name] = p.Synapses[i]
		text := fmt.Sprintf("synapse %s %g ms", name, p.Synapses[i])
		if to, ok := p.Reversal(i); ok {
			r.Reversal[name] = to
			text += fmt.Sprintf(" to %g mV", to)
		}
		list = append(list, text)
	}
	if p.Potentials != nil {
		r.Start = p.Potentials.Text(p.StartUnit().Unit)
		list = append(list, "starts at "+r.Start)
	}
	r.numbers = strings.Join(list, ", ")
	return r
}

func (p *printer) network(r networkReport) {
	p.title("%s", r.Name)
	p.paragraph("", r.Doc)
	p.paragraph("", "Source: "+dash(r.Source))
	p.line("Steps of %g ms; about %.4g synapses", r.StepMs, r.Synapses)
	if len(r.Settings) > 0 {
		p.title("\nSettings")
		var rows [][]string
		for _, s := range r.Settings {
			rows = append(rows, []string{"--" + s.Name, fmt.Sprint(s.Value), s.Help})
		}
		p.table([]string{"SETTING", "VALUE", "MEANING"}, rows)
	}
	p.title("\nPopulations")
	for _, q := range r.Populations {
		p.paragraph("  ", fmt.Sprintf("%s: %d %s %s", q.Name, q.N, strings.TrimSpace(q.Kind+" "+q.Neuron), "("+q.numbers+")"))
	}
	p.title("\nProjections")
	var rows [][]string
	for _, q := range r.Projections {
		rows = append(rows, []string{q.From, q.To, q.Synapse, q.Rule, q.Weight, q.Delay, fmt.Sprintf("%.4g", q.Entries)})
	}
	p.table([]string{"FROM", "TO", "SYNAPSE", "JOINS", "WEIGHT", "DELAY", "ENTRIES"}, rows)
	for _, q := range r.Projections {
		if q.Plasticity != "" {
			p.paragraph("  ", fmt.Sprintf("Weights from %s to %s change by %s", q.From, q.To, q.Plasticity))
		}
		if q.Legacy {
			p.paragraph("  ", fmt.Sprintf("Weights from %s to %s are those of the file, divided by the time constant of synapse %s a second time (legacy)", q.From, q.To, q.Synapse))
		}
	}
	for _, d := range r.Drives {
		p.line("Drive of each unit of %s: Poisson events of %g Hz onto synapse %s, weight %s, delay %s", d.Population, d.RateHz, d.Synapse, d.Weight, d.Delay)
	}
	for _, c := range r.Currents {
		to := "the end"
		if c.To != nil {
			to = fmt.Sprintf("%g ms", *c.To)
		}
		p.line("Current into %s: %g mV from %g ms to %s", c.Population, c.Amplitude, c.From, to)
	}
	for _, name := range r.Recorded {
		p.line("Recorded: %s", name)
	}
}
