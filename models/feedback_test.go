package models

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// feedbackFixture is a network of random weights whose errors come back in a way, in some layers.
func feedbackFixture(t *testing.T, way Feedback, layers int, w Wiring) *fixture {
	t.Helper()
	const scale = 0.7
	s := size{T: 3, B: 2, I: 2, H: 5, O: 3}
	net, err := Bind("test", &RNN{}, Dims{s.I, s.H, s.O}, Layers(layers), FeedbackBy(way), ReadoutScale(scale), Wired(w))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	x := &fixture{net: net, size: s, values: map[string][]float64{}}
	x.seq = kernels.Sequence{T: s.T, B: s.B, I: s.I, Every: true, X: random(r, 1, s.T, s.B, s.I), State: random(r, 0.5, len(net.Rest()), s.B, s.H)}
	for _, spec := range net.Specs() {
		x.values[spec.Name] = draw(r, spec)
	}
	x.values[readoutWeight][4] = 0 // has no sign
	return x
}

// TestSignFeedback holds the gradients of sign feedback, bit for bit, to those of fixed feedback whose
// weights are the signs of the read-out's times √(2/(O+H)) of its first weights; and, for a read-out of
// weights of that size, to those of backprop. On every backend and in both types, with Dale's law and with
// two layers.
func TestSignFeedback(t *testing.T) {
	plain := NewWiring()
	for _, c := range []struct {
		layers int
		w      Wiring
	}{{1, plain}, {2, plain}, {1, dale()}} {
		for _, dev := range devicetest.Hosts(t, 2) {
			for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
				run := func(x *fixture) map[string][]float64 {
					_, grads := x.on(t, dt, dev).differentiate(t)()
					return grads
				}
				sign, fixed, usual := feedbackFixture(t, Sign, c.layers, c.w), feedbackFixture(t, Fixed, c.layers, c.w), feedbackFixture(t, Backprop, c.layers, c.w)
				own := fixed.values["readout.feedback"]
				for k, w := range sign.values[readoutWeight] {
					own[k] = 0.7 * math.Sqrt(2/float64(3+5))
					if w == 0 || c.w.Dale && k%5 >= sign.net.Excitatory() {
						own[k] = 0
					}
					own[k] = math.Copysign(own[k], w)
				}
				got, want := run(sign), run(fixed)
				for name := range want {
					if !slices.Equal(got[name], want[name]) {
						t.Errorf("%d layers, Dale %t, device %v, %v: gradient of %s is %v, want %v", c.layers, c.w.Dale, dev, dt, name, got[name], want[name])
					}
				}
				if slices.Equal(got["cell.weight_hh_l0"], run(usual)["cell.weight_hh_l0"]) {
					t.Error("sign feedback is backprop")
				}
				for _, x := range []*fixture{sign, usual} {
					copy(x.values[readoutWeight], own)
				}
				got, want = run(sign), run(usual)
				for name := range want {
					if !slices.Equal(got[name], want[name]) {
						t.Errorf("%d layers, Dale %t, device %v, %v: with weights of one size the gradient of %s is %v, that of backprop %v",
							c.layers, c.w.Dale, dev, dt, name, got[name], want[name])
					}
				}
			}
		}
	}
}

// TestFeedbackRefuses: a read-out that starts from 0 gives the other ways nothing to go by.
func TestFeedbackRefuses(t *testing.T) {
	for way, bad := range []bool{false, false, true, true} {
		_, err := Bind("rnn", &RNN{}, Dims{1, 2, 1}, FeedbackBy(Feedback(way)), ReadoutScale(0))
		if refused := errors.Is(err, kernels.ErrShape) && strings.Contains(err.Error(), "readout_scale"); refused != bad {
			t.Errorf("feedback %s with a read-out of zeros: %v", Feedbacks[way], err)
		}
	}
}

func TestFeedbackReferences(t *testing.T) {
	for way, name := range Feedbacks {
		works := Feedback(way).References()
		for _, w := range works {
			if err := w.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if has := len(works) > 0; has != (way >= int(Fixed)) {
			t.Errorf("%s has %d references", name, len(works))
		}
	}
}
