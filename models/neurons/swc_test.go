package neurons

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// swcNeuron reads a neuron around an SWC file with regions soma and dendrite, and more keys of the
// morphology.
func swcNeuron(swc, keys string) (*Neuron, error) {
	return Read("cell.toml", []byte(swcText+keys), func(path string) ([]byte, error) {
		if path != "cell.swc" {
			return nil, fmt.Errorf("no file %s", path)
		}
		return []byte(swc), nil
	})
}

const swcText = `start = "-65 mV"
[membrane]
capacity = "1 uF/cm2"
leak = "1e-4 S/cm2"
rest = "-65 mV"
axial = "100 ohm cm"
[region.soma]
[region.dendrite]
[morphology]
file = "cell.swc"
`

func mustSWC(t *testing.T, swc, keys string) *Neuron {
	t.Helper()
	n, err := swcNeuron(swc, keys)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	onePoint   = "# a soma of one point and a dendrite that forks\n1 1 0 0 0 10 -1\n2 3 10 0 0 1 1\n3 3 110 0 0 1 2\n4 3 160 0 0 0.5 3\n5 3 110 80 0 0.5 3\n6 3 110 100 0 0.5 5\n"
	threePoint = "1 1 0 0 0 10 -1\n2 1 0 -10 0 10 1\n3 1 0 10 0 10 1\n4 3 10 0 0 1 1\n5 3 110 0 0 1 4\n6 3 160 0 0 0.5 5\n7 3 110 80 0 0.5 5\n8 3 110 100 0 0.5 7\n"
	twoPoint   = "1 1 0 0 0 10 -1\n2 1 20 0 0 10 1\n3 3 20 0 0 1 2\n4 3 120 0 0 1 3\n"
)

