package models

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestRegistry: every model is documented and its table is in order.
func TestRegistry(t *testing.T) {
	for _, e := range All() {
		if e.Doc == "" || e.Source == "" || e.Equations == "" || !strings.HasSuffix(e.Doc, ".") {
			t.Errorf("%s: a sentence of documentation and a source are wanted", e.Name)
		}
		if err := cite.CheckAll(e.Source, e.References); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		checkFields(t, e)
		cell := e.New()
		specs, err := cell.Params(Dims{3, 4, 2})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(specs, func(a, b kernels.Spec) int { return int(a.Role) - int(b.Role) }) {
			t.Errorf("%s: parameters are not ordered In, Rec, Vec, Edge", e.Name)
		}
		for _, s := range specs {
			checkSpec(t, e.Name, s, map[byte]int{'I': 3, 'H': 4, 'C': 2, 'E': 4})
		}
		scan, err := cell.Scan(Dims{3, 4, 2})
		if err != nil {
			t.Fatal(err)
		}
		planes, err := e.Planes()
		if err != nil {
			t.Fatal(err)
		}
		if len(planes) != scan.States || len(e.Notes) == 0 {
			t.Errorf("%s: %d planes are described and %d conventions, want %d planes and some", e.Name, len(planes), len(e.Notes), scan.States)
		}
		for _, p := range planes {
			if p.Name == "" || p.Unit == "" || p.Doc == "" {
				t.Errorf("%s: plane %+v lacks something", e.Name, p)
			}
		}
		if scan.Header == "" || scan.States < 1 || len(scan.Rest) != scan.States {
			t.Errorf("%s: scan is %+v", e.Name, scan)
		}
		if found, err := Lookup(e.Name); err != nil || found.Name != e.Name {
			t.Errorf("Lookup(%q) gave %v, %v", e.Name, found.Name, err)
		}
	}
	if _, err := Lookup("lstn"); err == nil {
		t.Error("an unknown model was found")
	}
}

// checkFields wants every setting to have a key, a line of documentation and limits.
func checkFields(t *testing.T, e Entry) {
	t.Helper()
	for _, f := range reflect.VisibleFields(reflect.TypeOf(e.New()).Elem()) {
		if f.Anonymous {
			continue // its fields come too
		}
		for _, tag := range []string{"toml", "doc"} {
			if f.Tag.Get(tag) == "" {
				t.Errorf("%s.%s has no tag %s", e.Name, f.Name, tag)
			}
		}
		number := f.Type.Kind() == reflect.Float64 || f.Type.Kind() == reflect.Int
		if number && (f.Tag.Get("min") == "" || f.Tag.Get("max") == "") || f.Type.Kind() == reflect.Float64 && f.Tag.Get("unit") == "" {
			t.Errorf("%s.%s has no unit or no limits", e.Name, f.Name)
		}
	}
}

// checkSpec wants letters that agree with the shape, and everything filled in.
func checkSpec(t *testing.T, model string, s kernels.Spec, letters map[byte]int) {
	t.Helper()
	var shape []int
	for _, f := range strings.Fields(s.Letters) {
		n := 1
		if len(f) > 1 {
			fmt.Sscan(f[:len(f)-1], &n)
		}
		shape = append(shape, n*letters[f[len(f)-1]])
	}
	if !slices.Equal(shape, s.Shape) {
		t.Errorf("%s: %s is %v, its letters %q say %v", model, s.Name, s.Shape, s.Letters, shape)
	}
	if s.Unit == "" || s.Doc == "" || !(s.Bound.Lo < s.Bound.Hi) {
		t.Errorf("%s: %s lacks unit, documentation or bound", model, s.Name)
	}
}

// TestTorchNames: names, shapes and order of torch.nn.RNN, LSTM and GRU with one and two layers.
func TestTorchNames(t *testing.T) {
	for name, gates := range map[string]int{"rnn": 1, "irnn": 1, "lstm": 4, "gru": 3} {
		e, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		g := gates * 5
		want := []string{
			fmt.Sprintf("cell.weight_ih_l0[%d 3]", g), fmt.Sprintf("cell.weight_hh_l0[%d 5]", g),
			fmt.Sprintf("cell.bias_ih_l0[%d]", g), fmt.Sprintf("cell.bias_hh_l0[%d]", g)}
		for layers := 1; layers <= 2; layers++ {
			n, err := Bind(name, e.New(), Dims{3, 5, 2}, Layers(layers))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range n.Specs() {
				got = append(got, fmt.Sprint(s.Name, s.Shape))
			}
			if layers == 2 {
				want = append(want,
					fmt.Sprintf("cell.weight_ih_l1[%d 5]", g), fmt.Sprintf("cell.weight_hh_l1[%d 5]", g),
					fmt.Sprintf("cell.bias_ih_l1[%d]", g), fmt.Sprintf("cell.bias_hh_l1[%d]", g))
			}
			if all := append(slices.Clone(want), "readout.weight[2 5]", "readout.bias[2]"); !slices.Equal(got, all) {
				t.Errorf("%s: parameters are %v, want %v", name, got, all)
			}
		}
	}
}

