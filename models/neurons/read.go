package neurons

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
	"galvani/engine/setting"
	"galvani/models/description"
)

// mostCompartments is the most compartments of a neuron.
const mostCompartments = 1 << 20

// Load returns the built-in neuron of a name, or that of a file, which ends in .toml.
//
// Errors: *Mistake for a wrong file; for an unknown name one that names the nearest.
func Load(name string) (*Neuron, error) {
	if !strings.HasSuffix(name, ".toml") {
		return builtin(name)
	}
	text, err := infile.Read(name)
	if err != nil {
		return nil, err
	}
	return Read(name, text, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
		return infile.Read(path)
	})
}

// ChannelFile reads the file of a channel of its own, and tells whether it is one: it has a reversal
// potential and no region.
//
// Errors: *Mistake, with line and key.
func ChannelFile(name string) (c Channel, is bool, err error) {
	text, err := infile.Read(name)
	if err != nil {
		return c, false, err
	}
	t, err := openTable(name, text)
	if err != nil || !t.isChannel() {
		return c, false, err
	}
	c, err = ReadChannel(name, strings.TrimSuffix(filepath.Base(name), ".toml"), text)
	return c, true, err
}

// isChannel tells the root of a channel from that of a neuron.
func (t table) isChannel() bool {
	return !t.Has("region") && !t.Has("section") && !t.Has("start") && (t.Has("reversal") || t.Has("gate"))
}

// Read reads the file of a neuron. Open returns the content of a file that it names, by a path relative to
// its own.
//
// Errors: *Mistake, with line and key.
func Read(file string, text []byte, open func(path string) ([]byte, error)) (*Neuron, error) {
	return read(file, text, 0, open)
}

// read is Read for a file that others, depth of them, are like.
func read(file string, text []byte, depth int, open func(path string) ([]byte, error)) (*Neuron, error) {
	t, err := openTable(file, text)
	if err != nil {
		return nil, err
	}
	r := reader{table: t, open: open, depth: depth, n: &Neuron{File: file, Name: strings.TrimSuffix(filepath.Base(file), ".toml")}}
	r.read()
	if t.Err() != nil {
		return nil, t.Err()
	}
	return r.n, nil
}

// reader reads the file of a neuron.
type reader struct {
	table
	open  func(path string) ([]byte, error)
	depth int
	n     *Neuron
	// common is what [membrane] says of regions that no table is of, nil where it does not say all.
	common *Region
	tables int // of regions
}

func (r *reader) read() {
	if r.isChannel() {
		r.Fail("", "describes a channel, want a neuron; name the file in one: file = %q under [channel.NAME]", filepath.Base(r.n.File))
		return
	}
	n := r.n
	if r.Has("like") {
		r.like()
		return
	}
	n.Doc, n.Source = r.Words("doc", ""), r.Words("source", "")
	n.Start = r.Must("start", voltage, description.Interval{Lo: -1000, Hi: 1000})
	n.Temperature = r.Quantity("temperature", temperature, 6.3, description.Interval{Lo: -50, Hi: 100})
	dt, key := r.Step(0.025)
	n.Dt = dt
	n.Counts = r.Has("threshold")
	n.Threshold = r.Quantity("threshold", voltage, 0, description.Interval{Lo: -1000, Hi: 1000})
	r.regions()
	r.channels()
	r.densities()
	r.calcium()
	r.shape()
	r.receptors()
	if r.Err() == nil {
		if most, gate := n.LongestStep(); n.Dt > most {
			r.Fail(key, "is %g ms, too long for gate %s, as V is held while gates move; want at most %.3g ms", n.Dt, gate, most)
		}
	}
	if r.Err() == nil {
		r.inputs()
	}
	if r.Err() == nil {
		r.records()
	}
	r.Done()
}

// channels finds the description of each channel that a region has: a file, one that is built in, or the
// gates of its own table.
func (r *reader) channels() {
	all := r.sub("channel")
	for i, c := range r.n.Channels {
		r.n.Channels[i] = r.channel(all, c.Name)
	}
	for _, c := range r.n.Channels {
		for _, g := range c.Gates {
			if speed := g.Speed(r.n.Temperature); !(speed > 1e-6 && speed < 1e6) {
				r.Fail("temperature", "makes gate %s of channel %s %.3g times as fast as measured, want 1e-6 to 1e6; look at q10 and measured", g.Name, c.Name, speed)
			}
		}
	}
	for _, name := range all.Names() {
		if !slices.ContainsFunc(r.n.Channels, func(c Channel) bool { return c.Name == name }) {
			all.Fail(name, "is in no region; give it a density under [region.NAME.channels], or delete it")
		}
	}
}

