package neurons

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"galvani/models/description"
)

// channelOf returns a built-in channel.
func channelOf(t *testing.T, name string) Channel {
	t.Helper()
	c, err := LookupChannel(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGates holds the gates at -50 mV to numbers that were computed from the formulas of the sources apart
// from this code.
func TestGates(t *testing.T) {
	const v, tolerance = -50, 1e-5
	for _, c := range []struct {
		channel     string
		gate        int
		steady, tau float64 // 0 for no number
	}{
		{"lgmd-kdr", 0, 0.227546, 0},
		{"lgmd-m", 0, 0.523792, 0},
		{"lgmd-h", 0, 0.103972, 0},
		{"lgmd-cat", 0, 0.679179, 0},
		{"lgmd-cat", 1, 0.005929, 0},
	} {
		if got := channelOf(t, c.channel).Gates[c.gate].Steady(v); math.Abs(got-c.steady) > tolerance {
			t.Errorf("%s, gate %d: steady state %v, want %v", c.channel, c.gate, got, c.steady)
		}
	}
	if got := math.Pow(channelOf(t, "lgmd-nap").Gates[0].Steady(v), 3); math.Abs(got-0.148353) > tolerance {
		t.Errorf("n∞³ of NaP is %v", got)
	}
	for channel, want := range map[string]float64{"lgmd-kdr": 2.1224, "lgmd-h": 504.524} { // of as many digits
		if got := channelOf(t, channel).Gates[0].Tau(v); relative(got, want) > 2e-5 {
			t.Errorf("%s: τ is %v, want %v", channel, got, want)
		}
	}
}

// TestSources holds channels at several V to the formulas of the sources, as they are written there.
func TestSources(t *testing.T) {
	exp := math.Exp
	for v := -100.0; v <= 40; v += 7 {
		for _, c := range []struct {
			name      string
			got, want float64
		}{
			{"τ of M", channelOf(t, "lgmd-m").Gates[0].Tau(v), 2*60/(exp((-51-v)/-11)+exp((-51-v)/10.5)) + 2},
			{"τ of HCN", channelOf(t, "lgmd-hcn").Gates[0].Tau(v), 4*1350/(1+exp((-78.2-v)/13))/(1+exp((-78.2-v)/-12.5)) + 10},
			{"τ of n of KD", channelOf(t, "lgmd-kd").Gates[0].Tau(v), 4*(10-1.5)/(1+exp((-60-v)/-5.5))/(1+exp((-49-v)/7)) + 1.5},
			{"τ of l of KD", channelOf(t, "lgmd-kd").Gates[1].Tau(v), 2*1050/(exp((v+75)/15)+exp((-75-v)/15)) + 70},
			{"τ of s of CaT", channelOf(t, "lgmd-cat").Gates[0].Tau(v), 2.2 + 4*(4.4-2.2)/(1+exp((-52-v)/-10))},
			{"τ of h of CaT", channelOf(t, "lgmd-cat").Gates[1].Tau(v), 9 + exp((-130-v)/-11.5)/(1+exp((-71-v)/-4.1))},
			{"τ of CaL", channelOf(t, "lgmd-cal").Gates[0].Tau(v), 0.05 + 0.1/(1+exp((-10-v)/5))},
			{"τ of n of NaP", channelOf(t, "lgmd-nap").Gates[0].Tau(v), 4*20/(1+exp((-52-v)/-8.5))/(1+exp((-51-v)/8.5)) + 3},
			{"τ of l of NaP", channelOf(t, "lgmd-nap").Gates[1].Tau(v), 2*400/(1+exp((-55-v)/6.5))/(1+exp((-58-v)/-4.4)) + 0.5},
			{"m∞ of Na", channelOf(t, "lgmd-na").Gates[0].Steady(v), 1 / (1 + 7.4*exp((-42-v)*0.07)*(1-exp((-8-v)*0.075))/(0.075*-26*(-8-v)))},
			{"h∞ of Na", channelOf(t, "lgmd-na").Gates[1].Steady(v), 1 / (1 + 8.5/(exp((-30-v)*0.14)+1)/(2.1*exp((-60-v)*0.15)))},
			{"n∞ of the rake's K", channelOf(t, "rake-k").Gates[0].Steady(v), 1 / (1 + 0.125*exp(-(v+44)/25)*(exp(-0.1*(v+34))-1)/(-0.01*(v+34)))},
			{"m∞ of the rake's Na", channelOf(t, "rake-na").Gates[0].Steady(v), 1 / (1 + 4*exp(-(v+60)/12)*(exp(-0.1*(v+35))-1)/(-0.1*(v+35)))},
		} {
			if math.Abs(c.got-c.want) > 1e-9*max(1, c.want) && !math.IsNaN(c.want) { // at the singularity the source's form is 0/0
				t.Errorf("%s at %v mV is %v, want %v", c.name, v, c.got, c.want)
			}
		}
	}
	if got := channelOf(t, "lgmd-kca").Gates[0].Steady(1e-5); got != 0 {
		t.Errorf("KCa is open to %v at rest", got)
	}
	if got := channelOf(t, "lgmd-kca").Gates[0].Steady(1.2e-3); relative(got, 0.2) > 1e-12 {
		t.Errorf("KCa at 1.2 µM is %v, want 0.2", got)
	}
}

// TestLinear holds the rate u/(1 − e^−u) to its series around its removable singularity, where it joins
// the formula.
func TestLinear(t *testing.T) {
	for _, u := range []float64{0, 1e-12, -1e-9, 9.99e-6, 1.01e-5, -1.01e-5, 1e-3} {
		if got, want := form(2, u), 1+u/2+u*u/12-u*u*u*u/720; math.Abs(got-want) > 1e-15*4 {
			t.Errorf("f(%g) is %.17g, want %.17g", u, got, want)
		}
	}
	if got := form(2, -800); got != 0 {
		t.Errorf("f(-800) is %v, want 0", got)
	}
}

// TestRest: where the currents of Hodgkin and Huxley cancel, and the gates there.
func TestRest(t *testing.T) {
	na, k, leak := channelOf(t, "na"), channelOf(t, "k"), channelOf(t, "leak")
	net := func(v float64) (sum float64) {
		for _, c := range []Channel{na, k, leak} {
			g := c.Density
			for _, gate := range c.Gates {
				g *= math.Pow(gate.Steady(v), float64(gate.Power))
			}
			sum += g * (c.Reversal - v)
		}
		return sum
	}
	lo, hi := -70.0, -60.0
	for range 60 {
		if mid := (lo + hi) / 2; net(mid) > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"V": {lo, -64.9964}, "m": {na.Gates[0].Steady(lo), 0.052955}, "h": {na.Gates[1].Steady(lo), 0.595994}, "n": {k.Gates[0].Steady(lo), 0.317732},
	} {
		if math.Abs(c.got-c.want) > 1e-4 {
			t.Errorf("%s at rest is %v, want %v", name, c.got, c.want)
		}
	}
	if got := na.Gates[0].Speed(16.3); got != 3 {
		t.Errorf("10 degC above the measurement the rates are %v times, want 3", got)
	}
}

// TestShipped reads all channels. Each has a doc line and a source, gates between 0 and 1, and time
// constants that are not negative.
func TestShipped(t *testing.T) {
	if n := len(ChannelNames()); n < 15 {
		t.Errorf("%d channels", n)
	}
	for _, name := range ChannelNames() {
		c := channelOf(t, name)
		if c.Doc == "" || c.Source == "" {
			t.Errorf("%s has no doc line or no source", name)
		}
		for _, g := range c.Gates {
			if len(g.Formulas()) == 0 {
				t.Errorf("%s.%s has no formulas", name, g.Name)
			}
			for v := -150.0; v <= 100; v += 0.5 {
				if x, tau := g.Steady(v), g.Tau(v); !g.follows() && !(x >= 0 && x <= 1 && tau >= 0) {
					t.Fatalf("%s.%s at %v mV: steady state %v, τ %v", name, g.Name, v, x, tau)
				}
			}
		}
	}
}

// TestSigmoids: the form with weight and bias is the form with half-activation and slope.
func TestSigmoids(t *testing.T) {
	read := func(steady string) Gate {
		t.Helper()
		c, err := ReadChannel("x.toml", "x", []byte("reversal = \"0 mV\"\n[[gate]]\nname = \"n\"\nsteady = "+steady+"\ntime = { form = \"constant\", tau = \"5 ms\" }\n"))
		if err != nil {
			t.Fatal(err)
		}
		return c.Gates[0]
	}
	a, b := read(`{ weight = "0.1 /mV", bias = 4 }`), read(`{ v = "-40 mV", k = "10 mV" }`)
	for v := -90.0; v < 50; v += 10 {
		if math.Abs(a.Steady(v)-b.Steady(v)) > 1e-15 || math.Abs(a.Steady(v)-1/(1+math.Exp(-(0.1*v+4)))) > 1e-15 {
			t.Errorf("at %v mV they are %v and %v", v, a.Steady(v), b.Steady(v))
		}
	}
}

// TestGateTimes: a gate whose time constant is beyond all measure at every V is refused with its line, one that is at once or
// beyond it at some V is not.
func TestGateTimes(t *testing.T) {
	const rates = `alpha = { form = "linear", a = "%g /ms", v = "-40 mV", k = "10 mV" }
beta = { form = "exponential", a = "%g /ms", v = "-65 mV", k = "%g mV" }`
	const constant = `steady = { v = "-40 mV", k = "5 mV" }
time = { form = "constant", tau = "%g ms" }`
	for _, c := range []struct{ gate, want string }{
		{fmt.Sprintf(rates, 1e9, 4.0, -18.0), "x.toml: line 4: gate[0].alpha makes a time constant of at most"},
		{fmt.Sprintf(rates, 1e-9, 1e-9, -18.0), "gate[0].alpha makes a time constant of at least"},
		{fmt.Sprintf(rates, 1.0, 4.0, -18.0), ""},
		{fmt.Sprintf(rates, 1e-3, 1.0, -1.0), ""}, // fast at low V
		{fmt.Sprintf(constant, 1e-12), "line 5: gate[0].time makes a time constant of at most 1e-12 ms"},
		{fmt.Sprintf(constant, 1e9), "line 5: gate[0].time makes a time constant of at least 1e+09 ms"},
		{fmt.Sprintf(constant, 0.0), ""}, // at once
		{"speed = 1e-5\n" + fmt.Sprintf(constant, 1e4), "time constant of at least 1e+09 ms"},
	} {
		_, err := ReadChannel("x.toml", "x", []byte("reversal = \"0 mV\"\n[[gate]]\nname = \"n\"\n"+c.gate+"\n"))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", c.gate, err, c.want)
		}
	}
}

// TestUnits holds spellings of units to the unit of the code.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		d    description.Dimension
		text string
		want float64
	}{
		{density, "120 mS/cm2", 0.12}, {density, "120mS/cm²", 0.12}, {density, "2 pS/um2", 2e-4}, {density, "5e-3 S/cm^2", 5e-3},
		{voltage, "-0.065 V", -65}, {voltage, "-65mV", -65}, {capacity, "0.01 F/m2", 1}, {capacity, "1 µF/cm²", 1}, {capacity, "1μF/cm2", 1},
		{resistivity, "1 Ω·m", 100}, {resistivity, "100 ohm cm", 100}, {rate, "4 /ms", 4}, {rate, "4000 1/s", 4}, {length, "500 nm", 0.5},
		{gain, "6.25e-4 mM·cm²/(mA·ms)", 6.25e-4}, {concentration, "9e-4mM", 9e-4}, {current, "30 pA", 0.03}, {temperature, "6.3 °C", 6.3},
	} {
		got, err := c.d.In(c.text)
		if err != nil || relative(got, c.want) > 1e-12 {
			t.Errorf("%q is %v %s, want %v; error %v", c.text, got, c.d.Unit, c.want, err)
		}
	}
	for _, text := range []string{"", "mV", "1", "1 ms", "nan mV", "inf mV", "1 2 mV", "1e999 mV", "0x mV"} {
		if x, err := voltage.In(text); err == nil {
			t.Errorf("%q is %v mV", text, x)
		}
	}
}

func TestUnknownChannel(t *testing.T) {
	if _, err := LookupChannel("lgmd-kdx"); err == nil || !strings.Contains(err.Error(), `did you mean "lgmd-kd"`) {
		t.Errorf("error is %v", err)
	}
	if _, err := ReadChannel("x.toml", "x", []byte("gate = 3")); !errors.Is(err, ErrDescription) {
		t.Errorf("error is %v", err)
	}
}