func TestLearn(t *testing.T) {
	learnt := func(kernel, learn string) ([]string, error) {
		c := NewCRNN()
		c.SynKernel, c.Learn = kernel, learn
		specs, err := c.Params(Dims{2, 3, 1})
		var names []string
		for _, s := range specs {
			if s.Learned {
				names = append(names, s.Name)
			}
		}
		return names, err
	}
	all := []string{"U_exc", "U_inh", "gamma", "w_m", "b_m", "w_n", "b_n", "E_c", "g_L", "E_L", "C_m", "E_exc", "E_inh",
		"tau_s", "tau_l", "g_axial"}
	for learn, want := range map[string][]string{
		"":                all[:3],
		"g_L, tau_s":      {"U_exc", "U_inh", "gamma", "g_L", "tau_s"},
		"g_axial,U_exc,,": {"U_exc", "U_inh", "gamma", "g_axial"},
		"all":             all,
	} {
		if got, err := learnt("dualexp", learn); err != nil || !slices.Equal(got, want) {
			t.Errorf("learn = %q learns %v, %v, want %v", learn, got, err, want)
		}
	}
	for _, bad := range []string{"g_l", "weight_ih_l0, all", "gamma g_L"} {
		if _, err := learnt("dualexp", bad); err == nil {
			t.Errorf("learn = %q was taken", bad)
		}
	}
	// ema and alpha have one time constant.
	if got, err := learnt("ema", "all"); err != nil || slices.Contains(got, "tau_l") {
		t.Errorf("ema learns %v, %v", got, err)
	}
	if _, err := learnt("alpha", "tau_l"); err == nil {
		t.Error("a time constant without effect was taken as learned")
	}
}

func TestSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(c *CRNN, s *CRNNSimple){
		"dt":         func(c *CRNN, s *CRNNSimple) { c.Dt, s.Dt = 0, -1 },
		"tau_s":      func(c *CRNN, s *CRNNSimple) { c.TauS, s.TauS = 0, 1e9 },
		"equal taus": func(c *CRNN, s *CRNNSimple) { c.TauS, s.TauS = c.TauL, s.TauL },
		"kernel":     func(c *CRNN, s *CRNNSimple) { c.SynKernel, s.SynKernel = "alfa", "" },
		"signs":      func(c *CRNN, s *CRNNSimple) { c.Signs, s.Signs = "", "both" },
	} {
		c, s := NewCRNN(), NewCRNNSimple()
		change(c, s)
		for _, cell := range []Cell{c, s} {
			_, err := cell.Params(Dims{2, 3, 1})
			if err == nil || !strings.HasPrefix(err.Error(), "models: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s of %T: got %v", name, cell, err)
			}
		}
	}
	c := NewCRNN()
	c.Stepping = "rk4"
	if _, err := Bind("crnn", c, Dims{1, 1, 1}); err == nil {
		t.Error("step = rk4 was taken")
	}
}

// TestLayerNames: the parameters of the layers above the first are those of the cell with its number behind
// the name, each once.
func TestLayerNames(t *testing.T) {
	for _, e := range All() {
		one, err := Bind(e.Name, e.New(), Dims{3, 4, 2})
		if err != nil {
			t.Fatal(err)
		}
		three, err := Bind(e.Name, e.New(), Dims{3, 4, 2}, Layers(3))
		if err != nil {
			t.Fatal(err)
		}
		cell := len(one.Specs()) - 2
		if n := len(three.Specs()); n != 3*cell+2 || len(three.Rest()) != 3*len(one.Rest()) {
			t.Fatalf("%s: %d parameters and %d planes", e.Name, n, len(three.Rest()))
		}
		seen := map[string]bool{}
		for i, s := range three.Specs() {
			if seen[s.Name] {
				t.Errorf("%s: %s stands twice", e.Name, s.Name)
			}
			seen[s.Name] = true
			if i >= 3*cell {
				continue
			}
			name := one.Specs()[i%cell].Name
			if layer := i / cell; layer > 0 {
				name = fmt.Sprintf("%s_l%d", strings.TrimSuffix(name, "_l0"), layer)
				checkSpec(t, e.Name, s, map[byte]int{'H': 4, 'C': 2, 'E': 4})
			}
			if s.Name != name {
				t.Errorf("%s: parameter %d is %s, want %s", e.Name, i, s.Name, name)
			}
		}
	}
	for _, n := range []int{0, -1} {
		if _, err := Bind("rnn", &RNN{}, Dims{1, 2, 1}, Layers(n)); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%d layers: error %v, want a wrong shape", n, err)
		}
	}
	if _, err := Bind("rnn", &RNN{}, Dims{1, 4, 1}, Layers(2), Wired(dale())); !errors.Is(err, ErrWiring) {
		t.Errorf("two layers with Dale's law: error %v", err)
	}
}

