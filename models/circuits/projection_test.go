package circuits

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models/description"
)

// lists has projections of several populations at once, drives, and synapses at random.
const lists = `step = "0.1 ms"
[setting.degree]
value = 0.5
[population.a]
kind = "excitatory"
neuron = "lif"
n = 30
synapse = { all = "5 ms" }
[population.b]
kind = "inhibitory"
neuron = "lif"
n = 20
synapse = { all = "5 ms", drive = "2 ms" }
[[projection]]
from = ["a"]
to = ["a", "b"]
synapse = "all"
mean_in_degree = [["7.1*degree"], [40]]
weight = "3 mV ms"
[[projection]]
from = ["b", "b"]
to = ["a", "b"]
synapse = "all"
autapses = false
in_degree = [[0, 2], [3, 4]]
weight = "-3 mV ms"
[[drive]]
population = "b"
rate = "17 kHz"
weight = "0.2 mV ms"
delay = "0.4 ms"
[[drive]]
population = "a"
rate = "0 Hz"
weight = "0.2 mV ms"
`

func TestLists(t *testing.T) {
	b, c, err := readGood(lists)
	if err != nil {
		t.Fatal(err)
	}
	type joined struct{ from, to, entries int }
	var got []joined
	for _, p := range c.Projections {
		got = append(got, joined{p.From, p.To, p.Matrix.Len()})
	}
	if want := []joined{{0, 0, 107}, {0, 1, 800}, {1, 0, 60}, {1, 1, 60}, {1, 1, 80}, {2, 1, 100}, {3, 0, 30}}; !slices.Equal(got, want) {
		t.Errorf("projections %v, want %v", got, want)
	}
	if m := c.Projections[3].Matrix; slices.Contains(m.Row(4), 4) || slices.Equal(m.Col[:6], c.Projections[4].Matrix.Col[:6]) {
		t.Error("a unit reaches itself, or two projections between the same populations are alike")
	}
	drive := c.Projections[5]
	if p := c.Populations[2]; p.Header != kernels.Events || p.N != 100 || p.Params[0] != 17000 || !p.Unrecorded || drive.Synapse != 1 || drive.Delay[0] != 4 {
		t.Errorf("the drive is %+v by %+v", p, drive)
	}
	if want := []float64{0.2, 0.4, 0.8, 1.6, 3.2, 0.2}; !slices.Equal(drive.Weight[:6], want) || !slices.Equal(drive.Matrix.Row(1), []int32{5, 6, 7, 8, 9}) {
		t.Errorf("its weights begin with %v, row 1 is %v", drive.Weight[:6], drive.Matrix.Row(1))
	}
	l, err := b.MeanField()
	if err != nil {
		t.Fatal(err)
	}
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-12 }
	if !near(l.X[1], 3.4) || !near(l.W[1][0], 40*3e-3) || !near(l.W[1][1], -7*3e-3) || !near(l.W[0][0], 3e-3*107/30) {
		t.Errorf("in the mean it is %+v", l)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"rows":            {`[[0, 2], [3, 4]]`, `[[0, 2]]`, `line 25: projection[1].in_degree is [[0 2]], want a row for each of the 2 populations of to, of a number for each of the 2 of from`},
		"columns":         {`[[0, 2], [3, 4]]`, `[[0, 2], [3]]`, `want a row for each of the 2`},
		"an element":      {`[[0, 2], [3, 4]]`, `[[0, 2], [3, "x"]]`, `projection[1].in_degree is "x", with an unknown name "x"`},
		"a population":    {`from = ["b", "b"]`, `from = ["b", "c"]`, `projection[1].from is an unknown population "c"`},
		"no population":   {`from = ["b", "b"]`, `from = ["b", 3]`, `projection[1].from is 3`},
		"none to join":    {"n = 30", "n = 1\n", ``},
		"drive of nobody": {`population = "b"`, `population = "drive of a"`, `drive[0].population is an unknown population "drive of a"`},
		"no synapse":      {`, drive = "2 ms" }`, `, x = "2 ms" }`, `drive[0] acts on population b, which has no synapse of the name drive`},
		"too many events": {`"17 kHz"`, `"2 MHz"`, `drive[0].rate is "2 MHz", in an unknown unit`},
		"too high a rate": {`"17 kHz"`, `"2000 kHz"`, `drive[0].rate is "2000 kHz", want at most 1e+06 Hz`},
		"delay":           {`delay = "0.4 ms"`, `delay = "0.04 ms"`, `drive[0].delay is 0.04 ms, shorter than the step`},
		"no rate":         {"rate = \"17 kHz\"\n", "", `drive[0] has no rate; add one, such as rate = "8 kHz"`},
		"negative degree": {`"7.1*degree"`, `"-degree"`, `projection[0].mean_in_degree is "-degree", which is -0.5, want a number of 0 to 1e+09`},
	} {
		_, _, err := readGood(strings.Replace(lists, c.old, c.new, 1))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, description.Err) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is\n%v, want\n%s", name, err, c.want)
		}
	}
}

