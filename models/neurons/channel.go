package neurons

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/kernels/compartments"
	"galvani/models/description"
)

// Channel is one kind of ion channel as a file describes it:
//
//	I = density · Π gate^power · (reversal − V),   dx/dt = (x∞(V) − x)/τ_x(V) for each gate x
type Channel struct {
	Name, Doc, Source string
	Reversal          float64 // mV, of regions that have none of their own
	Density           float64 // S/cm², of regions that say true in place of a density; 0 for none
	Calcium           bool    // the current fills the pool
	Gates             []Gate  // none for a constant conductance
}

// ReadChannel reads the file of a channel. Name is what the channel is called.
//
// Errors: *Mistake, with the line and the key.
func ReadChannel(file, name string, text []byte) (Channel, error) {
	t, err := openTable(file, text)
	if err != nil {
		return Channel{}, err
	}
	c := t.channel(name)
	t.Done()
	return c, t.Err()
}

// channel reads the keys of a channel.
func (t table) channel(name string) Channel {
	c := Channel{Name: name, Doc: t.Words("doc", ""), Source: t.Words("source", "")}
	c.Reversal = t.Must("reversal", voltage, description.Interval{Lo: -1000, Hi: 1000})
	c.Density = t.Quantity("density", density, 0, description.FromZero)
	c.Calcium = t.Truth("fills_calcium")
	for _, g := range t.list("gate") {
		gate := g.gate()
		if slices.ContainsFunc(c.Gates, func(other Gate) bool { return other.Name == gate.Name }) {
			g.Fail("name", "is %q, as that of a gate before; give each a name of its own", gate.Name)
		}
		c.Gates = append(c.Gates, gate)
	}
	if len(c.Gates) > mostGates {
		t.Fail("gate", "has %d tables, want at most %d", len(c.Gates), mostGates)
	}
	return c
}

// mostGates is the most gates of a channel.
const mostGates = 8

// gate reads one gate.
func (t table) gate() Gate {
	g := Gate{Name: t.Name("name"), Power: t.Integer("power", 1, 1, 8)}
	g.Factor = t.Number("speed", 1, 1e-5, 1e5)
	if g.Q10 = t.Number("q10", 0, 0.1, 100); g.Q10 > 0 {
		g.Measured = t.Must("measured", temperature, description.Interval{Lo: -50, Hi: 100})
	}
	switch {
	case t.Has("alpha") || t.Has("beta"):
		g.Kinetics = compartments.Rates
		for i, key := range []string{"alpha", "beta"} {
			if !t.Need(key, `{ form = "exponential", a = "1 /ms", v = "-40 mV", k = "10 mV" }`) {
				return g
			}
			r := t.sub(key)
			g.Forms[i] = compartments.Form(r.OneOf("form", formNames))
			g.Numbers = append(g.Numbers, r.Must("a", rate, description.AboveZero), r.Must("v", voltage, description.AnyReal), r.slope("k"))
			r.Done()
		}
	case t.Has("by_calcium"):
		g.Kinetics = compartments.ByCalcium
		s := t.sub("by_calcium")
		g.Numbers = []float64{s.Quantity("c", concentration, 0, description.FromZero), s.Must("k", concentration, description.AboveZero)}
		s.Done()
		g.Numbers = append(g.Numbers, t.constantTime())
	case t.Need("steady", `{ v = "-40 mV", k = "10 mV" }, or alpha and beta, or by_calcium`):
		t.steady(&g)
	}
	t.Done()
	t.followed(g)
	return g
}

// Times of gates in ms, beyond which a unit is wrong.
const leastTau, mostTau = 1e-6, 1e7

// followed refuses a gate by V that is faster or slower than anything in all the range of a membrane.
func (t table) followed(g Gate) {
	if t.Err() != nil || g.Kinetics == compartments.ByCalcium {
		return
	}
	slowest, fastest := 0.0, math.Inf(1)
	for v := -120.0; v <= 60; v++ {
		tau := g.Tau(v) / g.Factor
		slowest, fastest = max(slowest, tau), min(fastest, tau)
	}
	at := "time"
	if g.Kinetics == compartments.Rates {
		at = "alpha"
	}
	switch instant := g.Kinetics == compartments.SteadyConstant && g.Numbers[2] == 0; {
	case slowest < leastTau && !instant:
		t.Fail(at, "makes a time constant of at most %.3g ms at all V from -120 to 60 mV, want %g ms or more somewhere; are rates in 1/s written as 1/ms?", slowest, leastTau)
	case fastest > mostTau:
		t.Fail(at, "makes a time constant of at least %.3g ms at all V from -120 to 60 mV, want %g ms or less somewhere", fastest, mostTau)
	}
}