// TestMorphology: sizes, joints and notes of the forms of a soma.
func TestMorphology(t *testing.T) {
	for name, swc := range map[string]string{"one point": onePoint, "three points": threePoint} {
		n := mustSWC(t, swc, "")
		if len(n.Sections) != 4 || n.Nodes() != 1 {
			t.Fatalf("%s: sections %+v, %d nodes, want the soma, three sections and the fork", name, n.Sections, n.Nodes())
		}
		if got, want := n.Area(0), 4*math.Pi*100; relative(got, want) > 1e-12 {
			t.Errorf("%s: the soma has %v µm², want that of a ball, %v", name, got, want)
		}
		slant := math.Hypot(50, 0.5)
		want := math.Pi * (2*100 + 1.5*slant + 1.5*math.Hypot(80, 0.5) + 20)
		if got := n.Area(1); relative(got, want) > 1e-12 {
			t.Errorf("%s: the dendrite has %v µm², want %v", name, got, want)
		}
		if notes := strings.Join(n.Notes, "; "); !strings.Contains(notes, name) || !strings.Contains(notes, "micrometres") {
			t.Errorf("%s: notes %q", name, notes)
		}
		if n.Sections[0].Name != "soma" || n.Sections[3].Name != "dendrite2" || n.Sections[3].Parent != 1 || n.Sections[3].Length != 100 {
			t.Errorf("%s: sections %+v", name, n.Sections)
		}
	}
	if n := mustSWC(t, twoPoint, ""); len(n.Sections) != 2 || n.Sections[0].Length != 20 || n.Sections[1].Length != 100 || n.Sections[1].Diameter != 2 || relative(n.Area(0), math.Pi*400) > 1e-12 {
		t.Errorf("two points make %+v with a soma of %v µm²", n.Sections, n.Area(0))
	}
	// Lines may end as on Windows or old Macs, begin with a byte order mark, and have comments anywhere.
	for _, end := range []string{"\r\n", "\r"} {
		odd := "\ufeff" + strings.ReplaceAll(strings.Replace(twoPoint, "\n", " # here\n# and here\n\n", 1), "\n", end)
		if n := mustSWC(t, odd, ""); len(n.Sections) != 2 || n.Sections[1].Length != 100 {
			t.Errorf("lines that end with %q make %+v", end, n.Sections)
		}
	}
	// An axon that leaves a dendrite begins with the diameter of the dendrite; the areas are those of NEURON.
	fork := mustSWC(t, "1 1 0 0 0 8 -1\n2 3 8 0 0 1 1\n3 3 58 0 0 1 2\n4 2 108 0 0 0.5 3\n5 2 158 0 0 0.5 4\n6 3 58 50 0 1 3\n", "[region.axon]\n")
	for region, want := range []float64{804.247719318987, 2 * 314.1592653589794, 392.71086237666555} {
		if got := fork.Area(region); relative(got, want) > 1e-12 {
			t.Errorf("region %d of a dendrite with an axon has %v µm², want %v", region, got, want)
		}
	}
	// A neurite that is joined inside the soma, at a fork of it or between two points, begins at its own first point; one at an
	// end of it, there. Lengths of dendrites are those of NEURON.
	for name, c := range map[string]struct {
		swc    string
		soma   []float64
		length float64
	}{
		"fork":    {"1 1 0 0 0 8 -1\n2 1 0 10 0 8 1\n3 1 0 -10 0 8 1\n4 3 8 0 0 1 1\n5 3 58 0 0 1 4\n", []float64{10, 10}, 50},
		"first":   {"1 1 0 0 0 8 -1\n2 3 8 0 0 1 1\n3 3 58 0 0 1 2\n4 1 0 11 0 8 1\n5 1 0 -11 0 8 1\n", []float64{11, 11}, 50},
		"between": {"1 1 0 0 0 8 -1\n2 1 0 10 0 8 1\n3 1 0 20 0 8 2\n4 3 8 10 0 1 2\n5 3 58 10 0 1 4\n", []float64{10, 10}, 50},
		"end":     {"1 1 0 0 0 8 -1\n2 1 0 10 0 8 1\n3 1 0 20 0 8 2\n4 3 8 20 0 1 3\n5 3 58 20 0 1 4\n", []float64{20}, 58},
	} {
		n := mustSWC(t, c.swc, "")
		var soma, dendrite []float64
		for _, s := range n.Sections {
			if s.Region == 0 {
				soma = append(soma, s.Length)
			} else {
				dendrite = append(dendrite, s.Length)
			}
		}
		if !slices.Equal(soma, c.soma) || !slices.Equal(dendrite, []float64{c.length}) || n.Sections[0].Region != 0 {
			t.Errorf("%s: sections %+v", name, n.Sections)
		}
	}
	// Where no region has a table, all are as [membrane] says.
	bare := strings.NewReplacer("[region.soma]\n", "", "[region.dendrite]\n", "")
	all, err := Read("cell.toml", []byte(bare.Replace(swcText)), func(string) ([]byte, error) { return []byte(onePoint), nil })
	if err != nil || len(all.Regions) != 2 || all.Regions[1].Name != "dendrite" || all.Regions[1].Leak != 1e-4 || all.Regions[1].Axial != 100 {
		t.Errorf("without tables of regions the neuron is %+v, error %v", all, err)
	}
	for _, key := range []string{"capacity", "leak", "rest"} {
		text := regexp.MustCompile(`(?m)^`+key+` = .*\n`).ReplaceAllString(bare.Replace(swcText), "")
		if _, err := Read("cell.toml", []byte(text), nil); err == nil || !strings.Contains(err.Error(), map[string]string{"capacity": "region is missing", "leak": "membrane has no leak", "rest": "membrane has no rest"}[key]) {
			t.Errorf("without %s: %v", key, err)
		}
	}
	// A single point of a dendrite reaches from the middle of the soma.
	if n := mustSWC(t, "1 1 0 0 0 5 -1\n2 3 30 0 0 1 1\n", ""); n.Sections[1].Length != 30 || n.Sections[1].Diameter != 2 {
		t.Errorf("a lone point makes %+v", n.Sections)
	}
}

