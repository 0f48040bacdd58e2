package rules

import (
	"math"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models/layered"

	"gonum.org/v1/gonum/mat"
)

// TestCurvature holds the ends of the spectrum of the Hessian of a layered network to those of the matrix of second
// differences of its loss, which is computed here. Weights of the way back have no part in it, and learning by another
// rule than backprop does not change it; nor does the device.
func TestCurvature(t *testing.T) {
	for _, rule := range []string{"backprop", "kolen-pollack"} {
		for _, dev := range []kernels.Device{nil, devicetest.CPU(t, 1)} {
			m := layered.NewMLP()
			m.Hidden, m.Rule, m.Activation = []int{3}, rule, "tanh"
			task := blobs()
			net, err := layered.Bind("mlp", m, task.I, task.O)
			if err != nil {
				t.Fatal(err)
			}
			o := engine.DefaultOptions()
			o.Batch, o.Epochs, o.LR = 8, 5, 0.05
			s, err := engine.NewSession(engine.Config{Net: net, Exact: net.Exact(), Task: task, Device: dev, Options: o})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Train(t.Context(), nil, nil); err != nil {
				t.Fatal(err)
			}
			b, err := s.Batch(task.Train, 8)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Curvature(b, 100)
			if err != nil {
				t.Fatal(err)
			}
			var params []float64 // W1 [3,4], b1 [3], W2 [3,3], b2 [3]
			for i := range 4 {
				for _, v := range s.Params().View(i).Data().([]float32) {
					params = append(params, float64(v))
				}
			}
			smallest, largest := ends(t, func() float64 { return blobsLoss(params, b) }, params)
			if scale := largest - smallest; math.Abs(got.Smallest-smallest) > 1e-5*scale || math.Abs(got.Largest-largest) > 1e-5*scale || smallest > 0 {
				t.Errorf("%s: %+v, want %v to %v, a negative one among them", rule, got, smallest, largest)
			}
		}
	}
}

// blobsLoss is the cross-entropy of a network of 4, 3 and 3 units.
func blobsLoss(p []float64, b *data.Batch) (loss float64) {
	for n := range b.B {
		var h, a [3]float64
		for j := range h {
			h[j] = p[12+j]
			for i := range 4 {
				h[j] += p[4*j+i] * float64(b.X[4*n+i])
			}
			h[j] = math.Tanh(h[j])
		}
		sum := 0.0
		for k := range a {
			a[k] = p[24+k]
			for j := range h {
				a[k] += p[15+3*k+j] * h[j]
			}
			sum += math.Exp(a[k])
		}
		loss += (math.Log(sum) - a[int(b.Label[n])]) / float64(b.B)
	}
	return loss
}

// ends returns the smallest and the largest eigenvalue of the matrix of second differences of a function of p.
func ends(t *testing.T, f func() float64, p []float64) (smallest, largest float64) {
	t.Helper()
	const h = 1e-3 // a difference is off by about h² and 1e-16/h²
	m := mat.NewSymDense(len(p), nil)
	at := func(i, j int, di, dj float64) float64 {
		was := [2]float64{p[i], p[j]}
		p[i] += di
		p[j] += dj
		v := f()
		p[j], p[i] = was[1], was[0]
		return v
	}
	for i := range p {
		for j := range i + 1 {
			m.SetSym(i, j, (at(i, j, h, h)-at(i, j, h, -h)-at(i, j, -h, h)+at(i, j, -h, -h))/(4*h*h))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, false) {
		t.Fatal("no eigenvalues")
	}
	v := e.Values(nil)
	return v[0], v[len(v)-1]
}