func (r *reader) channel(all table, name string) Channel {
	t := all.sub(name)
	if t.Has("gate") {
		c := t.channel(name)
		t.Done()
		return c
	}
	var c Channel
	var err error
	if t.Has("file") {
		path := t.Words("file", "")
		var text []byte
		if text, err = r.open(path); err == nil {
			c, err = ReadChannel(path, name, text)
		}
		if err != nil {
			t.Fail("file", "cannot be used: %v", err)
		}
	} else {
		use := t.Words("use", name)
		if c, err = LookupChannel(use); err != nil {
			where, key := t, "use"
			if !t.Has("use") {
				where, key = r.densityOf(name)
			}
			_, near, _ := strings.Cut(err.Error(), "; ")
			where.Fail(key, "is no channel that is built in; %s", strings.TrimSpace(near+" A channel of your own needs a [channel."+name+"] with gates or a file"))
		}
	}
	c.Name = name
	c.Reversal = t.Quantity("reversal", voltage, c.Reversal, description.Interval{Lo: -1000, Hi: 1000})
	t.Done()
	return c
}

// densityOf returns where a region first names a channel.
func (r *reader) densityOf(channel string) (table, string) {
	for _, region := range r.n.Regions {
		if _, ok := region.Densities[channel]; ok {
			return table{r.At("region." + region.Name + ".channels")}, channel
		}
	}
	return r.table, "channel"
}

func (r *reader) calcium() {
	fills, follows := "", ""
	for _, c := range r.n.Channels {
		if c.Calcium {
			fills = c.Name
		}
		if slices.ContainsFunc(c.Gates, Gate.follows) {
			follows = c.Name
		}
	}
	if !r.Has("calcium") {
		r.Spend("calcium")
		if needs := fills + follows; needs != "" && r.Err() == nil {
			if fills != "" {
				needs = fills
			}
			r.Fail("", "has no [calcium], which channel %s needs; add gain, rest and tau of the pool", needs)
		}
		return
	}
	t := r.sub("calcium")
	p := Pool{Gain: t.Must("gain", gain, description.FromZero), Rest: t.Must("rest", concentration, description.FromZero), Tau: t.Must("tau", duration, description.AboveZero)}
	p.Start = t.Quantity("start", concentration, p.Rest, description.FromZero)
	t.Done()
	r.n.Calcium = &p
}

func (r *reader) receptors() {
	for _, t := range r.list("receptor") {
		c := Receptor{Name: t.Name("name"), Rise: t.Quantity("rise", duration, 0, description.FromZero), Decay: t.Must("decay", duration, description.AboveZero),
			Reversal: t.Must("reversal", voltage, description.Interval{Lo: -1000, Hi: 1000})}
		t.Done()
		if c.Rise > c.Decay {
			t.Fail("rise", "is longer than decay; exchange them")
		}
		if slices.ContainsFunc(r.n.Receptors, func(other Receptor) bool { return other.Name == c.Name }) {
			t.Fail("name", "is %q, as that of a receptor before; give each a name of its own", c.Name)
		}
		r.n.Receptors = append(r.n.Receptors, c)
	}
}

func (r *reader) inputs() {
	n := r.n
	for _, t := range r.list("input") {
		in := Input{Name: t.Name("name"), Receptor: -1}
		if t.Has("receptor") {
			r.synapse(t, &in)
		} else {
			in.Units = []int{r.unit(t)}
			if t.Need("weight", `"1 nA", or for an area "1 uA/cm2"`) {
				area := n.mesh.area[in.Units[0]]
				in.Weight, in.Per = t.current("weight", area)
				r.wrote(t, "weight", current, 1, "w_"+in.Name)
				r.wrote(t, "weight", currentDensity, area*perArea, "w_"+in.Name)
			}
		}
		t.Done()
		if t.Err() == nil && n.Input(in.Name) >= 0 {
			t.Fail("name", "is %q, as that of an input before; give each a name of its own", in.Name)
		}
		n.Inputs = append(n.Inputs, in)
	}
}