// TestForkAgain: a section that begins with the point of the fork again has the radius that is given there, as MorphIO writes it.
func TestForkAgain(t *testing.T) {
	const stem = "1 1 0 0 0 10 -1\n2 3 10 0 0 2 1\n3 3 110 0 0 2 2\n"
	n := mustSWC(t, stem+"4 3 110 0 0 1 3\n5 3 210 0 0 1 4\n6 3 110 0 0 0.5 3\n7 3 110 100 0 0.25 6\n", "")
	if len(n.Sections) != 4 || n.Nodes() != 1 {
		t.Fatalf("sections %+v, %d nodes, want the soma, three sections and the fork", n.Sections, n.Nodes())
	}
	if want := math.Pi * (400 + 200 + 0.75*math.Hypot(100, 0.25)); relative(n.Area(1), want) > 1e-12 {
		t.Errorf("the dendrite has %v µm², want %v", n.Area(1), want)
	}
	if !strings.Contains(strings.Join(n.Notes, " "), "points that lie on their parents are left out: 2") {
		t.Errorf("notes are %q", n.Notes)
	}
	chain := mustSWC(t, "1 1 0 0 0 5 -1\n2 1 5 0 0 8 1\n3 1 15 0 0 6 2\n4 3 15 0 0 1 3\n5 3 115 0 0 1 4\n", "")
	if !strings.Contains(strings.Join(chain.Notes, " "), "the soma, 3 points, is as wide at each as the file says") {
		t.Errorf("notes on a soma of a chain are %q", chain.Notes)
	}
}

// TestRegionsOfKinds: kinds of points without a table of their own have the membrane of all; those that are named must be known.
func TestRegionsOfKinds(t *testing.T) {
	const swc = onePoint + "7 2 -10 0 0 1 1\n8 2 -110 0 0 1 7\n"
	n := mustSWC(t, swc, "")
	if len(n.Regions) != 3 || n.Regions[2].Name != "axon" || n.Regions[2].Leak != 1e-4 || n.Regions[2].Axial != 100 || len(n.Regions[2].Densities) != 0 || n.Area(2) == 0 {
		t.Errorf("regions %+v, want an axon with the membrane of all", n.Regions)
	}
	if n := mustSWC(t, swc, "types = { 2 = \"dendrite\" }\n"); len(n.Regions) != 2 {
		t.Errorf("regions %+v, want the axon among the dendrites", n.Regions)
	}
	if _, err := swcNeuron(swc, "types = { 2 = \"dendrit\" }\n"); err == nil || !strings.Contains(err.Error(), `line 11: morphology.types.2 is of an unknown region "dendrit"; did you mean "dendrite"?`) ||
		!strings.Contains(err.Error(), "cell.swc has points of kind 2 in line 9") {
		t.Errorf("error of a kind of no region is %v", err)
	}
	bare := strings.Replace(swcText, "leak = \"1e-4 S/cm2\"\n", "", 1)
	bare = strings.NewReplacer("[region.soma]\n", "[region.soma]\nleak = \"1 S/cm2\"\n", "[region.dendrite]\n", "[region.dendrite]\nleak = \"1 S/cm2\"\n").Replace(bare)
	_, err := Read("cell.toml", []byte(bare), func(string) ([]byte, error) { return []byte(swc), nil })
	if err == nil || !strings.Contains(err.Error(), `morphology.file is of an unknown region "axon"`) || !strings.Contains(err.Error(), "[membrane] with capacity, leak and rest is that of all without one") {
		t.Errorf("error of a kind without a membrane is %v", err)
	}
}

// TestNanometres: radii tell nanometres, and a key overrules them.
func TestNanometres(t *testing.T) {
	var nm strings.Builder
	for line := range strings.Lines(onePoint) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		fmt.Fprintf(&nm, "%s %s %s000 %s000 %s000 %se3 %s\n", f[0], f[1], f[2], f[3], f[4], f[5], f[6])
	}
	a, b := mustSWC(t, onePoint, ""), mustSWC(t, nm.String(), "")
	if relative(a.Area(1), b.Area(1)) > 1e-12 || !strings.Contains(strings.Join(b.Notes, ";"), "nanometres") {
		t.Errorf("areas %v and %v, notes %q", a.Area(1), b.Area(1), b.Notes)
	}
	if c := mustSWC(t, nm.String(), "unit = \"um\"\nlongest = \"1 m\"\nd_lambda = 10.0\n"); relative(c.Area(1), 1e6*a.Area(1)) > 1e-12 {
		t.Errorf("as micrometres it has %v µm², want %v", c.Area(1), 1e6*a.Area(1))
	}
}

