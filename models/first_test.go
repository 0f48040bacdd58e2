package models

import (
	"math"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// TestFirstStateAndPenalties holds the gradients of a learned first state, of penalties of the rates and of dropout to
// central differences, and the scan to the graph, for every cell.
func TestFirstStateAndPenalties(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 2)
	var all []variant
	for _, e := range All() {
		v := variant{name: e.Name, cell: e.New()}
		if c, ok := v.cell.(varied); ok {
			v = c.variants()[0]
		}
		all = append(all, v)
	}
	all = append(all, variant{name: "lstm in 2 layers", cell: &LSTM{}, layers: 2}, variant{name: "crnn in 2 layers", cell: NewCRNN(), layers: 2})
	for _, v := range all {
		if c, ok := v.cell.(Smoother); ok {
			v.cell = c.Smooth()
		}
		for i, f := range []feature{begins | rated | every, begins | rated | masked, rated | every | masked | noisy | dropped, begins | dropped} {
			if i > 1 && v.layers == 0 {
				continue
			}
			t.Run(v.name, func(t *testing.T) {
				x := newFixture(t, v, size{3, 2, 2, 3, 2}, f)
				checkGradients(t, x)
				if dev == nil {
					return
				}
				x = x.on(t, tensor.Float64, nil)
				_, want := x.differentiate(t)()
				for dt, tolerance := range backendTolerance {
					y := x.on(t, dt, dev)
					_, got := y.differentiate(t)()
					near(t, "logits", numbers(y.logits), numbers(x.logits), tolerance.forward)
					near(t, "penalties", []float64{y.penalties()}, []float64{x.penalties()}, tolerance.gradient)
					for name := range want {
						near(t, "gradient of "+name, got[name], want[name], tolerance.gradient)
					}
				}
			})
		}
	}
}

// TestFirstStateBegins holds that a learned first state is what sequences begin with, and that a state that is given
// goes before it.
func TestFirstStateBegins(t *testing.T) {
	x := newFixture(t, variant{name: "rnn", cell: &RNN{}}, size{1, 2, 1, 2, 1}, begins|every)
	x.values["cell.h0"] = []float64{0.25, -0.5}
	for name, v := range x.values {
		if name != "cell.h0" {
			clear(v)
		}
	}
	copy(x.values["cell.weight_hh_l0"], []float64{1, 0, 0, 1})
	want := []float64{0.2449186624, -0.4621171573, 0.2449186624, -0.4621171573} // tanh
	y := x.on(t, tensor.Float64, nil)
	y.run(t)
	near(t, "h", y.h(t), want, 1e-9)
	x.seq.Begins = false
	clear(x.seq.State.Data().([]float64))
	y = x.on(t, tensor.Float64, nil)
	y.run(t)
	near(t, "h of a state that is given", y.h(t), make([]float64, 4), 1e-9)
}

// TestFirstStateSpecs holds the table: a column for each plane that is learned, within its bounds, at rest.
func TestFirstStateSpecs(t *testing.T) {
	for _, e := range All() {
		n, err := Bind(e.Name, e.New(), Dims{2, 3, 2}, Layers(2), LearnedState())
		if err != nil {
			t.Fatal(err)
		}
		specs := n.Specs()
		for i, name := range []string{"cell.h0", "cell.h0_l1"} {
			s := specs[len(specs)-2+i]
			if s.Name != name || s.Role != kernels.Named || len(s.Shape) != 2 || s.Shape[0] != 3 || len(s.Columns) != s.Shape[1] || len(s.Init.Columns) != s.Shape[1] || !s.Learned {
				t.Errorf("%s: row %+v", e.Name, s)
			}
		}
	}
}

// TestDropout counts what is left out, holds what is kept to its factor, and that evaluations and other updates see
// something else.
func TestDropout(t *testing.T) {
	run := func(p float64, update uint64, noise bool) []float64 {
		net, err := Bind("rnn", &RNN{}, Dims{1, 40, 1}, Layers(2), Dropped(p))
		if err != nil {
			t.Fatal(err)
		}
		x := &fixture{net: net, size: size{T: 5, B: 10, I: 1, H: 40, O: 1}, values: map[string][]float64{}}
		x.seq = kernels.Sequence{T: 5, B: 10, I: 1, Noise: noise, Update: func() (uint64, uint64) { return 1, update },
			X: tensor.New(tensor.WithShape(5, 10, 1), tensor.WithBacking(make([]float64, 50))), State: tensor.New(tensor.WithShape(2, 10, 40), tensor.WithBacking(make([]float64, 800)))}
		for _, s := range net.Specs() {
			x.values[s.Name] = make([]float64, s.Len())
			switch s.Name {
			case "cell.bias_ih_l0":
				for i := range x.values[s.Name] {
					x.values[s.Name][i] = 1
				}
			case "cell.weight_ih_l1":
				for i := range 40 {
					x.values[s.Name][i*41] = 1e-4 // so that tanh is linear
				}
			}
		}
		y := x.on(t, tensor.Float64, nil)
		y.run(t)
		return y.h(t)[5*10*40:]
	}
	const kept = 0.7615941559557649e-4 // tanh(1)
	zeros, whole, other := 0, run(0.25, 3, true), run(0.25, 4, true)
	same := true
	for i, v := range whole {
		same = same && v == other[i]
		switch {
		case v == 0:
			zeros++
		case math.Abs(v-kept/0.75) > 1e-9:
			t.Fatalf("element %d is %v, want 0 or %v", i, v, kept/0.75)
		}
	}
	if zeros < 400 || zeros > 600 { // 500 expected, standard deviation 19
		t.Errorf("%d of 2000 are left out, want about 500", zeros)
	}
	if same {
		t.Error("two updates leave out the same")
	}
	for _, v := range run(0.25, 3, false) {
		if math.Abs(v-kept) > 1e-9 {
			t.Fatalf("without noise an element is %v, want %v", v, kept)
		}
	}
	if _, err := Bind("rnn", &RNN{}, Dims{1, 2, 1}, Layers(2), Dropped(1)); err == nil {
		t.Error("a dropout of 1 is taken")
	}
}
