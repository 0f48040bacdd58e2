//go:build cgo

package neurons

import (
	"context"
	"math"
	"testing"

	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// forms is a neuron whose two channels have gates of every form but that by calcium.
const forms = `start = "-65 mV"
temperature = "30 degC"
[membrane]
capacity = "1 uF/cm2"
leak = "0.1 mS/cm2"
rest = "-65 mV"
axial = "120 ohm cm"
[[section]]
name = "soma"
length = "20 um"
diameter = "20 um"
[[section]]
name = "dend"
parent = "soma"
length = "200 um"
diameter = "2 um"
end_diameter = "1 um"
compartments = 5
[region.soma.channels]
mine = "1 mS/cm2"
two = "2 mS/cm2"
[region.dend.channels]
mine = "0.3 mS/cm2"
[channel.mine]
reversal = "-80 mV"
[[channel.mine.gate]]
name = "a"
power = 2
alpha = { form = "exponential", a = "0.07 /ms", v = "-60 mV", k = "-18 mV" }
beta = { form = "sigmoid", a = "0.9 /ms", v = "-35 mV", k = "9 mV" }
q10 = 2.3
measured = "20 degC"
[[channel.mine.gate]]
name = "b"
alpha = { form = "linear", a = "0.5 /ms", v = "-50 mV", k = "8 mV" }
beta = { form = "linear", a = "0.3 /ms", v = "-30 mV", k = "-7 mV" }
speed = 1.7
[[channel.mine.gate]]
name = "c"
steady = { v = "-52 mV", k = "9 mV" }
time = { form = "product", tau0 = "0.5 ms", a = "20 ms", w = "-55 mV", l = "-8 mV" }
[channel.two]
reversal = "50 mV"
[[channel.two.gate]]
name = "d"
power = 3
steady = { weight = "0.2 /mV", bias = 8 }
time = { form = "constant", tau = "1.5 ms" }
[[channel.two.gate]]
name = "e"
steady = { v = "-60 mV", k = "-6 mV" }
time = { form = "bell", tau0 = "2 ms", a = "60 ms", w = "-50 mV", l = "10 mV", y = "-50 mV", m = "-14 mV" }
[[channel.two.gate]]
name = "s"
steady = { v = "-20 mV", k = "8 mV" }
time = { form = "sigmoid", tau0 = "0.3 ms", a = "4 ms", w = "-30 mV", l = "-6 mV" }
[[receptor]]
name = "single"
decay = "3 ms"
reversal = "0 mV"
[[receptor]]
name = "dual"
rise = "0.4 ms"
decay = "6 ms"
reversal = "0 mV"
[[input]]
name = "current"
section = "soma"
weight = "1 nA"
[[input]]
name = "single"
section = "dend"
at = 0.9
receptor = "single"
weight = "3 nS"
[[input]]
name = "dual"
section = "dend"
at = 0.7
receptor = "dual"
weight = "4 nS"
delay = "1 ms"
[[record]]
section = "soma"
[[record]]
section = "dend"
at = 0.9
name = "tip"
`

// TestFormsAsNEURON: V of a neuron with gates of every form by V, a temperature factor, a dendrite that narrows and synapses with a
// delay is the same to the last digits in NEURON 9.0.2, whose mechanisms were written in NMODL from the formulas and solved by cnexp:
// sections of 20 by 20 µm and of 200 by 2 to 1 µm with nseg 5, Ra 120, pas, IClamp, ExpSyn and Exp2Syn, from -65 mV in steps of
// 0.025 ms.
func TestFormsAsNEURON(t *testing.T) {
	n, err := Read("forms.toml", []byte(forms), nil)
	if err != nil {
		t.Fatal(err)
	}
	wave, err := ParseWave("step 0.2 20:80", n.One(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := Stimulus{Waves: map[int]Wave{0: wave}, Events: map[int][]Event{1: Events(10, 30, 50), 2: Events(40, 85)}}
	const ms = 100
	trace, err := n.Run(context.Background(), devicetest.CPU(t, 1), tensor.Float64, Options{}, int(math.Round(ms/n.Dt)), in, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ms, soma, tip float64 }{
		{11, -61.76082780, -50.07265465}, {25, -21.19602951, -26.66900082}, {35, 21.88865268, 16.52847912}, {45, 18.22446014, 11.88851398},
		{60, 19.58595549, 14.94804799}, {85.5, -13.26921868, -13.26889721}, {90, -24.10217256, -20.79008201}, {100, -40.36337823, -39.15707239},
	} {
		k := int(math.Round(c.ms / n.Dt))
		for i, want := range []float64{c.soma, c.tip} {
			if got := trace.V[i][k]; math.Abs(got-want) > 1e-6 {
				t.Errorf("V of %s is %.8f mV at %g ms, in NEURON %.8f", trace.Places[i], got, c.ms, want)
			}
		}
	}
}