// TestTrees: several trees become one, and points on their parents are left out; both are said.
func TestTrees(t *testing.T) {
	n := mustSWC(t, onePoint+"10 3 50 50 0 1 -1\n11 3 50 90 0 1 10\n12 3 50 90 0 1 11\n13 3 50 130 0 1 12\n", "")
	notes := strings.Join(n.Notes, "; ")
	if len(n.Sections) != 5 || n.Sections[4].Parent != 0 || n.Sections[4].Length != 80 || !strings.Contains(notes, "2 trees") || !strings.Contains(notes, "points that lie on their parents are left out: 1") {
		t.Errorf("sections %+v, notes %q", n.Sections, notes)
	}
	loose := mustSWC(t, "1 3 0 0 0 1 -1\n2 3 9 0 0 1 1\n3 1 50 0 0 1 -1\n4 3 99 0 0 1 -1\n5 3 120 0 0 1 4\n", "")
	if loose.Sections[0].Name != "soma" || len(loose.Sections) != 3 || !strings.Contains(strings.Join(loose.Notes, ";"), "3 trees; the others are joined to the soma") {
		t.Errorf("sections %+v, notes %q", loose.Sections, loose.Notes)
	}
	if _, err := swcNeuron("1 3 0 0 0 1 -1\n2 3 9 0 0 1 1\n", ""); err == nil || !strings.Contains(err.Error(), "region.soma has no section") {
		t.Errorf("error of a morphology without a soma is %v", err)
	}
	// Parents may come later, and a root may have several children and no soma.
	free := mustSWC(t, "3 3 0 0 50 1 1\n1 1 0 0 0 1 -1\n2 1 0 0 -40 1 1\n4 3 40 0 0 1 1\n", "")
	if len(free.Sections) != 3 || free.Sections[0].Parent != -1 || free.Sections[1].Parent != 0 {
		t.Errorf("sections %+v", free.Sections)
	}
	c, err := free.Compile(Options{})
	if err != nil || c.Neuron.Edges() != c.Neuron.Units()-1 {
		t.Errorf("%d edges between %d units, error %v", c.Neuron.Edges(), c.Neuron.Units(), err)
	}
	two := mustSWC(t, "1 1 0 0 0 8 -1\n2 3 8 0 0 1 1\n3 3 60 0 0 1 2\n4 1 300 0 0 8 -1\n5 3 308 0 0 1 4\n6 3 400 0 0 1 5\n", "")
	if !strings.Contains(strings.Join(two.Notes, "; "), "point 4, in line 4, is of another soma, and only where the neurites from it begin") {
		t.Errorf("notes on two cells in a file are %q", two.Notes)
	}
}

