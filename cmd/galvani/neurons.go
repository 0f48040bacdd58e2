package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"
	points "galvani/kernels/neurons"
	"galvani/models/circuits"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
)

const neuronsDoc = `Neurons of compartments with ion channels: what is built in, and files of your own.

A neuron is one file, and so is a channel. Begin with the file of a built-in one; check names the line and the
key that is wrong:

  galvani neurons show lgmd --toml > my-neuron.toml
  galvani neurons check my-neuron.toml
  galvani simulate my-neuron.toml --current "step 1 20:80" --for 100ms
  galvani train --model neuron --neuron my-neuron.toml       with inputs by facets; learns what the task asks

Quantities are numbers with a unit in quotes ("120 mS/cm2", "0.5 nA"). At the top stand start (V, "-65 mV"), and, where
others than the usual ones are wanted, dt, temperature, threshold, doc and source.

  [[section]]            name, region (the name where not given), parent, at (0 to 1 along it), length, diameter,
                         end_diameter; cut by compartments = 5, or by d_lambda = 0.1 (part of the length constant at
                         100 Hz) and longest = "20 um"
  [morphology]           in place of sections: file = "cell.swc", unit ("um" or "nm", told by the radii otherwise),
                         d_lambda, longest, types = { 5 = "spine" } for kinds beside soma, axon, dendrite, apical
  [membrane]             capacity, leak, rest, axial of all regions; [region.NAME] has those of one, and may be left out
  [region.NAME.channels] na = "120 mS/cm2", a density for each channel; true for that of the channel's own file
  [region.NAME.reversal] na = "45 mV", the reversal potential of a channel in this region alone
  [channel.NAME]         where it is not built in by this name: use = "lgmd-kd", file = "mine.toml", or what a file of a
                         channel holds: reversal, fills_calcium = true, density and [[channel.NAME.gate]]; galvani neurons
                         channels lists those that are built in
  gates                  name, power, speed, q10 with measured = "6.3 degC", and one of
                         alpha, beta = { form = "exponential", "sigmoid" or "linear", a = "1 /ms", v = "-40 mV", k = "10 mV" }
                         steady = { v = "-40 mV", k = "5 mV" } or { weight = "0.2 /mV", bias = 8 }, with time = { form =
                         "constant", tau }, { form = "sigmoid" or "product", tau0, a, w, l } or { form = "bell", ..., y, m }
                         by_calcium = { c, k } with time = { form = "constant", tau }
  [calcium]              gain, rest, tau, start of the pool that channels fill
  [[receptor]]           name, rise ("0 ms" for an exponential, that of decay for an alpha function), decay, reversal
  [[input]]              name, section, at, weight; a current, or with receptor and delay a synapse; into many
                         compartments by sections = ["tine*"], from, to, driven by
                         facets = { half, synapses, spread, jitter, blur, mixed, speed = { half, gain, offset } } or noise = { synapses, rate }
  [[record]]             section, at, name; spikes are those of the first
  like = "hh"            another neuron with other [numbers], such as g_na = "110 mS/cm2", or as galvani fit writes them

galvani neurons show writes the formulas with these names.`

func newNeurons() *cobra.Command {
	c := newGroup("neurons", "Neurons with ion channels: equations, channels, files of your own",
		newNeuronsList(), newNeuronsChannels(), newNeuronsShow(), newNeuronsCheck())
	c.Long = neuronsDoc
	return c
}

// briefNeurons returns a line for each built-in neuron.
func briefNeurons() []brief {
	var list []brief
	for _, name := range neurons.Names() {
		if n, err := neurons.Load(name); err == nil { // TestBuiltin reads them all
			list = append(list, brief{name, n.Doc, n.Source})
		}
	}
	return list
}

func newNeuronsList() *cobra.Command {
	return newList("List the neurons", func() []brief {
		return append(briefNeurons(), briefs(pointNeurons(), func(h points.Neuron) brief {
			about := h.About()
			return brief{h.Name, about.Doc, about.Source}
		})...)
	})
}