// formNames are those of compartments.Form, in its order.
var formNames = []string{"exponential", "sigmoid", "linear"}

// slope reads a voltage that is divided by.
func (t table) slope(key string) float64 {
	k := t.Must(key, voltage, description.AnyReal)
	if k == 0 {
		t.Fail(key, "is 0, and is divided by; want another number")
		return 1
	}
	return k
}

// timeForms are the names of time constants, and their kinetics.
var timeForms = []string{"constant", "sigmoid", "product", "bell"}

// steady reads a gate by its steady state, as v and k or as weight and bias, 1/(1 + exp(−(W·V + b))), and
// its time constant.
func (t table) steady(g *Gate) {
	s := t.sub("steady")
	var v, k float64
	if s.Has("weight") || s.Has("bias") {
		w := s.Must("weight", perVoltage, description.AnyReal)
		if w == 0 {
			s.Fail("weight", "is 0, so that the gate does not depend on V; want another number")
			w = 1
		}
		v, k = -s.Number("bias", 0, -1e6, 1e6)/w, 1/w
	} else {
		v, k = s.Must("v", voltage, description.AnyReal), s.slope("k")
	}
	s.Done()
	g.Kinetics, g.Numbers = compartments.SteadyConstant, []float64{v, k}
	if !t.Need("time", `{ form = "constant", tau = "5 ms" }`) {
		return
	}
	c := t.sub("time")
	g.Kinetics += compartments.Kinetics(c.OneOf("form", timeForms))
	for _, name := range g.Kinetics.Numbers()[2:] {
		switch name {
		case "tau", "tau0":
			g.Numbers = append(g.Numbers, c.Quantity(name, duration, 0, description.FromZero))
		case "a":
			g.Numbers = append(g.Numbers, c.Must(name, duration, description.FromZero))
		case "w", "y":
			g.Numbers = append(g.Numbers, c.Must(name, voltage, description.AnyReal))
		default:
			g.Numbers = append(g.Numbers, c.slope(name))
		}
	}
	c.Done()
}

// constantTime reads the time constant of a gate by calcium.
func (t table) constantTime() float64 {
	if !t.Need("time", `{ form = "constant", tau = "2 ms" }`) {
		return 0
	}
	c := t.sub("time")
	c.OneOf("form", timeForms[:1])
	tau := c.Quantity("tau", duration, 0, description.FromZero)
	c.Done()
	return tau
}

// Equation returns the current of the channel in symbols.
func (c Channel) Equation() string {
	text := "I = g_" + c.Name
	for _, g := range c.Gates {
		text += "·" + g.Name + power(g.Power)
	}
	return text + fmt.Sprintf("·(e_%s − V)", c.Name)
}

// power writes an exponent, nothing for 1.
func power(p int) string {
	if p == 1 {
		return ""
	}
	return string([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[p])
}

// bound returns the unit of number i of the gate and the range in which it may be learned.
func (g Gate) bound(i int) (unit string, lo, hi float64) {
	name := g.Kinetics.Numbers()[i]
	inf := math.Inf(1)
	switch last := name[strings.LastIndexByte(name, '.')+1:]; {
	case g.Kinetics == compartments.Rates && last == "a":
		return "1/ms", 0, inf
	case g.Kinetics == compartments.ByCalcium && last == "c":
		return "mM", 0, inf
	case g.Kinetics == compartments.ByCalcium && last == "k":
		return "mM", 1e-9, inf
	case last == "a" || last == "tau" || last == "tau0":
		return "ms", 0, inf
	case last == "k" || last == "l" || last == "m":
		if g.Numbers[i] < 0 {
			return "mV", -inf, -leastSlope
		}
		return "mV", leastSlope, inf
	}
	return "mV", -inf, inf
}

// leastSlope keeps a learned slope, in mV, from crossing 0.
const leastSlope = 0.1
