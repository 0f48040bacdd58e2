package circuits

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/models/description"
	"galvani/models/rates"
)

// good is a network that uses every key; faults are made by replacing text of it.
const good = `doc = "a test"
source = "none"
dt = "0.2 ms"

[setting.n]
doc = "units"
value = 40
min = 10
max = 1000

[setting.r_x]
value = 20.0
unit = "Hz"

[population.e]
kind = "excitatory"
neuron = "lif"
n = "0.8*n"
start = { uniform = ["-60 mV", "-56 mV"] }
synapse = { fast = "5 ms", i = "10 ms" }

[population.e.numbers]
tau_m = "20 ms"
V_re = "-60 mV"

[population.i]
neuron = "eif"
n = "n/5"
start = { normal = ["-60 mV", "2 mV"] }
synapse = { all = "4 ms" }

[population.x]
neuron = "poisson"
n = 8
rate = "r_x/2 Hz"

[[projection]]
from = "e"
to = "e"
synapse = "fast"
probability = 0.1
autapses = false
weight = "3/sqrt(n) mV ms"
delay = "1.5 ms"

[[projection]]
from = "i"
to = "e"
in_degree = 3
weight = { normal = ["-9 mV ms", "3 mV ms"] }
delay = { uniform = ["0.2 ms", "2 ms"] }

[[projection]]
from = "x"
to = "i"
one_to_one = true
weight = { uniform = ["1 mV ms", "2 mV ms"] }

[[projection]]
from = "x"
to = "i"
all_to_all = true
weight = "1 mV ms"

[[current]]
population = "e"
amplitude = "15 mV"
from = "10 ms"
to = "1 s"

[[record]]
population = "e"
units = 3

[[record]]
population = "i"
unit = 7

[[projection]]
from = "i"
to = "i"
probability = 0.5
weight = { normal = ["-9 mV ms", "9 mV ms"] }

[projection.plasticity]
rule = "stdp"
A_minus = 0.02
tau_plus = "10 ms"
w_max = "sqrt(n)*2 mV ms"
window = "symmetric"

[[record]]
from = "i"
to = "i"
every = "50 ms"
`

// readGood reads a network and draws it; drawn does so at a path.
func readGood(text string) (*Blueprint, *kernels.Circuit, error) { return drawn("my.toml", text) }

func drawn(path, text string) (*Blueprint, *kernels.Circuit, error) {
	n, err := Read(path, []byte(text))
	if err != nil {
		return nil, nil, err
	}
	b, err := n.Blueprint(n.Step)
	if err != nil {
		return nil, nil, err
	}
	c, err := b.Draw(1)
	return b, c, err
}

func TestGood(t *testing.T) {
	b, c, err := readGood(good)
	if err != nil {
		t.Fatal(err)
	}
	if len(neurons.All()) > 0 {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		if p := b.Populations[0].Params; p[0] != 20 || p[3] != -60 || p[2] != -55 {
			t.Errorf("e has the numbers %v", p)
		}
	}
	e, i, x := b.Populations[0], b.Populations[1], b.Populations[2]
	if e.N != 32 || i.N != 8 || x.N != 8 || x.Params[0] != 10 || b.Step != 0.2 || len(e.Synapses) != 2 || len(c.Probes) != 4 {
		t.Errorf("populations %+v, step %v, probes %v", b.Populations, b.Step, c.Probes)
	}
	if b, _, err := readGood(strings.Replace(good, `dt = "0.2 ms"`, `step = "0.1 ms"`, 1)); err != nil || b.Step != 0.1 {
		t.Errorf("steps by the other name are of %v, error %v", b, err)
	}
	for _, v := range c.Populations[0].Start {
		if v < -60 || v > -56 {
			t.Errorf("a start of %v mV", v)
		}
	}
	ee, ei, xi := c.Projections[0], c.Projections[1], c.Projections[2]
	if ee.Delay[0] != 8 || ei.Matrix.Len() != 3*32 || len(ei.Weight) != 96 || len(ei.Delay) != 96 || ei.Synapse != 1 || xi.Matrix.Len() != 8 || c.Projections[3].Matrix.Len() != 64 {
		t.Errorf("projections %+v", c.Projections)
	}
	for r := range ee.Matrix.Rows {
		for _, j := range ee.Matrix.Row(r) {
			if int(j) == r {
				t.Errorf("unit %d reaches itself", r)
			}
		}
	}
	for k, w := range ei.Weight {
		if d := ei.Delay[k]; w > 0 || d < 1 || d > 10 {
			t.Errorf("entry %d has the weight %v and a delay of %d steps", k, w, d)
		}
	}
	ii := c.Projections[4]
	most, at := math.Sqrt(40)*2, 0
	for _, w := range ii.Weight {
		if w > 0 || w < -most {
			t.Errorf("a plastic weight is %v, want %v to 0", w, -most)
		}
		if w == -most {
			at++
		}
	}
	if p := ii.Plasticity; at == 0 || p.Sign != -1 || p.Most != most || p.Pre.B != 0.02 || p.Post.B != 0.01 || p.Source.Tau != 10 || p.Target.Tau != 20 || c.Projections[0].Plasticity != nil {
		t.Errorf("%d plastic weights are at the largest, by %+v", at, p)
	}
	if len(b.Samples) != 1 || b.Samples[0] != (Sample{4, 250}) {
		t.Errorf("samples %v", b.Samples)
	}
	if got, want := b.Connections[4].Learning.Text(area), "stdp (A_plus 0.01, A_minus 0.02, tau_plus 10 ms, tau_minus 20 ms, w_max 12.6491 mV ms, window symmetric, pairs all)"; got != want {
		t.Errorf("the plasticity is written %s, want %s", got, want)
	}
	if cur := c.Currents[0]; cur.First != 50 || cur.Last != 5000 || cur.Amplitude != 15 {
		t.Errorf("current %+v", cur)
	}
}

