package neurons

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
)

// good is a neuron that uses every key; faults are made by replacing text of it.
const good = `doc = "a test"
source = "none"
start = "-65 mV"
temperature = "20 degC"
dt = "0.05 ms"
threshold = "-10 mV"

[[section]]
name = "soma"
length = "20 um"
diameter = "20 um"

[[section]]
name = "thin"
region = "dendrite"
parent = "soma"
at = 1
length = "200 um"
diameter = "2 um"
d_lambda = 0.1
longest = "50 um"

[membrane]
capacity = "1 uF/cm2"
axial = "100 ohm cm"

[region.soma]
leak = "0.3 mS/cm2"
rest = "-60 mV"

[region.soma.channels]
na = "120 mS/cm2"
mine = "1 mS/cm2"

[region.dendrite]
leak = "0.1 mS/cm2"
rest = "-65 mV"
capacity = "2 uF/cm2"

[region.dendrite.channels]
cal = "1 mS/cm2"
other = "1 mS/cm2"

[channel.cal]
use = "lgmd-cal"
reversal = "120 mV"

[channel.other]
file = "other.toml"

[channel.mine]
reversal = "-80 mV"

[[channel.mine.gate]]
name = "a"
power = 2
steady = { v = "-40 mV", k = "5 mV" }
time = { form = "sigmoid", tau0 = "1 ms", a = "3 ms", w = "-40 mV", l = "-5 mV" }

[[channel.mine.gate]]
name = "b"
alpha = { form = "exponential", a = "1 /ms", v = "-40 mV", k = "10 mV" }
beta = { form = "linear", a = "1 /ms", v = "-40 mV", k = "-10 mV" }

[calcium]
gain = "6e-4 mM cm2/(mA ms)"
rest = "1e-5 mM"
tau = "400 ms"

[[receptor]]
name = "ampa"
rise = "0.2 ms"
decay = "2 ms"
reversal = "0 mV"

[[input]]
name = "current"
section = "soma"
weight = "0.1 nA"

[[input]]
name = "spikes"
section = "thin"
at = 0.75
receptor = "ampa"
weight = "1 nS"
`

const other = `reversal = "-77 mV"
[[gate]]
name = "n"
power = 4
by_calcium = { k = "1e-3 mM" }
time = { form = "constant", tau = "2 ms" }
`

// wide is good with an input of many compartments behind it, of text that is put into its table.
func wide(text string) string {
	return good + "\n[[input]]\nname = \"many\"\nreceptor = \"ampa\"\nweight = \"1 nS\"\n" + text
}

func readGood(text, channel string) (*Neuron, error) {
	return Read("my.toml", []byte(text), func(path string) ([]byte, error) {
		if path != "other.toml" {
			return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
		}
		return []byte(channel), nil
	})
}

func TestGood(t *testing.T) {
	n, err := readGood(good, other)
	if err != nil {
		t.Fatal(err)
	}
	c := compile(t, n, Options{})
	if n.Compartments() != 1+n.Sections[1].Compartments || n.Nodes() != 1 || n.Regions[0].Capacity != 1 || n.Regions[1].Capacity != 2 {
		t.Errorf("%d compartments, %d nodes, regions %+v", n.Compartments(), n.Nodes(), n.Regions)
	}
	var names []string
	for _, ch := range n.Channels {
		names = append(names, ch.Name)
	}
	if got := strings.Join(names, " "); got != "na mine cal other" {
		t.Errorf("channels %s, want them in the order of the file", got)
	}
	bare := strings.Replace(strings.Replace(good, "[region.dendrite]\nleak = \"0.1 mS/cm2\"\nrest = \"-65 mV\"\ncapacity = \"2 uF/cm2\"\n", "", 1),
		"[membrane]\n", "[membrane]\nleak = \"1 S/cm2\"\nrest = \"-65 mV\"\n", 1)
	if m, err := readGood(bare, other); err != nil || m.Regions[0].Name != "soma" || m.Regions[1].Leak != 1 {
		t.Errorf("a region without a heading of its own makes %+v, error %v, want it behind the soma", m, err)
	}
	if m, err := readGood(strings.Replace(good, `na = "120 mS/cm2"`, "na = true", 1), other); err != nil || m.Regions[0].Densities["na"] != 0.12 {
		t.Errorf("with its own density na makes %+v, error %v", m, err)
	}
	if m, err := readGood(strings.Replace(good, `dt = "0.05 ms"`, `step = "0.04 ms"`, 1), other); err != nil || m.Dt != 0.04 || n.Dt != 0.05 {
		t.Errorf("steps of %v ms and by the other name of %+v, error %v", n.Dt, m, err)
	}
	if got := n.Inputs[1]; got.Receptor != 0 || got.Weight != 1e-3 || got.Units[0] != n.mesh.at(1, 0.75) {
		t.Errorf("input %+v", got)
	}
	if got := c.Neuron.Channels[0].Gates[0].Speed; relative(got, math.Pow(3, 1.37)) > 1e-12 {
		t.Errorf("at 20 degC gates have the speed %v, want 3^1.37", got)
	}
}