// TestDivide holds the rule to the length constant at 100 Hz, which is 353 µm for a dendrite of 2 µm here,
// and to the longest compartment.
func TestDivide(t *testing.T) {
	b := branch{path: cylinder(1000, 2), axial: 150}
	lambda := 1e5 * math.Sqrt(2/(4*math.Pi*100*150*1.2))
	if got := b.electrotonic(100, 1.2); relative(got, 1000/lambda) > 1e-12 {
		t.Errorf("%v length constants, want %v", got, 1000/lambda)
	}
	for _, c := range []struct {
		part, longest float64
		want          int
	}{{0, 0, 1}, {0.1, 0, 35}, {0, 1000, 1}, {0, 999, 3}, {0, 100, 11}, {0.1, 10, 101}} {
		got := b.divide(c.part, c.longest, 1.2)
		if got != c.want && c.part != 0.1 || got%2 != 1 || c.part > 0 && 1000/lambda/float64(got) > c.part || c.longest > 0 && 1000/float64(got) > c.longest {
			t.Errorf("d_lambda %v and longest %v make %d compartments, want %d", c.part, c.longest, got, c.want)
		}
	}
	tapered := branch{path: []point{{0, 4}, {500, 2}, {1000, 1}}, axial: 150}
	whole, _ := tapered.between(0, 1000)
	sum, resistance := 0.0, 0.0
	for k := range 7 {
		area, r := tapered.between(float64(k)*1000/7, float64(k+1)*1000/7)
		sum, resistance = sum+area, resistance+r
	}
	if _, want := tapered.between(0, 1000); relative(sum, whole) > 1e-12 || relative(resistance, want) > 1e-12 {
		t.Errorf("parts of a cone have %v µm² and %v MΩ", sum, resistance)
	}
}

// TestBadMorphologies: each is refused in one line with its number.
func TestBadMorphologies(t *testing.T) {
	for name, c := range map[string]struct{ swc, want string }{
		"empty":        {"# nothing\n", "cell.swc: has no point"},
		"fields":       {"1 1 0 0 0 1\n", "line 1: has 6 fields"},
		"text":         {"1 1 0 0 0 1 -1\n2 3 x 0 0 1 1\n", `line 2: x is "x", want a finite number`},
		"kind":         {"1 soma 0 0 0 1 -1\n", `line 1: kind is "soma"`},
		"not a number": {"1 1 nan 0 0 1 -1\n", "line 1: x is"},
		"radius":       {"1 1 0 0 0 5 -1\n2 3 9 0 0 0 1\n", "line 2: radius is 0, want more than 0"},
		"negative":     {"1 1 0 0 0 -5 -1\n", "line 1: radius is -5"},
		"twice":        {"1 1 0 0 0 5 -1\n1 3 9 0 0 1 -1\n", "line 2: point 1 is there already, in line 1"},
		"parent":       {"1 1 0 0 0 5 -1\n2 3 9 0 0 1 7\n", "line 2: point 2 has parent 7"},
		"own parent":   {"1 1 0 0 0 5 -1\n2 3 9 0 0 1 2\n", "line 2: point 2 is its own parent"},
		"cycle":        {"1 1 0 0 0 5 -1\n2 3 9 0 0 1 3\n3 3 19 0 0 1 2\n", "line 2: point 2 is its own ancestor"},
		"no root":      {"1 1 0 0 0 5 2\n2 1 9 0 0 1 1\n", "line 1: point 1 is its own ancestor"},
		"idle region":  {"1 1 0 0 0 5 -1\n2 2 9 0 0 1 1\n", `region.dendrite has no section`},
		"no length":    {"1 1 0 0 0 5 -1\n2 1 9 0 0 5 1\n3 3 9 0 0 1 2\n", "line 3: begins a section without a length"},
		"long line":    {"# " + strings.Repeat("x", longestLine+1), "is this a text file?"},
		"endless":      {"1 1 0 0 0 5 -1\n2 3 1e12 0 0 1e12 1\n", "has a compartment of"},
		"other number": {"1 1 0 0 0 5 -99\n", `parent is "-99"`},
	} {
		_, err := swcNeuron(c.swc, "")
		if !errors.Is(err, ErrDescription) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// FuzzSWC: no morphology makes the reader or the compiler panic.
func FuzzSWC(f *testing.F) {
	for _, swc := range []string{onePoint, threePoint, twoPoint, "1 1 0 0 0 5 -1\n2 3 9 0 0 1 3\n3 3 19 0 0 1 2\n", "1 3 0 0 0 1 -1\n2 3 0 0 0 1 1\n3 3 1e9 0 0 1e-9 2\n"} {
		f.Add(swc)
	}
	f.Fuzz(func(t *testing.T, swc string) {
		n, err := swcNeuron(swc, "longest = \"1 m\"\nd_lambda = 10.0\n")
		usable(t, n, err)
	})
}