// synapse reads an input with a receptor: into one compartment, or into many of several sections.
func (r *reader) synapse(t table, in *Input) {
	in.Receptor = t.OneOf("receptor", r.n.receptorNames())
	in.Weight = t.Must("weight", conductance, description.FromZero)
	in.Delay = t.Quantity("delay", duration, 0, description.FromZero)
	r.wrote(t, "weight", conductance, 1, "w_"+in.Name)
	in.Per = t.Words("weight", "") + " for each event"
	if in.Delay > 0 {
		in.Per += ", " + t.Words("delay", "") + " later"
	}
	t.Spend("sections", "from", "to", "facets", "noise")
	if !t.Has("sections") {
		for _, key := range []string{"facets", "noise", "from", "to"} {
			if t.Has(key) {
				t.Fail(key, "is for an input of many compartments; name their sections, such as sections = [\"dendrite\"]")
			}
		}
		in.Units = []int{r.unit(t)}
		return
	}
	for _, key := range []string{"section", "at"} {
		if t.Has(key) {
			t.Fail(key, "stands beside sections; delete one or the other")
		}
	}
	var rows [][]int
	if in.Units, rows = r.spread(t); t.Err() != nil {
		return
	}
	if t.Has("facets") && t.Has("noise") {
		t.Fail("noise", "stands beside facets; give noise an input of its own")
	}
	if t.Has("facets") {
		in.Facets = t.sub("facets").facets(rows)
	}
	if t.Has("noise") {
		in.Noise = t.sub("noise").noise()
	}
}

// unit reads the compartment of an input or a record.
func (r *reader) unit(t table) int {
	section := 0
	if t.Has("section") || len(r.n.Sections) > 1 {
		section = t.section("section", r.n.Sections)
	}
	return r.n.mesh.at(section, t.Number("at", 0.5, 0, 1))
}

// mostRecords is how many sections are recorded where a file does not say which.
const mostRecords = 6

// records reads which compartments are recorded: the middles of the first sections where nothing is said.
func (r *reader) records() {
	n := r.n
	for _, t := range r.list("record") {
		unit := r.unit(t)
		t.Spend("name")
		name := n.Places()[unit]
		if t.Has("name") {
			name = t.Name("name")
		}
		if slices.ContainsFunc(n.Records, func(other Record) bool { return other.Name == name }) {
			t.Fail("name", "is %q, as that of a record before; give each a name of its own", name)
		}
		t.Done()
		n.Records = append(n.Records, Record{name, unit})
	}
	if len(n.Records) > 0 {
		return
	}
	for i, s := range n.Sections {
		if i == mostRecords {
			break
		}
		n.Records = append(n.Records, Record{s.Name, n.mesh.at(i, 0.5)})
	}
}

// perArea is the current in nA of 1 µA/cm² through 1 µm².
const perArea = 1e-5

// current reads a current in nA, or one for an area in µm², and the unit of the input.
func (t table) current(key string, area float64) (nA float64, per string) {
	text := t.Words(key, "")
	if _, err := currentDensity.In(text); err == nil {
		return t.Quantity(key, currentDensity, 0, description.AnyReal) * area * perArea, text
	}
	if _, unit := description.Split(text); strings.Contains(unit, "/") {
		return t.Quantity(key, currentDensity, 0, description.AnyReal), text // which refuses it
	}
	return t.Quantity(key, current, 0, description.AnyReal), text
}

// receptorNames returns the names of the receptors, one to be told of where there are none.
func (n *Neuron) receptorNames() []string {
	names := []string{}
	for _, c := range n.Receptors {
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		names = append(names, "a [[receptor]], of which there is none")
	}
	return names
}

// section reads the name of a section.
func (t table) section(key string, all []Piece) int {
	if !t.Need(key, strconv.Quote("soma")) {
		return 0
	}
	name := t.Words(key, "")
	for i, s := range all {
		if s.Name == name {
			return i
		}
	}
	t.noSection(key, name, all)
	return 0
}

// noSection refuses a name that no section has.
func (t table) noSection(key, name string, all []Piece) {
	var known []string
	for _, s := range all {
		known = append(known, s.Name)
	}
	t.Fail(key, "is an %s", setting.Unknown("section", name, known))
}
