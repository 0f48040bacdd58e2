package gradcheck

import (
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/models"
)

// TestFaultIsFound holds that the check can fail: it accepts the right gradient and refuses
// it with one sign turned or one element off by a thousandth.
func TestFaultIsFound(t *testing.T) {
	e, err := models.Lookup("rnn")
	if err != nil {
		t.Fatal(err)
	}
	net, err := models.Bind(e.Name, e.New(), models.Dims{I: 2, H: 3, O: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Net: net, T: 3, B: 2, I: 2, Seed: 1}
	params, err := engine.NewParams[float64](net, c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	graph, err := engine.NewGraph[float64](engine.GraphConfig{Net: net, T: c.T, B: c.B, I: c.I,
		Goal: data.Classify, Every: true, Grad: true}, params)
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	if err := graph.Load(c.batch()); err != nil {
		t.Fatal(err)
	}
	if err := graph.Run(); err != nil {
		t.Fatal(err)
	}
	n := params.Specs()[0].Len()
	right := append([]float64(nil), graph.Grad()[:n]...)
	largest := 0
	for i, v := range right {
		if v*v > right[largest]*right[largest] {
			largest = i
		}
	}
	for name, tt := range map[string]struct {
		fault func(g []float64)
		pass  bool
	}{
		"right": {func([]float64) {}, true},
		"sign":  {func(g []float64) { g[largest] = -g[largest] }, false},
		"size":  {func(g []float64) { g[largest] *= 1.001 }, false},
		"zero":  {func(g []float64) { clear(g) }, false},
	} {
		adjoint := append([]float64(nil), right...)
		tt.fault(adjoint)
		row, err := compare(graph, params.Learned()[:n], adjoint)
		if err != nil {
			t.Fatal(err)
		}
		if row.Pass != tt.pass {
			t.Errorf("%s: %+v, want pass %v", name, row, tt.pass)
		}
	}
}
