package models

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSynapse holds the linear form to the kernels as the notes write them.
func TestSynapse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, kernel := range synapseKernels {
		s, err := NewSynapse(kernel, 5, 20)
		if err != nil {
			t.Fatal(err)
		}
		var p, q, p1, q1, x float64
		for n := range 50 {
			u := r.NormFloat64()
			want := filter(kernel, 5, 20, u, 1, &p, &q)
			x, p1, q1 = s.Step(u, p1, q1)
			if math.Abs(x-want) > 1e-12*max(1, math.Abs(want)) {
				t.Errorf("%s: x̄ after %d steps is %v, want %v", kernel, n+1, x, want)
			}
		}
	}
}

// TestGain checks closed forms: an average reaches 1; the difference of averages of τ = 5 and
// 20 peaks at 0.4725 (science 1.2; sampled at whole steps a little below); the bumps reach
// the sum of their kernels.
func TestGain(t *testing.T) {
	d, l := math.Exp(-1.0/5), math.Exp(-1.0/20)
	for kernel, want := range map[string]float64{
		"ema": 1, "ema_diff": 0.4725, "ema_diff_relu": 0.4725,
		"alpha": d / ((1 - d) * (1 - d)), "dualexp": 20. * 5 / 15 * (1/(1-l) - 1/(1-d)),
	} {
		s, err := NewSynapse(kernel, 5, 20)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Gain(); math.Abs(got-want) > 1e-3*want {
			t.Errorf("%s: gain %v, want %v", kernel, got, want)
		}
	}
}

// TestConstantInput: the differences of averages forget constant input, the bumps do not.
func TestConstantInput(t *testing.T) {
	for _, kernel := range synapseKernels {
		s, err := NewSynapse(kernel, 2, 8)
		if err != nil {
			t.Fatal(err)
		}
		var x, p, q float64
		for range 300 {
			x, p, q = s.Step(1, p, q)
		}
		blocks := kernel == "ema_diff" || kernel == "ema_diff_relu"
		if blocks != (math.Abs(x) < 1e-12) {
			t.Errorf("%s: x̄ settles at %v", kernel, x)
		}
	}
}

func TestSynapseRefuses(t *testing.T) {
	for _, c := range []struct {
		kernel string
		s, l   float64
	}{{"ema", 0, 1}, {"ema", 1, -1}, {"ema", math.NaN(), 1}, {"dualexp", 3, 3}, {"ema_diff_relu", 3, 3}, {"other", 1, 2}} {
		if _, err := NewSynapse(c.kernel, c.s, c.l); err == nil {
			t.Errorf("%s with τ_s %v and τ_l %v was taken", c.kernel, c.s, c.l)
		}
	}
}
