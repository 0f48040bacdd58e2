package models

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// dale returns the wiring of Dale's law with its defaults.
func dale() Wiring {
	w := NewWiring()
	w.Dale = true
	return w
}

// weights returns the recurrent matrix that a network makes of stored values.
func weights(t *testing.T, n *Network, dev kernels.Device, stored []float64) []float64 {
	t.Helper()
	g := gorgonia.NewGraph()
	params := make([]*gorgonia.Node, len(n.layers[0].params))
	for i, s := range n.layers[0].params {
		v := tensor.New(tensor.WithShape(s.Shape...), tensor.Of(tensor.Float64))
		if s.Role == kernels.Rec {
			v = tensor.New(tensor.WithShape(s.Shape...), tensor.WithBacking(stored))
		}
		params[i] = gorgonia.NodeFromAny(g, v, gorgonia.WithName(s.Name))
	}
	var nodes []*gorgonia.Node
	if dev == nil {
		k := NewOps(g, tensor.Float64, 1, n.dims.H, "test")
		_, nodes = graphOperands(k, n.layers[0].step, params)
	} else {
		var err error
		if nodes, err = n.layers[0].fusedOperands(dev, params); err != nil {
			t.Fatal(err)
		}
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	for i, o := range n.layers[0].operands {
		if o.spec.Role == kernels.Rec {
			return numbers(nodes[i].Value())
		}
	}
	return nil
}

// TestSignsAreOnColumns holds the sign to the presynaptic unit, the column, for weights of either
// sign. A network that clamps rows, or forgets to keep the clamped values, fails.
func TestSignsAreOnColumns(t *testing.T) {
	const H = 5
	stored := make([]float64, H*H)
	for k := range stored {
		stored[k] = math.Sin(float64(3*k + 1))
	}
	for _, form := range []string{"abs", "relu"} {
		w := dale()
		w.DaleForm = form
		n, err := Bind("rate", NewRate(), Dims{2, H, 1}, Wired(w))
		if err != nil {
			t.Fatal(err)
		}
		if n.Excitatory() != 4 {
			t.Fatalf("%d excitatory units, want 4 of 5", n.Excitatory())
		}
		for _, dev := range devicetest.Hosts(t, 2) {
			used := weights(t, n, dev, stored)
			for k, v := range used {
				i, j := k/H, k%H
				magnitude := map[string]float64{"abs": math.Abs(stored[k]), "relu": max(0, stored[k])}[form]
				want := magnitude
				if j == 4 {
					want = -want
				}
				if i == j {
					want = 0
				}
				if v != want {
					t.Errorf("%s: weight of unit %d on unit %d is %v, want %v", form, j, i, v, want)
				}
			}
		}
	}
}

// TestClampBoundsColumns: the bounds of the stored matrix are those of its columns.
func TestClampBoundsColumns(t *testing.T) {
	w := dale()
	w.DaleForm = "clamp"
	n, err := Bind("rate", NewRate(), Dims{2, 5, 1}, Wired(w))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range n.Specs() {
		if s.Name != "cell.W" {
			continue
		}
		if len(s.Columns) != 5 {
			t.Fatalf("%d bounds, want one for each of 5 columns", len(s.Columns))
		}
		for j, b := range s.Columns {
			if want := (j < 4); (b.Lo == 0) != want || (b.Hi == 0) == want {
				t.Errorf("column %d has bound %v", j, b)
			}
		}
	}
}

func TestMaskFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "mask.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	w := NewWiring()
	w.RecMask = write("# from, to\n0,1,0\n0 0 1\n1, 0, 0\n")
	n, err := Bind("rate", NewRate(), Dims{1, 3, 1}, Wired(w))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "masked weights", weights(t, n, nil, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}), []float64{0, 2, 0, 0, 0, 6, 7, 0, 0}, 0)
	for name, text := range map[string]string{
		"few rows":  "0,1,0\n0,0,1\n",
		"many rows": "0,1,0\n0,0,1\n1,0,0\n1,1,1\n",
		"short row": "0,1,0\n0,1\n1,0,0\n",
		"weights":   "0,1,0\n0,0.5,1\n1,0,0\n",
		"empty":     "",
	} {
		w.RecMask = write(text)
		_, err := Bind("rate", NewRate(), Dims{1, 3, 1}, Wired(w))
		if !errors.Is(err, ErrWiring) || !strings.Contains(err.Error(), w.RecMask) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s gave %v", name, err)
		}
	}
	w.RecMask = filepath.Join(dir, "none.csv")
	if _, err := Bind("rate", NewRate(), Dims{1, 3, 1}, Wired(w)); !errors.Is(err, ErrWiring) {
		t.Errorf("a missing file gave %v", err)
	}
}

func TestWiringIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Wiring){
		"no I unit":             func(w *Wiring) { w.EIRatio = 0.95 },
		"no E unit":             func(w *Wiring) { w.EIRatio = 0.04 },
		"ratio":                 func(w *Wiring) { w.EIRatio = 1.5 },
		"form":                  func(w *Wiring) { w.DaleForm = "square" },
		"density":               func(w *Wiring) { w.RecDensity = 0 },
		"blocks":                func(w *Wiring) { w.RecBlocks = 11 },
		"read-out of no E unit": func(w *Wiring) { w.EIRatio, w.ReadoutFrom = 0, "E" },
		"read-out":              func(w *Wiring) { w.Dale, w.ReadoutFrom = false, "E" },
	} {
		w := dale()
		change(&w)
		if _, err := Bind("rate", NewRate(), Dims{1, 10, 1}, Wired(w)); !errors.Is(err, ErrWiring) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	if _, err := Bind("crnn", NewCRNN(), Dims{1, 10, 1}, Wired(dale())); !errors.Is(err, ErrWiring) {
		t.Errorf("a cell without a dense matrix gave %v", err)
	}
}

// TestUnitsOfOneKind: with ei_ratio 1 or 0 all weights have one sign, in every form and on every
// backend, the largest eigenvalue has the size that is asked for, and the read-out sees all units.
func TestUnitsOfOneKind(t *testing.T) {
	const H = 60
	stored := make([]float64, H*H)
	for k := range stored {
		stored[k] = math.Sin(float64(3*k + 1))
	}
	for _, ratio := range []float64{0, 1} {
		sign := 2*ratio - 1
		for _, form := range []string{"abs", "relu", "clamp"} {
			w := dale()
			w.EIRatio, w.DaleForm, w.RecDensity = ratio, form, 0.5
			n, err := Bind("rate", NewRate(), Dims{2, H, 1}, Wired(w))
			if err != nil {
				t.Fatal(err)
			}
			if n.readout.Readings != nil && n.Excitatory() == 0 {
				t.Errorf("ratio %v: the read-out of a network without E units is constrained", ratio)
			}
			values := stored
			if form == "clamp" {
				values = slices.Clone(stored)
				for k, v := range values {
					values[k] = sign * math.Abs(v)
				}
			}
			for _, dev := range devicetest.Hosts(t, 2) {
				for k, v := range weights(t, n, dev, values) {
					if v*sign < 0 {
						t.Fatalf("ratio %v, %s: weight %d is %v, want sign %v", ratio, form, k, v, sign)
					}
				}
			}
			for _, s := range n.Specs() {
				if s.Name != "cell.W" {
					continue
				}
				mask, err := w.mask(H, 0)
				if err != nil {
					t.Fatal(err)
				}
				mean := 0.0 // of the sums of the rows
				for k, m := range mask {
					mean += m * s.Init.B / 2 * math.Abs(s.Init.Columns[k%H]) / H
				}
				if math.Abs(mean-1) > 1e-12 { // the radius of the rate model without Dale's law
					t.Errorf("ratio %v, %s: rows sum up to %v, want 1", ratio, form, mean)
				}
			}
		}
	}
}