// TestBad: every fault is refused in one line that names file, line and key, and says what to do.
func TestBad(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown channel":     {`na = "120 mS/cm2"`, `nna = "120 mS/cm2"`, `my.toml: line 32: region.soma.channels.nna is no channel that is built in; did you mean "na"? A channel`},
		"unknown use":         {`use = "lgmd-cal"`, `use = "lgmd-cul"`, `line 45: channel.cal.use is no channel that is built in; did you mean "lgmd-cal"?`},
		"unknown region":      {`region = "dendrite"`, `region = "dendrit"`, `line 15: section[1].region is of an unknown region "dendrit"; did you mean "dendrite"?`},
		"unknown section":     {`section = "thin"`, `section = "thick"`, `line 83: input[1].section is an unknown section "thick"`},
		"unknown parent":      {`parent = "soma"`, `parent = "sum"`, `line 16: section[1].parent is an unknown section "sum"`},
		"unknown receptor":    {`receptor = "ampa"`, `receptor = "nmda"`, `line 85: input[1].receptor is "nmda", want one of ampa`},
		"unknown key":         {`temperature =`, `temprature =`, `line 4: temprature is unknown; did you mean "temperature"?`},
		"unknown gate key":    {"power = 2\n", "pwr = 2\n", `line 56: channel.mine.gate[0].pwr is unknown`},
		"negative capacity":   {`capacity = "2 uF/cm2"`, `capacity = "-2 uF/cm2"`, `line 38: region.dendrite.capacity is "-2 uF/cm2", want more than 0`},
		"no capacity":         {`capacity = "1 uF/cm2"`, ``, `region.soma has no capacity; add one, such as capacity = "1 uF/cm2"`},
		"negative density":    {`mine = "1 mS/cm2"`, `mine = "-1 mS/cm2"`, `line 33: region.soma.channels.mine is "-1 mS/cm2", want 0 or more`},
		"bad unit":            {`leak = "0.3 mS/cm2"`, `leak = "0.3 mS"`, `line 28: region.soma.leak is "0.3 mS", in an unknown unit; want one of S/cm2`},
		"no unit":             {`leak = "0.3 mS/cm2"`, `leak = "0.3"`, `line 28: region.soma.leak is "0.3", without a unit`},
		"bare number":         {`leak = "0.3 mS/cm2"`, `leak = 0.3`, `line 28: region.soma.leak is 0.3 without a unit; write leak = "0.3 S/cm2"`},
		"no number":           {`leak = "0.3 mS/cm2"`, `leak = "much"`, `line 28: region.soma.leak is "much", want a finite number and a unit`},
		"a list":              {`leak = "0.3 mS/cm2"`, `leak = ["0.3 mS/cm2"]`, `line 28: region.soma.leak is`},
		"slope of 0":          {`k = "5 mV"`, `k = "0 mV"`, `line 57: channel.mine.gate[0].steady.k is 0, and is divided by`},
		"power":               {"power = 2\n", "power = 9\n", `line 56: channel.mine.gate[0].power is 9, want a whole number of 1 to 8`},
		"form":                {`form = "sigmoid"`, `form = "sigmoidal"`, `line 58: channel.mine.gate[0].time.form is "sigmoidal", want one of constant, sigmoid, product, bell`},
		"form of a rate":      {`form = "linear"`, `form = "bell"`, `line 63: channel.mine.gate[1].beta.form is "bell", want one of exponential, sigmoid, linear`},
		"beta missing":        {"beta = {", "#", `channel.mine.gate[1] has no beta`},
		"gate twice":          {`name = "b"`, `name = "a"`, `line 61: channel.mine.gate[1].name is "a", as that of a gate before`},
		"calcium missing":     {"[calcium]\ngain = \"6e-4 mM cm2/(mA ms)\"\nrest = \"1e-5 mM\"\ntau = \"400 ms\"\n", "", `has no [calcium], which channel cal needs`},
		"section twice":       {`name = "thin"`, `name = "soma"`, `line 14: section[1].name is "soma", as that of a section before`},
		"no parent":           {"parent = \"soma\"\n", "", `section[1] has no parent; name the section that it is joined to, such as parent = "soma"`},
		"length":              {`length = "200 um"`, `length = "0 um"`, `line 18: section[1].length is "0 um", want more than 0`},
		"d_lambda":            {`d_lambda = 0.1`, `d_lambda = 0`, `line 20: section[1].d_lambda is 0, want a number of 0.001 to 10`},
		"too fine":            {`longest = "50 um"`, `longest = "1e-6 nm"`, `has more than 1048576 compartments; divide it less finely`},
		"place":               {`at = 0.75`, `at = 1.5`, `line 84: input[1].at is 1.5, want a number of 0 to 1`},
		"weight":              {`weight = "1 nS"`, `weight = "1 nA"`, `line 86: input[1].weight is "1 nA", in an unknown unit; want one of uS`},
		"current":             {`weight = "0.1 nA"`, `weight = "0.1 uA/m3"`, `line 79: input[0].weight is "0.1 uA/m3", in an unknown unit`},
		"rise":                {`rise = "0.2 ms"`, `rise = "20 ms"`, `line 72: receptor[0].rise is longer than decay`},
		"long step":           {`dt = "0.05 ms"`, `dt = "9 ms"`, `line 5: dt is 9 ms, too long for gate na.m, as V is held while gates move; want at most`},
		"step by its other":   {`dt = "0.05 ms"`, `step = "9 ms"`, `line 5: step is 9 ms, too long for gate na.m`},
		"step by both names":  {`dt = "0.05 ms"`, "dt = \"0.05 ms\"\nstep = \"0.05 ms\"", `line 6: step is dt by another name; leave one of them out`},
		"start":               {`start = "-65 mV"`, ``, `my.toml: has no start; add one`},
		"far start":           {`start = "-65 mV"`, `start = "-65 V"`, `line 3: start is "-65 V", want -1000 mV to 1000 mV`},
		"unused channel":      {`use = "lgmd-cal"`, "use = \"lgmd-cal\"\n[channel.idle]\n", `channel.idle is in no region`},
		"missing file":        {`file = "other.toml"`, `file = "none.toml"`, `line 49: channel.other.file cannot be used: open none.toml: file does not exist`},
		"syntax":              {`doc = "a test"`, `doc = "a test`, `my.toml: line 1: `},
		"table for a number":  {`dt = "0.05 ms"`, `dt = { ms = 1 }`, `line 5: dt is a table, want a number with a unit`},
		"number for a table":  {"[calcium]", "morphology = 1\n[calcium]", `morphology`},
		"no axial for a rule": {"axial = \"100 ohm cm\"\n", "", `line 20: section[1].d_lambda needs the axial resistivity of region dendrite`},
		"idle region":         {"[membrane]", "[region.axon]\nleak = \"1 S/cm2\"\nrest = \"0 mV\"\n[membrane]", `line 23: region.axon has no section`},
		"no own density":      {`cal = "1 mS/cm2"`, `cal = true`, `line 41: region.dendrite.channels.cal is true, and the channel has no density of its own; write cal = "1 mS/cm2"`},
		"false":               {`cal = "1 mS/cm2"`, `cal = false`, `line 41: region.dendrite.channels.cal is false, want a number with a unit`},
		"too large":           {`length = "20 um"`, `length = "1e12 m"`, `my.toml: has a compartment of 6.283e+19 µm² in section soma, want 1e-12 to 1e+12`},
		"too thin":            {`diameter = "20 um"`, `diameter = "1e-29 um"`, `my.toml: has a compartment of`},
		"too warm":            {"power = 2\n", "power = 2\nq10 = 100\nmeasured = \"-50 degC\"\n", `line 4: temperature makes gate a of channel mine 1e+14 times as fast`},
		"name":                {"[region.soma.channels]\n", "[region.soma.channels]\n\"a b\" = \"1 S/cm2\"\n", `line 32: region.soma.channels.a b is called "a b"`},
		"input twice":         {`name = "spikes"`, `name = "current"`, `line 82: input[1].name is "current", as that of an input before`},
		"shape twice":         {"[calcium]", "[morphology]\nfile = \"x.swc\"\n[calcium]", `morphology stands beside [[section]] tables`},
		"reversal of none":    {"[calcium]", "[region.soma.reversal]\ncal = \"1 mV\"\n[calcium]", `line 66: region.soma.reversal.cal is no channel of the region; give it a density under [region.soma.channels], or delete it`},
		"unit of a reversal":  {"[calcium]", "[region.soma.reversal]\nna = \"1 mS\"\n[calcium]", `region.soma.reversal.na is "1 mS", in an unknown unit`},
		"speed and no degree": {"power = 2\n", "power = 2\nq10 = 3\n", `channel.mine.gate[0] has no measured`},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: nothing to replace", name)
		}
		_, err := readGood(strings.Replace(good, c.old, c.new, 1), other)
		if !errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is\n%v, want\n%s", name, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"delay = \"-1 ms\"\n":                                                                 `input[2].delay is "-1 ms", want 0 or more`,
		"delay = \"1\"\n":                                                                     `input[2].delay is "1", without a unit`,
		"sections = [\"thick\"]\n":                                                            `line 92: input[2].sections is an unknown section "thick"`,
		"sections = \"thin\"\n":                                                               `input[2].sections is "thin", want a list of names in quotes`,
		"sections = []\n":                                                                     `input[2].sections is [], want a list of names`,
		"sections = [\"thin\", \"th*\"]\n":                                                    `input[2].sections has section "thin" twice`,
		"sections = [\"thin\"]\nsection = \"thin\"\n":                                         `input[2].section stands beside sections`,
		"sections = [\"thin\"]\nfrom = 0.6\nto = 0.5\n":                                       `input[2].to is 0.5 and from is 0.6, want from before to`,
		"section = \"thin\"\nnoise = { rate = \"1 Hz\" }\n":                                   `input[2].noise is for an input of many compartments; name their sections`,
		"sections = [\"thin\"]\nfacets = { half = \"90 deg\" }\n":                             `input[2].facets.half is "90 deg", want 0.001 deg to 89 deg`,
		"sections = [\"thin\"]\nfacets = { synapses = 2 }\n":                                  `input[2].facets has no half; add one`,
		"sections = [\"thin\"]\nfacets = { half = \"9 deg\", sped = 1 }\n":                    `input[2].facets.sped is unknown; did you mean "speed"?`,
		"sections = [\"thin\"]\nnoise = { rate = \"1 ms\" }\n":                                `input[2].noise.rate is "1 ms", in an unknown unit`,
		"sections = [\"thin\"]\nnoise = { rate = \"1 Hz\" }\nfacets = { half = \"9 deg\" }\n": `input[2].noise stands beside facets`,
	} {
		if _, err := readGood(wide(text), other); !errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is\n%v, want\n%s", text, err, want)
		}
	}
	delayed := strings.Replace(good, `weight = "0.1 nA"`, "weight = \"0.1 nA\"\ndelay = \"1 ms\"", 1)
	if _, err := readGood(delayed, other); err == nil || !strings.Contains(err.Error(), "input[0].delay is unknown") {
		t.Errorf("error of a current with a delay is %v", err)
	}
	bare := strings.NewReplacer("d_lambda = 0.1\n", "", "axial = \"100 ohm cm\"\n", "").Replace(good)
	if _, err := readGood(bare, other); err == nil || !strings.Contains(err.Error(), `region.soma has no axial, and section "soma" has neighbours; add one`) {
		t.Errorf("error of sections without a resistance is %v", err)
	}
	slip := strings.NewReplacer("[region.soma.channels]", "[region.som.channels]", "capacity = \"1 uF/cm2\"\n", "", "[region.soma]\n", "[region.soma]\ncapacity = \"1 uF/cm2\"\n").Replace(good)
	if _, err := readGood(slip, other); err == nil || !strings.Contains(err.Error(), "region.som has no section, which are of soma, dendrite; delete it") {
		t.Errorf("error of a region that no section is of is %v", err)
	}
	if _, err := readGood(good, strings.Replace(other, "k = \"1e-3 mM\"", "k = \"0 mM\"", 1)); err == nil || !strings.Contains(err.Error(), `other.toml: line 5: gate[0].by_calcium.k is "0 mM", want more than 0`) {
		t.Errorf("error of a wrong channel is %v", err)
	}
}