// TestBad: every fault is refused in one line that names file, line and key, and says what to do.
func TestBad(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"population of size 0":    {`n = 8`, `n = 0`, `line 34: population.x.n is 0, want a whole number of 1 to`},
		"a formula of size 0":     {`n = "n/5"`, `n = "n/500"`, `line 28: population.i.n is "n/500", which is 0, want a whole number of 1 to`},
		"unknown population":      {"from = \"i\"", "from = \"j\"", `line 47: projection[1].from is an unknown population "j"`},
		"unknown target":          {"to = \"i\"\none", "to = \"in\"\none", `line 55: projection[2].to is an unknown population "in"`},
		"into sources":            {"to = \"i\"\none", "to = \"x\"\none", `line 55: projection[2].to is x, a population of sources`},
		"delay below the step":    {`delay = "1.5 ms"`, `delay = "0.1 ms"`, `line 44: projection[0].delay is 0.1 ms, shorter than the step, 0.2 ms; give a longer delay`},
		"spread below the step":   {`["0.2 ms", "2 ms"]`, `["0.1 ms", "2 ms"]`, `line 51: projection[1].delay is 0.1 ms, shorter than the step`},
		"long delay":              {`delay = "1.5 ms"`, `delay = "9 s"`, `line 44: projection[0].delay is 9000 ms, which is 45000 steps`},
		"wrong sign of a kind":    {`"3/sqrt(n) mV ms"`, `"-3/sqrt(n) mV ms"`, `line 43: projection[0].weight is -0.474342 mV ms, and population e is excitatory; by Dale's law`},
		"signs differ":            {"all_to_all = true\nweight = \"1", "all_to_all = true\nweight = \"-1", `line 63: projection[3].weight is -1 mV ms, and population x has 1.5 mV ms in line 57; by Dale's law`},
		"both signs":              {`["1 mV ms", "2 mV ms"]`, `["-1 mV ms", "2 mV ms"]`, `line 57: projection[2].weight has both signs, from -1 to 2 mV ms`},
		"probability":             {`probability = 0.1`, `probability = 1.1`, `line 41: projection[0].probability is 1.1, want a number of 0 to 1`},
		"negative probability":    {`probability = 0.1`, `probability = "-r_x"`, `line 41: projection[0].probability is "-r_x", which is -20, want a number of 0 to 1`},
		"no rule":                 {"probability = 0.1\n", "", `projection[0] has no probability; add one, such as probability = 0.1, or in_degree`},
		"two rules":               {"in_degree = 3", "in_degree = 3\nprobability = 0.1", `line 49: projection[1].in_degree stands beside probability`},
		"too many":                {`in_degree = 3`, `in_degree = 9`, `line 49: projection[1].in_degree is 9, want a whole number of 0 to 8`},
		"one to other":            {"n = 8", "n = 9", `line 56: projection[2].one_to_one joins 9 units to 8`},
		"unknown neuron":          {`neuron = "poisson"`, `neuron = "poison"`, `line 33: population.x.neuron is an unknown neuron "poison"; did you mean "poisson"?`},
		"unknown number":          {`V_re`, `V_reset`, `line 24: population.e.numbers.V_reset is unknown`},
		"unknown setting":         {`"r_x/2 Hz"`, `"r_y/2 Hz"`, `line 35: population.x.rate is "r_y/2 Hz", with an unknown name "r_y"; did you mean "r_x"?`},
		"unknown key":             {`in_degree`, `indegree`, `line 49: projection[1].indegree is unknown; did you mean "in_degree"?`},
		"unknown synapse":         {`synapse = "fast"`, `synapse = "quick"`, `line 40: projection[0].synapse is "quick", want one of fast, i`},
		"no synapse":              {"synapse = \"fast\"\n", "", `line 37: projection[0] acts on population e, which has no synapse of the name e; add one`},
		"short synapse":           {`"4 ms"`, `"0.1 ms"`, `line 30: population.i.synapse.all is 0.1 ms, shorter than the step`},
		"unit of a weight":        {"all_to_all = true\nweight = \"1 mV ms\"", "all_to_all = true\nweight = \"1 mV\"", `line 63: projection[3].weight is "1 mV", in an unknown unit; want one of mV ms`},
		"a bare weight":           {"all_to_all = true\nweight = \"1 mV ms\"", "all_to_all = true\nweight = 1", `line 63: projection[3].weight is 1 without a unit`},
		"rate":                    {`"r_x/2 Hz"`, `"r_x kHz"`, `line 35: population.x.rate is "r_x kHz", which is 20000 Hz, want at most 5000 Hz`},
		"threshold":               {`V_re = "-60 mV"`, `V_re = "-50 mV"`, `population.e.numbers.V_th is -55, not above V_re, -50`},
		"setting out of range":    {`value = 40`, `value = 4`, `line 7: setting.n.value is 4, want a number of 10 to 1000`},
		"a flag for a setting":    {`[setting.r_x]`, `[setting.seed]`, `line 11: setting.seed is called "seed", which means something else`},
		"setting without value":   {"value = 20.0\n", "", `line 11: setting.r_x has no value`},
		"name of a setting":       {`[setting.r_x]`, `[setting.R-x]`, `line 11: setting.R-x is called "R-x", want a small letter`},
		"name of a population":    {`[population.x]`, `[population."x y"]`, `line 32: population.x y is called "x y", want a letter`},
		"current into sources":    {"population = \"e\"\namp", "population = \"x\"\namp", `line 66: current[0].population is x, a population of sources`},
		"current back in time":    {`to = "1 s"`, `to = "1 ms"`, `line 69: current[0].to is not behind from`},
		"record beyond":           {`unit = 7`, `unit = 8`, `line 77: record[1].unit is 8, want a whole number of 0 to 7`},
		"spread with one number":  {`["1 mV ms", "2 mV ms"]`, `["1 mV ms"]`, `line 57: projection[2].weight is [1 mV ms], want a quantity, { uniform`},
		"spread in reverse":       {`["0.2 ms", "2 ms"]`, `["2 ms", "0.2 ms"]`, `line 51: projection[1].delay.uniform has the larger number first`},
		"negative deviation":      {`"3 mV ms"]`, `"-3 mV ms"]`, `line 50: projection[1].weight.normal is "-3 mV ms", want 0 or more`},
		"no reversal":             {`i = "10 ms"`, `i = { tau = "10 ms" }`, `line 20: population.e.synapse.i has no reversal; add one`},
		"negative conductance":    {`i = "10 ms"`, `i = { tau = "10 ms", reversal = "-80 mV" }`, `line 50: projection[1].weight.normal is "-9 mV ms", in an unknown unit; want one of ms`},
		"an exciting conductance": {"fast = \"5 ms\"", "fast = { tau = \"5 ms\", reversal = \"-80 mV\" }", `line 43: projection[0].weight is "3/sqrt(n) mV ms", in an unknown unit`},
		"kind":                    {`kind = "excitatory"`, `kind = "exciting"`, `line 16: population.e.kind is "exciting", want one of excitatory, inhibitory`},
		"syntax":                  {`doc = "a test"`, `doc = "a test`, `my.toml: line 1: `},
		"step":                    {`dt = "0.2 ms"`, `dt = "0 ms"`, `line 3: dt is "0 ms", want`},
		"step by its other name":  {`dt = "0.2 ms"`, `step = "0 ms"`, `line 3: step is "0 ms", want`},
		"step by both names":      {`dt = "0.2 ms"`, "dt = \"0.2 ms\"\nstep = \"0.2 ms\"", `line 4: step is dt by another name; leave one of them out`},
		"step by no name":         {`dt = "0.2 ms"`, `dd = "0.2 ms"`, `line 3: dd is unknown; did you mean "dt"?`},
		"unknown rule":            {`rule = "stdp"`, `rule = "stpd"`, `projection[4].plasticity.rule is "stpd", want one of isp, isp-additive, stdp, vogels`},
		"no rule of plasticity":   {"rule = \"stdp\"\n", "", `projection[4].plasticity has no rule; add one, such as rule = "isp"`},
		"no largest weight":       {"w_max = \"sqrt(n)*2 mV ms\"\n", "", `projection[4].plasticity has no w_max; add one, such as w_max = "1 mV ms"`},
		"largest weight of 0":     {`"sqrt(n)*2 mV ms"`, `"0 mV ms"`, `projection[4].plasticity.w_max is "0 mV ms", want more than 0`},
		"a weight beyond it":      {`"sqrt(n)*2 mV ms"`, `"8 mV ms"`, `projection[4].weight reaches 9, more than the w_max of the plasticity, 8; give`},
		"unknown parameter":       {`A_minus`, `A_min`, `projection[4].plasticity.A_min is unknown; did you mean "A_minus"?`},
		"parameter of another":    {`rule = "stdp"`, `rule = "vogels"`, `projection[4].plasticity has no eta; add one, such as eta = "1 mV ms"`},
		"part of a weight":        {`A_minus = 0.02`, `A_minus = 2`, `projection[4].plasticity.A_minus is 2, want a number of 0 to 1`},
		"short trace":             {`tau_plus = "10 ms"`, `tau_plus = "0.1 ms"`, `projection[4].plasticity.tau_plus is 0.1 ms, shorter than the step, 0.2 ms`},
		"long trace":              {`tau_plus = "10 ms"`, `tau_plus = "21 s"`, `projection[4].plasticity.tau_plus is 21000 ms, 105000 steps, want at most 100000, as a trace of float32`},
		"unknown window":          {`"symmetric"`, `"even"`, `projection[4].plasticity.window is "even", want one of asymmetric, symmetric`},
		"plastic without a sign":  {`{ normal = ["-9 mV ms", "9 mV ms"] }`, `"0 mV ms"`, `projection[4].weight is 0, so that plasticity cannot know its sign; give population i the kind "excitatory" or "inhibitory"`},
		"weights that stay":       {"from = \"i\"\nto = \"i\"\nevery", "from = \"i\"\nto = \"e\"\nevery", `record[2] records the weights from i to e, which do not change`},
		"weights that are not":    {"from = \"i\"\nto = \"i\"\nevery", "from = \"e\"\nto = \"i\"\nevery", `record[2] records the weights from e to i, and there is no such projection`},
		"weights between steps":   {"every = \"50 ms\"", "every = \"0.5 ms\"", `record[2].every is 0.5 ms, which is 2.5 steps of 0.2 ms; want a whole number, such as 0.6 ms`},
		"weights at no times":     {"every = \"50 ms\"\n", "", `record[2] has no every; add one, such as every = "1 s"`},
		"projection as a table":   {"[[current]]", "projection = 1\n[[current]]", `my.toml: line `},
	}
	for name, c := range tests {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: nothing to replace", name)
		}
		if len(neurons.All()) == 0 && (strings.Contains(name, "number") || name == "threshold" || name == "unknown neuron") {
			continue // nobody has read the headers
		}
		_, _, err := readGood(strings.Replace(good, c.old, c.new, 1))
		if !errors.Is(err, description.Err) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is\n%v, want\n%s", name, err, c.want)
		}
	}
	if _, err := Read("e.toml", nil); err == nil || !strings.Contains(err.Error(), "e.toml: population is missing; add a table") {
		t.Errorf("error of an empty file is %v", err)
	}
}