func newNeuronsChannels() *cobra.Command {
	c := newList("List the ion channels, for files of your own", func() []brief {
		var list []brief
		for _, name := range neurons.ChannelNames() {
			if c, err := neurons.LookupChannel(name); err == nil { // TestShipped reads them all
				doc, _, _ := strings.Cut(c.Doc, ";") // show tells the rest
				list = append(list, brief{name, doc, c.Source})
			}
		}
		return list
	})
	c.Use = "channels"
	return c
}

// loadNeuron returns a built-in neuron or that of a file. Others are names besides those of neurons that the command takes.
func loadNeuron(name string, others ...string) (*neurons.Neuron, error) {
	n, err := neurons.Load(name)
	if len(others) > 0 && !isFile(name) && !slices.Contains(neurons.Names(), name) {
		err = errors.New(setting.Unknown("neuron or channel", name, slices.Concat(neurons.Names(), others)))
	}
	switch _, point := points.Of(name); {
	case err == nil:
		return n, nil
	case point:
		return nil, fmt.Errorf("%w: %s is a unit without compartments and channels, which galvani simulate %s takes; want one of %s, or the file of a neuron", config.ErrConfig, name, name, strings.Join(neurons.Names(), ", "))
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, neurons.ErrDescription):
		return nil, missingInput(err)
	}
	return nil, unread(name, err)
}