// TestMasks: what density, blocks and autapses leave.
func TestMasks(t *testing.T) {
	count := func(change func(*Wiring)) (sum float64, mask []float64) {
		w := dale()
		w.EIRatio = 0.5
		change(&w)
		mask, err := w.mask(40, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mask {
			sum += m
		}
		return sum, mask
	}
	if n, _ := count(func(*Wiring) {}); n != 40*39 {
		t.Errorf("%v connections without autapses, want %d", n, 40*39)
	}
	if n, _ := count(func(w *Wiring) { w.Autapses = "yes" }); n != 40*40 {
		t.Errorf("%v connections with autapses, want %d", n, 40*40)
	}
	// 1600 draws of probability 0.25 have mean 400 and standard deviation 17.3.
	if n, _ := count(func(w *Wiring) { w.Autapses, w.RecDensity = "yes", 0.25 }); n < 340 || n > 460 {
		t.Errorf("%v of 1600 connections at density 0.25", n)
	}
	n, mask := count(func(w *Wiring) { w.Autapses, w.RecBlocks = "yes", 2 })
	if n != 800 || mask[0*40+9] != 1 || mask[0*40+10] != 0 || mask[0*40+20] != 1 || mask[0*40+30] != 0 {
		t.Errorf("two blocks have %v connections; unit 0 (E) shares with 9 %v, 10 %v, 20 (I) %v, 30 (I) %v",
			n, mask[9], mask[10], mask[20], mask[30])
	}
}

// TestDeepStack: a network of layers, each reached only by the one before, computes after as many
// steps on a constant input what an MLP does: the plain rate model with Δt = τ.
func TestDeepStack(t *testing.T) {
	const width, depth = 3, 4
	const H = width * depth
	var text strings.Builder
	for i := range H {
		for j := range H {
			bit := "0"
			if i/width == j/width+1 {
				bit = "1"
			}
			text.WriteString(bit + " ")
		}
		text.WriteString("\n")
	}
	w := NewWiring()
	w.RecMask = filepath.Join(t.TempDir(), "layers.txt")
	if err := os.WriteFile(w.RecMask, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dev := range devicetest.Hosts(t, 2) {
		x := newFixture(t, variant{name: "stack", cell: vanilla(), wiring: []Wiring{w}}, size{T: depth, B: 2, I: 3, H: H, O: 1}, 0)
		in := x.seq.X.Data().([]float64)
		for s := 1; s < depth; s++ {
			copy(in[s*6:(s+1)*6], in[:6]) // the same input at every step
		}
		u := x.values["cell.U"]
		clear(u[width*3:]) // only the first layer sees it
		for _, name := range []string{"cell.tau_s", "cell.tau_r"} {
			for i := range x.values[name] {
				x.values[name][i] = vanilla().Dt
			}
		}
		x = x.on(t, tensor.Float64, dev)
		x.run(t)
		last := x.h(t)[(depth-1)*2*H:]
		for b := range 2 {
			layer := append([]float64(nil), in[b*3:b*3+3]...)
			for l := range depth {
				next := make([]float64, width)
				for i := range next {
					unit := l*width + i
					sum := x.values["cell.b"][unit]
					for j, v := range layer {
						if l == 0 {
							sum += u[unit*3+j] * v
						} else {
							sum += x.values["cell.W"][unit*H+(l-1)*width+j] * v
						}
					}
					next[i] = math.Tanh(sum)
				}
				layer = next
				near(t, "layer", last[b*H+l*width:b*H+(l+1)*width], layer, stackTolerance)
			}
		}
	}
}

// stackTolerance is for sums of seven terms in another order, and two kinds of tanh, in float64.
const stackTolerance = 1e-14

// TestBetweenBlocks: connections between blocks come from E units alone, as many as are asked for, and leave those within
// blocks as they are.
func TestBetweenBlocks(t *testing.T) {
	const H = 40
	w := dale()
	w.RecBlocks, w.RecDensity = 2, 0.5
	within, err := w.mask(H, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.RecBetween = 0.25
	mask, err := w.mask(H, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.mask(H, 1)
	if err != nil || slices.Equal(mask, other) {
		t.Errorf("two layers have the same connections, %v", err)
	}
	far, from := 0, 0
	for k, m := range mask {
		i, j := k/H, k%H
		if w.block(i, H) == w.block(j, H) {
			if m != within[k] {
				t.Errorf("the connection from %d to %d has changed", j, i)
			}
			continue
		}
		if j < w.excitatory(H) {
			from++
		}
		if m != 0 {
			far++
			if j >= w.excitatory(H) {
				t.Errorf("unit %d, which inhibits, reaches unit %d of another block", j, i)
			}
		}
	}
	if share := float64(far) / float64(from); share < 0.2 || share > 0.3 {
		t.Errorf("%v of the connections between blocks exist, want 0.25", share)
	}
	w.RecBetween = 1
	w.Dale, w.RecDensity, w.Autapses = false, 1, "yes"
	if all, err := w.mask(H, 0); err != nil || slices.Contains(all, 0) {
		t.Errorf("connections are missing, %v", err)
	}
}
