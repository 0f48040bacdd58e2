package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/data"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

// twoLayers returns two layers of a cell in the sizes of the toy network.
func twoLayers(t testing.TB, model string) *models.Network {
	t.Helper()
	e, err := models.Lookup(model)
	if err != nil {
		t.Fatal(err)
	}
	toy := newToy()
	net, err := models.Bind(model, e.New(), models.Dims{I: toy.inputs, H: toy.hidden, O: toy.outputs}, models.Layers(2))
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// TestLayersCarryState cuts a sequence in two. With the states of both layers carried, h of each is that of
// the whole, to the bit.
func TestLayersCarryState(t *testing.T) {
	for _, dev := range devicetest.Hosts(t, 2) {
		at := func(steps int) *Session {
			return newToySession(t, func(c *Config) {
				c.Net, c.Device, c.Task.T = twoLayers(t, "lstm"), dev, steps
				c.Options.Stateful, c.Options.LR, c.Options.Batch = true, 0, 2
			})
		}
		half, whole := at(4), at(8)
		b := batchOf(t, whole, 0)
		if _, err := whole.Step(b); err != nil {
			t.Fatal(err)
		}
		cut := [2][]float32{}
		for i := range 2 {
			part := batchOf(t, half, 0)
			copy(part.X, b.X[i*len(b.X)/2:])
			if _, err := half.Step(part); err != nil {
				t.Fatal(err)
			}
			for l := range cut {
				cut[l] = append(cut[l], hidden(t, graphsOf(half).train, l)...)
			}
		}
		if n := graphsOf(half).train.Layers(); n != 2 {
			t.Fatalf("%d layers, want 2", n)
		}
		for l := range cut {
			if !slices.Equal(cut[l], hidden(t, graphsOf(whole).train, l)) {
				t.Errorf("%s: h of layer %d differs from that of the whole", whole.DeviceName(), l)
			}
		}
	}
}

// hidden returns h [T,B,H] of a layer in the last run.
func hidden(t *testing.T, g *Graph[float32], layer int) []float32 {
	t.Helper()
	h, shape, err := g.LayerH(layer)
	if err == nil && !slices.Equal(shape, []int{g.cfg.T, g.cfg.B, g.cfg.Net.Hidden()}) {
		err = fmt.Errorf("h is %v", shape)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// traced returns the numbers of the trace of a batch by their names.
func traced(t *testing.T, s *Session, b *data.Batch) map[string][]float64 {
	t.Helper()
	tensors, err := s.Trace(b)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]float64{}
	for _, x := range tensors {
		shown[x.Name] = x.Numbers()
	}
	return shown
}

// tracedLayers returns a session with two layers, a batch and its trace.
func tracedLayers(t *testing.T, dev kernels.Device, cell string) (*Session, *data.Batch, map[string][]float64) {
	t.Helper()
	s := newToySession(t, func(c *Config) { c.Net, c.Device = twoLayers(t, cell), dev })
	b := batchOf(t, s, 0)
	return s, b, traced(t, s, b)
}

// TestLayersInTrace: h is what the read-out sees, and h_l0 that of the layer below. The gradients of the
// steps are those of both layers, on the graph as on the scan.
func TestLayersInTrace(t *testing.T) {
	var want []float64
	for _, dev := range devicetest.Hosts(t, 2) {
		s, b, shown := tracedLayers(t, dev, "gru")
		hid, outs := s.cfg.Net.Hidden(), s.cfg.Net.Outputs()
		last := shown["h"][(b.T-1)*b.B*hid:]
		for o := range outs {
			y := float64(s.params.slice(9)[o])
			for u, w := range s.params.slice(8)[o*hid : (o+1)*hid] {
				y += float64(w) * last[u]
			}
			if math.Abs(y-shown["logits"][o]) > 1e-5 { // rounding of float32
				t.Errorf("%s: logit %d is %v, from h %v", s.DeviceName(), o, shown["logits"][o], y)
			}
		}
		if len(shown["h_l0"]) != len(shown["h"]) || slices.Equal(shown["h_l0"], shown["h"]) {
			t.Errorf("%s: h_l0 has %d numbers of %d, or those of h", s.DeviceName(), len(shown["h_l0"]), len(shown["h"]))
		}
		norms, err := s.StepGradients(b)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = norms
		}
		for step, n := range norms {
			if !(n > 0) || math.Abs(n-want[step]) > 1e-4*want[step] {
				t.Errorf("%s: gradient of step %d is %v, on the graph %v", s.DeviceName(), step, n, want[step])
			}
		}
	}
}

// TestLayersPlanMemory: what a second layer takes is in the forecast, and shares the memory that is kept for
// the way back.
func TestLayersPlanMemory(t *testing.T) {
	for _, dev := range devicetest.Hosts(t, 2) {
		states := func(layers int, memory int64) int64 {
			cfg := Config{Task: newToyTask(), Options: toyOptions(), Device: dev, Memory: memory}
			cfg.Task.T = 400
			toy := newToy()
			net, err := models.Bind("gru", &models.GRU{}, models.Dims{I: toy.inputs, H: toy.hidden, O: toy.outputs}, models.Layers(layers))
			if err != nil {
				t.Fatal(err)
			}
			cfg.Net = net
			bytes, _, err := cfg.scanBytes()
			if err != nil {
				t.Fatal(err)
			}
			return bytes
		}
		if one, two := states(1, 0), states(2, 0); two < 2*one {
			t.Errorf("two layers take %d bytes, one %d", two, one)
		}
		if dev == nil {
			continue
		}
		if all, less := states(2, 0), states(2, 100_000); !(less < all) {
			t.Errorf("within 100 kB two layers take %d bytes, without limit %d", less, all)
		}
	}
}

// TestShardsPlanMemory: a batch that is taken in parts needs less memory, as the evaluation is all that sees it whole.
func TestShardsPlanMemory(t *testing.T) {
	for _, dev := range devicetest.Hosts(t, 2) {
		bytes := func(shards int) int64 {
			cfg := Config{Net: newToy(), Task: newToyTask(), Options: toyOptions(), Device: dev}
			cfg.Task.T, cfg.Options.Batch, cfg.Options.Shards = 400, 64, shards
			n, err := cfg.HostBytes()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if whole, parts := bytes(1), bytes(8); parts > whole*9/10 {
			t.Errorf("8 shards take %d bytes, a whole batch %d", parts, whole)
		}
	}
}

// TestGradientPlaced holds that a fused scan and its read-out write their gradients where the optimiser
// reads them, and that these are the gradients of the run.
func TestGradientPlaced(t *testing.T) {
	dev := devicetest.Hosts(t, 2)
	if dev[len(dev)-1] == nil {
		return // without a C compiler there is no fused scan
	}
	s := newToySession(t, func(c *Config) { c.Net, c.Device = twoLayers(t, "lstm"), dev[1] })
	g := graphsOf(s).train
	for k := range 2 {
		clear(g.grad)
		grad, _, err := graphsOf(s).Direction(batchOf(t, s, k))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range g.learned() {
			name, part := s.params.specs[p].Name, s.params.part(grad, p)
			if g.gradVals[i] != nil { // a value that Gorgonia copies
				t.Errorf("batch %d: the gradient of %s is copied", k, name)
			}
			if !slices.ContainsFunc(part, func(v float32) bool { return v != 0 }) {
				t.Errorf("batch %d: the gradient of %s is zero", k, name)
			}
		}
	}
}

// TestPlanesInTrace: each plane behind h is in a trace at all steps, under its name. It ends in the state that
// a run over all steps leaves, and gives the outputs of an LSTM that are there: |h| is below |tanh c|.
func TestPlanesInTrace(t *testing.T) {
	var want []float64
	for _, dev := range devicetest.Hosts(t, 2) {
		s, b, shown := tracedLayers(t, dev, "lstm")
		g := graphsOf(s).train
		if err := errors.Join(g.ResetState(), g.Load(b), g.Run()); err != nil {
			t.Fatal(err)
		}
		final := make([]float32, 4*b.B*s.cfg.Net.Hidden())
		if err := g.Final(final); err != nil {
			t.Fatal(err)
		}
		size := b.B * s.cfg.Net.Hidden()
		for k, name := range []string{"state.c_l0", "state.c"} {
			c, h := shown[name], shown[[]string{"h_l0", "h"}[k]]
			if len(c) != len(h) || len(c) == 0 {
				t.Fatalf("%s: %s has %d numbers, want %d", s.DeviceName(), name, len(c), len(h))
			}
			for i := range c {
				if !(math.Abs(h[i]) < math.Abs(math.Tanh(c[i]))) || h[i]*c[i] <= 0 {
					t.Errorf("%s: h is %v where %s is %v", s.DeviceName(), h[i], name, c[i])
				}
			}
			for i, v := range final[(2*k+1)*size : (2*k+2)*size] {
				if math.Abs(c[len(c)-size+i]-float64(v)) > 1e-5 { // one step at a time sums in another order
					t.Errorf("%s: %s ends at %v, want %v", s.DeviceName(), name, c[len(c)-size+i], v)
				}
			}
		}
		if want == nil {
			want = shown["state.c"]
		}
		for i, v := range shown["state.c"] {
			if math.Abs(v-want[i]) > 1e-5 {
				t.Errorf("%s: state.c[%d] is %v, on the graph %v", s.DeviceName(), i, v, want[i])
			}
		}
	}
}