// TestCuts reads every beginning of a file, and the file without each of its lines: none panics, and what is
// refused is refused as ErrDescription in one line.
func TestCuts(t *testing.T) {
	lines := strings.SplitAfter(good, "\n")
	try := func(text string) {
		n, err := readGood(text, other)
		if err == nil {
			_, err = n.Compile(Options{})
		}
		if err != nil && (!errors.Is(err, ErrDescription) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error of %d bytes is %v", len(text), err)
		}
	}
	for i := range lines {
		try(strings.Join(lines[:i], "") + strings.Join(lines[i+1:], ""))
	}
	for i := 0; i < len(good); i += 3 {
		try(good[:i])
	}
}

// usable wants what was read to compile, where it is small, and what was refused to be refused as ErrDescription in one line.
func usable(t *testing.T, n *Neuron, err error) {
	t.Helper()
	switch {
	case err != nil:
		if !errors.Is(err, ErrDescription) || strings.ContainsAny(err.Error(), "\n\r") {
			t.Fatalf("error is %q", err)
		}
	case n.Compartments() <= 1000:
		if _, err := n.Compile(Options{}); err != nil {
			t.Fatalf("a neuron that was read is refused: %v", err)
		}
	}
}

// FuzzNeuron: no file makes Read or Compile panic.
func FuzzNeuron(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(other))
	f.Add([]byte("start = \"1 mV\"\n[[section]]\n[region.a.channels]\n[channel]\na = 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := readGood(string(text), other)
		usable(t, n, err)
	})
}