// TestLognormal: weights and delays have the mean and the deviation that are asked for, and the sign of the mean.
func TestLognormal(t *testing.T) {
	text := strings.Replace(lists, `weight = "-3 mV ms"`, "weight = { lognormal = [\"-3 mV ms\", \"2 mV ms\"] }\ndelay = { lognormal = [\"3 ms\", \"1 ms\"] }", 1)
	text = strings.Replace(text, "[[0, 2], [3, 4]]", "[[0, 20], [0, 19]]", 1)
	b, c, err := readGood(strings.Replace(text, "n = 30", "n = 900", 1))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Projections[2]
	sum, squares, logs := 0.0, 0.0, 0.0
	for _, w := range p.Weight {
		if !(w < 0) {
			t.Fatalf("a weight of %v", w)
		}
		sum, squares, logs = sum+w, squares+w*w, logs+math.Log(-w)
	}
	n := float64(len(p.Weight))
	mean := sum / n
	// Of 18000 numbers the mean is within 4 standard errors, the deviation within 5 %.
	if sd := math.Sqrt(squares/n - mean*mean); n != 18000 || math.Abs(mean+3) > 0.06 || math.Abs(sd/2-1) > 0.05 || math.Abs(logs/n-math.Log(3)+math.Log1p(4./9)/2) > 0.02 {
		t.Errorf("%v weights with the mean %v and the deviation %v", n, mean, sd)
	}
	longest := 0.0
	for _, d := range p.Delay {
		longest = max(longest, float64(d))
	}
	if mean := float64(sumOf(p.Delay)) / n; math.Abs(mean-30) > 0.5 || longest < 60 || b.Size().State < c.Size().State {
		t.Errorf("delays have the mean %v, the longest %v steps", mean, longest)
	}
	if got := b.Connections[2].Weight.Text("mV ms"); got != "-3 ± 2 mV ms, lognormal" {
		t.Errorf("weights are shown as %s", got)
	}
	for old, want := range map[string]string{`"-3 mV ms", "2`: `lognormal has the mean 0`, `["3 ms", "1 ms"]`: "want a quantity"} {
		bad := strings.Replace(text, old, map[string]string{`"-3 mV ms", "2`: `"0 mV ms", "2`, `["3 ms", "1 ms"]`: `["3 ms"]`}[old], 1)
		if _, _, err := readGood(bad); !errors.Is(err, description.Err) || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestNormal: of weights with a wide distribution those of the other sign are 0, as many as Cut tells, and the mean is that of
// Mean, with which the theory computes; a mean of 0 has no sign.
func TestNormal(t *testing.T) {
	text := strings.Replace(lists, `weight = "-3 mV ms"`, "weight = { normal = [\"-3 mV ms\", \"6 mV ms\"] }", 1)
	text = strings.Replace(text, "[[0, 2], [3, 4]]", "[[0, 20], [0, 19]]", 1)
	text = strings.Replace(text, "n = 30", "n = 900", 1)
	b, c, err := readGood(text)
	if err != nil {
		t.Fatal(err)
	}
	sum, none := 0.0, 0.0
	p := c.Projections[2]
	for _, w := range p.Weight {
		if sum += w; w == 0 {
			none++
		}
	}
	n, of := float64(len(p.Weight)), b.Connections[2].Weight
	// Of max(0, x) for a normal x the mean is that of x times Φ and the deviation times the density; 4 standard errors of 18000.
	const phi, density = 0.6914624612740131, 0.3520653267642995 // at 0.5
	if want := -(3*phi + 6*density); math.Abs(of.Mean()-want) > 1e-12 || math.Abs(of.Cut()-(1-phi)) > 1e-12 {
		t.Errorf("mean %v and part %v of 0, want %v and %v", of.Mean(), of.Cut(), want, 1-phi)
	}
	if n != 18000 || math.Abs(sum/n-of.Mean()) > 0.14 || math.Abs(none/n-of.Cut()) > 0.014 {
		t.Errorf("%v weights with the mean %v, %v of them 0; want %v and %v", n, sum/n, none/n, of.Mean(), of.Cut())
	}
	if narrow := (Spread{Form: Normal, A: -3, B: 0.3}); narrow.Mean() != -3 || narrow.Cut() > 1e-20 {
		t.Errorf("a narrow one has the mean %v and the part %v of 0", narrow.Mean(), narrow.Cut())
	}
	if _, _, err := readGood(strings.Replace(text, `normal = ["-3 mV ms"`, `normal = ["0 mV ms"`, 1)); !errors.Is(err, description.Err) || !strings.Contains(err.Error(), "weight is normal with the mean 0, of both signs") {
		t.Errorf("error of a mean of 0 is %v", err)
	}
}

func sumOf(list []uint16) (sum int) {
	for _, x := range list {
		sum += int(x)
	}
	return sum
}

// TestEdges: the edges of a table and of arrays make the projection, with their weights and delays, in whatever order
// they are, and what is wrong in the file is told in a line.
func TestEdges(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	net := func(keys string) (*Blueprint, *kernels.Circuit, error) {
		text := `[population.a]
neuron = "lif"
n = 3
synapse = { all = "5 ms", g = { tau = "5 ms", reversal = "0 mV" } }
[population.b]
neuron = "poisson"
rate = "5 Hz"
n = 4
[[projection]]
from = "b"
to = "a"
` + keys
		return drawn(filepath.Join(dir, "net.toml"), text)
	}
	write("all.csv", "delay_ms,target,source,weight\n0.3,2,3,1.5\n0.1,0,3,2\n0.2,0,1,4\n1,0,3,8\n")
	write("bare.csv", "source,target\n3,2\n0,1\n")
	var archive bytes.Buffer
	if err := npz.Write(&archive, []safetensors.Tensor{safetensors.Int32("p.source", []int{2}, []int32{3, 0}), safetensors.Int32("p.target", []int{2}, []int32{2, 1}),
		safetensors.Float64("p.weight", []int{2}, []float64{-1, -2}), safetensors.Float64("q.weight", []int{1}, []float64{1})}); err != nil {
		t.Fatal(err)
	}
	write("edges.npz", archive.String())
	_, c, err := net("synapse = \"all\"\nedges = \"all.csv\"")
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Projections[0]; !slices.Equal(p.Matrix.Start, []int32{0, 3, 3, 4}) || !slices.Equal(p.Matrix.Col, []int32{1, 3, 3, 3}) ||
		!slices.Equal(p.Weight, []float64{4, 2, 8, 1.5}) || !slices.Equal(p.Delay, []uint16{2, 1, 10, 3}) {
		t.Errorf("projection %+v of %+v", p, p.Matrix)
	}
	if _, c, err = net("synapse = \"all\"\nedges = \"bare.csv\"\nweight = \"3 mV ms\"\ndelay = \"0.5 ms\""); err != nil {
		t.Fatal(err)
	}
	if p := c.Projections[0]; !slices.Equal(p.Matrix.Col, []int32{0, 3}) || len(p.Weight) != 1 || p.Delay[0] != 5 {
		t.Errorf("projection %+v of %+v", p, p.Matrix)
	}
	b, c, err := net("synapse = \"all\"\nedges = { file = \"edges.npz\", of = \"p\" }")
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Projections[0]; !slices.Equal(p.Matrix.Col, []int32{0, 3}) || !slices.Equal(p.Weight, []float64{-2, -1}) || b.Connections[0].RuleText() != "edges of edges.npz" || b.Connections[0].Weight.Mean() != -1.5 {
		t.Errorf("projection %+v of %+v", p, p.Matrix)
	}
	sum := func() string {
		n, err := Read(filepath.Join(dir, "net.toml"), []byte("[population.a]\nneuron = \"lif\"\nn = 3\nsynapse = { all = \"5 ms\" }\n[[projection]]\nfrom = \"a\"\nto = \"a\"\nweight = \"1 mV ms\"\nedges = \"own.csv\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		return n.SHA256()
	}
	write("own.csv", "source,target\n0,1\n")
	first := sum()
	if write("own.csv", "source,target\n0,2\n"); sum() == first {
		t.Error("other edges leave the hash of the network as it is")
	}
	if b.Size() != c.Size() {
		t.Errorf("the size is %+v, that of the circuit %+v", b.Size(), c.Size())
	}
	for text, want := range map[string]string{
		"source\n1\n":                                            "bad.csv, which has no target; want source and target of each edge",
		"source,target\n4,0\n":                                   "the source of edge 0 is 4, want a unit of 0 to 3 of population b",
		"source,target\n0,3\n":                                   "the target of edge 0 is 3, want a unit of 0 to 2 of population a",
		"source,target\n0.5,0\n":                                 "the source of edge 0 is 0.5",
		"source,target\n0,0\n1,x\n":                              `line 3 has the target "x", want a finite number`,
		"source,target\n0,0\n\n1,x\n":                            `line 4 has the target "x"`,
		"source,target,weights\n0,0,1\n":                         `its first row has the column "weights", which is none of source, target, weight, delay_ms`,
		"source,target,target\n0,0,1\n":                          "its first row has the name twice",
		"source;target;weight;delay_ms\n0;0;-1,5;2,5\n0;1;1;2\n": "edges has both signs, from -1.5 to 1 mV ms",
		"source,target\n0,0\n1\n":                                "line 3 has 1 values, the first row 2",
		"source,target,weight\n0,0,1\n1,1,-1\n":                  "edges has both signs, from -1 to 1 mV ms",
		"source,target,weight\n0,0,NaN\n":                        `has the weight "NaN"`,
		"source,target,weight\n0,0,1e40\n":                       "with weights of 1e+40 to 1e+40",
		"source,target,weight,delay_ms\n0,0,1,0.01\n":            "a delay of 0.01 ms, shorter than the step, 0.1 ms",
		"source,target,weight,delay_ms\n0,0,1,1e9\n":             "a delay of 1e+09 ms, which is more than",
		"source,target\n0,0\n":                                   "has no weight; add one",
		"":                                                       "it is empty",
	} {
		write("bad.csv", text)
		_, _, err := net("synapse = \"all\"\nedges = \"bad.csv\"")
		if !errors.Is(err, description.Err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error is\n%v, want\n%s", text, err, want)
		}
	}
	for keys, want := range map[string]string{
		"synapse = \"all\"\nedges = \"none.csv\"":                       "none.csv, which cannot be read",
		"synapse = \"all\"\nedges = \"edges.npz\"":                      "edges.npz, which has no source",
		"synapse = \"g\"\nedges = { file = \"edges.npz\", of = \"p\" }": "weights of -2 to -1, want finite ones, of a conductance 0 or more",
		"synapse = \"all\"\nedges = { of = \"p\" }":                     "has no file; add one",
		"synapse = \"all\"\nedges = 3":                                  "projection[0].edges is 3",
		"synapse = \"all\"\nedges = \"all.csv\"\nweight = \"1 mV ms\"":  "weight stands beside the weights of the file",
		"synapse = \"all\"\nedges = \"all.csv\"\ndelay = \"1 ms\"":      "delay stands beside the delays of the file",
		"synapse = \"all\"\nedges = \"all.csv\"\nprobability = 1":       "edges stands beside probability",
	} {
		if _, _, err := net(keys); !errors.Is(err, description.Err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is\n%v, want\n%s", keys, err, want)
		}
	}
}

// TestMicrocircuit: the number of synapses of the full size, and mean inputs at its rates that do not depend on the part of
// the synapses.
func TestMicrocircuit(t *testing.T) {
	full := load(t, "microcircuit", "scale=1 degree=1")
	units, synapses := 0, 0.0
	for _, p := range full.Populations {
		if p.Header != kernels.Events {
			units += p.N
		}
	}
	for _, q := range full.Connections {
		if _, drive := full.Drive(q); !drive {
			synapses += full.Expected(q)
		}
	}
	// Potjans and Diesmann (2014): 77169 neurons, about 0.3e9 synapses; the formula gives 298880969.
	if units != 77169 || math.Abs(synapses/298880969-1) > 1e-5 {
		t.Errorf("%d neurons, %.0f synapses", units, synapses)
	}
	rates := []float64{0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829}
	input := func(b *Blueprint) []float64 {
		l, err := b.MeanField()
		if err != nil {
			t.Fatal(err)
		}
		return l.Inputs(rates)
	}
	want, got := input(full), input(load(t, "microcircuit", "scale=0.3 degree=0.2"))
	for i, mv := range []float64{1.6985, 6.5736, 6.6086, 6.7268, 7.3368, 8.8734, 2.565, 8.9919} { // computed apart from the published numbers
		if math.Abs(want[i]-mv) > 2e-3 || math.Abs(got[i]-mv) > 2e-2 {
			t.Errorf("population %d has %v mV, with fewer synapses %v, want %v", i, want[i], got[i], mv)
		}
	}
}