// unread is the error of a neuron or a network, built in or of a file, that could not be read.
func unread(name string, err error) error {
	if isFile(name) {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	if err := bareMorphology(name); err != nil {
		return err
	}
	if _, none := os.Stat(filepath.Join(name, configName)); none == nil {
		return fmt.Errorf("%w: %s is a run, and this command takes what is simulated, by its name or as a file that ends in .toml; galvani trace gives V and gates of a trained neuron", config.ErrConfig, name)
	}
	return fmt.Errorf("%w: %w (the name of a file ends in .toml)", config.ErrConfig, err)
}

// bareMorphology refuses the file of a morphology in the place of that of a neuron.
func bareMorphology(name string) error {
	if !strings.EqualFold(filepath.Ext(name), ".swc") {
		return nil
	}
	return fmt.Errorf("%w: %s is a morphology, want a neuron: a file with [morphology], file = %q, its [membrane] and channels; galvani neurons --help tells the keys", config.ErrConfig, name, filepath.Base(name))
}

// showText prints the file of something built in.
func showText(c *cobra.Command, name string, asJSON bool, read func(string) ([]byte, error)) error {
	if asJSON {
		return fmt.Errorf("%w: --json and --toml exclude each other; leave one out", errUsage)
	}
	if isFile(name) {
		return fmt.Errorf("%w: --toml prints the file of what is built in, and %s is a file already; copy it", errUsage, name)
	}
	text, err := read(name)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	_, err = c.OutOrStdout().Write(text)
	return err
}

// neuronReport is what neurons show tells.
type neuronReport struct {
	brief
	Equations    []string         `json:"equations"`
	Start        float64          `json:"start_mv"`
	Temperature  float64          `json:"temperature_degc"`
	Dt           float64          `json:"dt_ms"`
	Longest      *float64         `json:"longest_dt_ms,omitempty"` // missing without gates that take time
	Threshold    float64          `json:"threshold_mv"`
	Fires        bool             `json:"fires"` // or is passive
	Compartments int              `json:"compartments"`
	Nodes        int              `json:"nodes"`
	Sections     int              `json:"sections"`
	Morphology   []sectionReport  `json:"morphology"`
	Regions      []regionReport   `json:"regions"`
	Channels     []channelReport  `json:"channels"`
	Calcium      *calciumReport   `json:"calcium,omitempty"`
	Receptors    []receptorReport `json:"receptors"`
	Inputs       []inputReport    `json:"inputs"`
	Learnable    []string         `json:"learnable"`
	// Units are those that fit and simulate --sweep take and tell the numbers of Learnable in, as the file writes them.
	Units map[string]string `json:"units"`
	Notes []string          `json:"notes"`
	// Unit is what networks know by this name.
	Unit  *pointReport `json:"unit_of_networks,omitempty"`
	shape string
	gate  string // that sets Longest
	of    *neurons.Neuron
}

// sectionReport is an unbranched section of a neuron.
type sectionReport struct {
	Name         string  `json:"name"`
	Region       string  `json:"region"`
	Parent       string  `json:"parent,omitempty"`
	Length       float64 `json:"length_um"`
	Diameter     float64 `json:"diameter_um"` // mean of its compartments
	Compartments int     `json:"compartments"`
}

// regionReport is a region of a neuron.
type regionReport struct {
	Name     string             `json:"name"`
	Area     float64            `json:"area_um2"`
	Capacity float64            `json:"capacity_uf_cm2"`
	Leak     float64            `json:"leak_s_cm2"`
	Rest     float64            `json:"rest_mv"`
	Axial    float64            `json:"axial_ohm_cm,omitempty"`
	Channels map[string]float64 `json:"channels_s_cm2"`
	// Reversals are those that are of the region alone.
	Reversals map[string]float64 `json:"reversals_mv,omitempty"`
}

// calciumReport is the pool that currents of calcium fill.
type calciumReport struct {
	Gain  float64 `json:"gain_mm_cm2_per_ma_ms"`
	Rest  float64 `json:"rest_mm"`
	Tau   float64 `json:"tau_ms"`
	Start float64 `json:"start_mm"`
}

type receptorReport struct {
	Name     string  `json:"name"`
	Rise     float64 `json:"rise_ms"`
	Decay    float64 `json:"decay_ms"`
	Reversal float64 `json:"reversal_mv"`
}

type inputReport struct {
	Name     string `json:"name"`
	Into     string `json:"into"`
	Per      string `json:"per"` // what 1 of the input is
	From     string `json:"from,omitempty"`
	Receptor string `json:"receptor,omitempty"`
}

func newNeuronsShow() *cobra.Command {
	var asJSON, asTOML bool
	c := &cobra.Command{Use: "show NAME", Short: "Show a neuron or a channel, built in or of a file: equations, channels, regions, source",
		Args: exactArgs("NAME"), ValidArgsFunction: completeShown,
		RunE: func(c *cobra.Command, args []string) error {
			h, ok := points.Of(args[0])
			if ok && !slices.Contains(neurons.Names(), h.Name) {
				return showPoint(c, h, asJSON, asTOML)
			}
			if asTOML {
				return showText(c, args[0], asJSON, neurons.Text)
			}
			ch, is, err := neurons.ChannelFile(args[0])
			if !is {
				ch, err = neurons.LookupChannel(args[0])
			} else if err != nil {
				return fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
			if err == nil {
				r := describeChannel(ch, shownCelsius)
				return report(c, asJSON, r, func(p *printer) { p.channel(r) })
			}
			n, err := loadNeuron(args[0], slices.Concat(circuits.Singles(), neurons.ChannelNames())...)
			if err != nil {
				return err
			}
			r := describeNeuron(n)
			if ok { // it is a neuron of networks, too
				unit := describePoint(h)
				for i := range unit.Parameters {
					unit.Parameters[i].Flag = "" // simulate has those of the neuron of compartments
				}
				r.Unit = &unit
			}
			return report(c, asJSON, r, func(p *printer) {
				if p.neuron(r); ok {
					p.title("\nAs units of a network, by neuron = %q", h.Name)
					p.pointNumbers(*r.Unit)
				}
			})
		}}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&asTOML, "toml", false, "print the file of what is built in, to begin one of your own with")
	return c
}

// shownCelsius is the temperature at which a channel is shown by itself, that of the squid axon.
const shownCelsius = 6.3

// completeNeurons completes the name of a neuron, or that of a file; completeShown that of a channel, too.
var (
	completeNeurons = completeNamesOrFile(neurons.Names)
	completeShown   = completeNamesOrFile(func() []string {
		return slices.Concat(neurons.Names(), neurons.ChannelNames(), circuits.Singles())
	})
)

func describeNeuron(n *neurons.Neuron) neuronReport {
	r := neuronReport{brief: brief{n.Name, n.Doc, n.Source}, Equations: n.Equations(), Start: n.Start, Temperature: n.Temperature, Dt: n.Dt,
		Threshold: n.Threshold, Fires: n.Fires(), Compartments: n.Compartments(), Nodes: n.Nodes(), Sections: len(n.Sections), Regions: []regionReport{},
		Channels: []channelReport{}, Receptors: []receptorReport{}, Inputs: []inputReport{}, Learnable: n.Learnable(),
		Units: map[string]string{}, Notes: append([]string{}, n.Notes...), shape: n.Shape(), of: n}
	for _, name := range r.Learnable {
		r.Units[name] = n.Written(name).Unit
	}
	if most, gate := n.LongestStep(); gate != "" {
		r.Longest, r.gate = &most, gate
	}
	for _, s := range n.Sections {
		q := sectionReport{Name: s.Name, Region: n.Regions[s.Region].Name, Length: s.Length, Diameter: s.Diameter, Compartments: s.Compartments}
		if s.Parent >= 0 {
			q.Parent = n.Sections[s.Parent].Name
		}
		r.Morphology = append(r.Morphology, q)
	}
	for i, g := range n.Regions {
		r.Regions = append(r.Regions, regionReport{g.Name, n.Area(i), g.Capacity, g.Leak, g.Rest, g.Axial, g.Densities, g.Reversals})
	}
	for _, c := range n.Channels {
		r.Channels = append(r.Channels, describeChannel(c, n.Temperature))
	}
	if p := n.Calcium; p != nil {
		r.Calcium = &calciumReport{p.Gain, p.Rest, p.Tau, p.Start}
	}
	for _, c := range n.Receptors {
		r.Receptors = append(r.Receptors, receptorReport{c.Name, c.Rise, c.Decay, c.Reversal})
	}
	places := n.Places()
	for _, in := range n.Inputs {
		i := inputReport{Name: in.Name, Into: places[in.Units[0]], Per: in.Per, From: in.Origin()}
		if many := len(in.Units); many > 1 {
			i.Into = fmt.Sprintf("%d compartments", many)
		}
		if in.Receptor >= 0 {
			i.Receptor = n.Receptors[in.Receptor].Name
		}
		r.Inputs = append(r.Inputs, i)
	}
	return r
}

func (p *printer) neuron(r neuronReport) {
	p.title("%s", r.Name)
	if r.Doc != "" {
		p.paragraph("", r.Doc)
	}
	p.line("")
	for _, e := range r.Equations {
		p.paragraph("  ", e)
	}
	p.line("")
	p.paragraph("", "Source: "+dash(r.Source))
	p.line("Shape: %s", r.shape)
	spike := fmt.Sprintf("a spike crosses %g mV upwards", r.Threshold)
	if !r.Fires {
		spike = "no spikes, as no channel has a gate; with a threshold in its file, crossings of it are counted"
	}
	p.paragraph("", fmt.Sprintf("V starts at %g mV, gates at their steady state there; %g degC; %s", r.Start, r.Temperature, spike))
	steps := fmt.Sprintf("Steps of %g ms: gates go exactly to where they would at this V, then V of all compartments at once, by backward Euler "+
		"(--second-order: by the trapezoidal rule, half a step apart)", r.Dt)
	if r.Longest != nil {
		steps += fmt.Sprintf("; at most %.3g ms, five time constants of gate %s", *r.Longest, r.gate)
	}
	p.paragraph("", steps)
	if r.Calcium != nil {
		p.line("Calcium starts at %g mM", r.Calcium.Start)
	}
	p.title("\nSections")
	var rows [][]string
	for _, s := range r.Morphology[:min(len(r.Morphology), shownSections)] {
		rows = append(rows, []string{s.Name, s.Region, dash(s.Parent), fmt.Sprintf("%.4g", s.Length), fmt.Sprintf("%.4g", s.Diameter), fmt.Sprint(s.Compartments)})
	}
	p.table([]string{"SECTION", "REGION", "PARENT", "LENGTH µm", "DIAMETER µm", "COMPARTMENTS"}, rows)
	if more := len(r.Morphology) - shownSections; more > 0 {
		p.line("and %d more, which --json lists", more)
	}
	p.title("\nRegions")
	rows = nil
	cm, leak, rest, channels := r.of.Written("cm"), r.of.Written("g_leak"), r.of.Written("e_leak"), r.density()
	for _, g := range r.Regions {
		rows = append(rows, []string{g.Name, fmt.Sprintf("%.4g", g.Area), fmt.Sprintf("%.6g", cm.Of(g.Capacity)), fmt.Sprintf("%.6g", leak.Of(g.Leak)),
			fmt.Sprintf("%.6g", rest.Of(g.Rest)), dashZero(g.Axial), g.densities(r.Channels, channels)})
	}
	p.table([]string{"REGION", "AREA µm²", "CM " + cm.Unit, "G_LEAK " + leak.Unit, "E_LEAK " + rest.Unit, "AXIAL Ω cm", "CHANNELS " + channels.Unit}, rows)
	for _, c := range r.Channels {
		p.channel(c)
		for _, g := range r.Regions {
			if own, ok := g.Reversals[c.Name]; ok {
				p.line("In %s e_%s is %g mV", g.Name, c.Name, own)
			}
		}
	}
	if len(r.Inputs) > 0 {
		p.title("\nInputs")
		rows = nil
		for _, in := range r.Inputs {
			rows = append(rows, []string{in.Name, in.Into, in.Per, dash(in.Receptor), dash(in.From)})
		}
		p.table([]string{"INPUT", "INTO", "1 OF IT", "RECEPTOR", "FROM"}, rows)
	}
	if len(r.Receptors) > 0 {
		p.title("\nReceptors")
		rows = nil
		for _, c := range r.Receptors {
			rows = append(rows, []string{c.Name, fmt.Sprintf("%g", c.Rise), fmt.Sprintf("%g", c.Decay), fmt.Sprintf("%g", c.Reversal)})
		}
		p.table([]string{"RECEPTOR", "RISE ms", "DECAY ms", "REVERSAL mV"}, rows)
	}
	p.title("\nNumbers that fit, simulate --sweep and train take by name")
	p.paragraph("  ", r.learnable())
	p.notes("Assumed of the morphology", r.Notes)
}

// density is the unit in which densities are told: that of the file, where it has one for all.
func (r neuronReport) density() neurons.Written {
	var all []neurons.Written
	for _, c := range r.Channels {
		all = append(all, r.of.Written("g_"+c.Name))
	}
	if all = slices.Compact(all); len(all) == 1 {
		return all[0]
	}
	return neurons.SiemensPerArea
}

// learnable lists the names of numbers with their units, of those of single regions and of gates the form and an example.
func (r neuronReport) learnable() string {
	var plain []string
	var region, gate string
	for _, name := range r.Learnable {
		switch part, _, dotted := strings.Cut(name, "."); {
		case dotted && slices.ContainsFunc(r.Regions, func(g regionReport) bool { return g.Name == part }):
			region = name
		case dotted && slices.ContainsFunc(r.Channels, func(c channelReport) bool { return c.Name == part }):
			gate = name
		default:
			plain = append(plain, name+" ("+r.Units[name]+")")
		}
	}
	text := strings.Join(plain, ", ") + "; of one region REGION.NAME, such as " + region
	if gate != "" {
		text += "; of a gate CHANNEL.GATE.NUMBER, such as " + gate
	}
	return text
}

// shownSections is how many sections are printed.
const shownSections = 32

// paragraph writes text behind an indent, broken into lines that fit the terminal; further lines are
// indented a little more where the first is.
func (p *printer) paragraph(indent, text string) {
	width := noteWidth
	if columns, ok := terminal(p.w); ok {
		width = max(leastFold, min(width, columns-1))
	}
	for i, l := range breakText(text, width-2*len(indent)) {
		if i == 1 {
			indent += indent
		}
		p.line("%s%s", indent, l)
	}
}

// densities lists the channels of a region in the order of the neuron.
func (g regionReport) densities(channels []channelReport, unit neurons.Written) string {
	var list []string
	for _, c := range channels {
		if x, ok := g.Channels[c.Name]; ok {
			list = append(list, fmt.Sprintf("%s %.6g", c.Name, unit.Of(x)))
		}
	}
	return dash(strings.Join(list, ", "))
}

func dashZero(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%g", x)
}