// TestSizes: layers of different sizes have the parameters and the state of their own; one number for all layers is H.
func TestSizes(t *testing.T) {
	net, err := Bind("lstm", &LSTM{}, Dims{3, 9, 2}, Sizes(5, 4, 7))
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{"cell.weight_ih_l0": {20, 3}, "cell.weight_ih_l1": {16, 5}, "cell.weight_hh_l2": {28, 7}, "readout.weight": {2, 7}}
	for i, s := range net.Specs() {
		if want, ok := shapes[s.Name]; ok && !slices.Equal(s.Shape, want) {
			t.Errorf("%s is %v, want %v", s.Name, s.Shape, want)
		}
		if s.Role == kernels.Rec && s.Shape[1] != net.ParamUnits(i) {
			t.Errorf("%s is of a layer of %d units", s.Name, net.ParamUnits(i))
		}
	}
	if h := net.Hidden(); h != 7 || !slices.Equal(net.Sizes(), []int{5, 4, 7}) || !slices.Equal(net.PlaneUnits(), []int{5, 5, 4, 4, 7, 7}) {
		t.Errorf("H is %d, sizes %v, planes %v", h, net.Sizes(), net.PlaneUnits())
	}
	if l, u := net.UnitOf(9); l != 2 || u != 0 {
		t.Errorf("unit 9 is unit %d of layer %d", u, l)
	}
	for _, opts := range [][]Option{{Layers(2), Sizes(5, 4, 7)}, {Above(&RNN{}), Sizes(5, 4, 7)}, {Sizes(5, 0)}} {
		if _, err := Bind("rnn", &RNN{}, Dims{3, 9, 2}, opts...); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("error %v, want a wrong shape", err)
		}
	}
}

func TestBindRefusesSizes(t *testing.T) {
	for _, d := range []Dims{{0, 1, 1}, {1, 0, 1}, {1, 1, -1}} {
		if _, err := Bind("rnn", &RNN{}, d); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%v gave %v", d, err)
		}
	}
}

// TestBuildRefuses: wrong shapes, types and numbers of tensors are errors, never panics.
func TestBuildRefuses(t *testing.T) {
	x := newFixture(t, variant{name: "gru", cell: &GRU{}}, size{T: 2, B: 3, I: 2, H: 2, O: 1}, every|masked)
	bad := func(shape ...int) *tensor.Dense {
		return tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float64))
	}
	for name, change := range map[string]func(in *kernels.Sequence, params *[]*gorgonia.Node){
		"no x":     func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.X = nil },
		"no state": func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.State = nil },
		"T":        func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.T = 0 },
		"I":        func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.I = 3 },
		"x":        func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.X = bad(2, 2, 2) },
		"state":    func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.State = bad(2, 3, 2) },
		"mask":     func(in *kernels.Sequence, _ *[]*gorgonia.Node) { in.Mask = bad(3, 3) },
		"integers": func(in *kernels.Sequence, _ *[]*gorgonia.Node) {
			in.X = tensor.New(tensor.WithShape(2, 3, 2), tensor.Of(tensor.Int))
		},
		"few params": func(_ *kernels.Sequence, p *[]*gorgonia.Node) { *p = (*p)[:3] },
		"mixed params": func(_ *kernels.Sequence, p *[]*gorgonia.Node) {
			(*p)[0], (*p)[1] = (*p)[1], (*p)[0]
			*p = append(*p, (*p)[0])
		},
		"swapped shape": func(_ *kernels.Sequence, p *[]*gorgonia.Node) { (*p)[0], (*p)[5] = (*p)[5], (*p)[0] },
	} {
		in, params := x.seq, slices.Clone(x.nodes)
		change(&in, &params)
		if _, err := x.net.Build(gorgonia.NewGraph(), nil, in, params); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", name, err)
		}
	}
}

func TestReadoutScale(t *testing.T) {
	n, err := Bind("rnn", &RNN{}, Dims{1, 2, 3}, ReadoutScale(3))
	if err != nil {
		t.Fatal(err)
	}
	if a := n.Specs()[4].Init.A; a != 3 || n.Outputs() != 3 || n.Hidden() != 2 || n.Name() != "rnn" {
		t.Errorf("scale %v, O %d, H %d, name %q", a, n.Outputs(), n.Hidden(), n.Name())
	}
}