// TestCuts reads every beginning of a file, and the file without each of its lines: none panics, and what is
// refused is refused as description.Err in one line.
func TestCuts(t *testing.T) {
	lines := strings.SplitAfter(good, "\n")
	try := func(text string) {
		if err := usable(text); err != nil {
			t.Error(err)
		}
	}
	for i := range lines {
		try(strings.Join(lines[:i], "") + strings.Join(lines[i+1:], ""))
	}
	for i := 0; i < len(good); i += 3 {
		try(good[:i])
	}
}

// usable wants a text to be refused in one line, or to make a circuit.
func usable(text string) error {
	n, err := Read("my.toml", []byte(text))
	if err != nil {
		if !errors.Is(err, description.Err) || strings.ContainsAny(err.Error(), "\n\r") {
			return fmt.Errorf("%d bytes are refused by %q", len(text), err)
		}
		return nil
	}
	b, err := n.Blueprint(n.Step)
	if err != nil {
		return fmt.Errorf("what was read is refused: %w", err)
	}
	if s := b.Size(); s.Entries > 1e5 || s.Units > 1e5 || len(neurons.All()) == 0 {
		return nil
	}
	c, err := b.Draw(1)
	switch {
	case err != nil:
	case rates.Of(c):
		_, err = rates.New(c)
	default:
		err = c.Check()
	}
	if err != nil {
		return fmt.Errorf("what was read makes no circuit: %w\n%s", err, text)
	}
	return nil
}

// FuzzNetwork: no file makes Read, Blueprint or Draw panic, and what is read makes a circuit.
func FuzzNetwork(f *testing.F) {
	f.Add(good)
	for _, name := range Names() {
		if text, err := Text(name); err == nil {
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := usable(text); err != nil {
			t.Fatal(err)
		}
	})
}
