package neurons

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"galvani/kernels/compartments"
)

// Gate is a gate of a channel as a file describes it; package compartments says what the kinetics mean.
type Gate struct {
	Name     string
	Power    int
	Kinetics compartments.Kinetics
	Forms    [2]compartments.Form // of alpha and beta
	Numbers  []float64            // mV, ms, 1/ms and mM, in the order of Kinetics.Numbers
	// Factor multiplies both rates. Q10 does so for each 10 degC above Measured; 0 for none.
	Factor, Q10, Measured float64
}

// Speed returns the factor of both rates at a temperature in degC.
func (g Gate) Speed(celsius float64) float64 {
	if g.Q10 == 0 {
		return g.Factor
	}
	return g.Factor * math.Pow(g.Q10, (celsius-g.Measured)/10)
}

// Steady returns x∞ at V in mV; calcium, in mM, takes its place for a gate that follows it.
func (g Gate) Steady(v float64) float64 {
	n := g.Numbers
	switch g.Kinetics {
	case compartments.Rates:
		a, b := g.Rates(v)
		return a / (a + b)
	case compartments.ByCalcium:
		return max(0, v-n[0]) / (v + n[1])
	}
	return logistic((v - n[0]) / n[1])
}

// Tau returns τ in ms at V in mV, with a speed of 1.
//
// Accuracy: exponents are those of the formula; beyond the range of float64 a rate is infinite and τ 0.
func (g Gate) Tau(v float64) float64 {
	n := g.Numbers
	switch g.Kinetics {
	case compartments.Rates:
		a, b := g.Rates(v)
		return 1 / (a + b)
	case compartments.SteadySigmoid:
		return n[2] + n[3]*logistic((v-n[4])/n[5])
	case compartments.SteadyProduct:
		return n[2] + n[3]*logistic((v-n[4])/n[5])*g.Steady(v)
	case compartments.SteadyBell:
		return n[2] + n[3]/(math.Exp((v-n[4])/n[5])+math.Exp((v-n[6])/n[7]))
	}
	return n[2]
}

// Rates returns α and β in 1/ms of a gate with Kinetics Rates.
func (g Gate) Rates(v float64) (alpha, beta float64) {
	n := g.Numbers
	return n[0] * form(g.Forms[0], (v-n[1])/n[2]), n[3] * form(g.Forms[1], (v-n[4])/n[5])
}

// form returns f(u) of a rate.
func form(f compartments.Form, u float64) float64 {
	switch f {
	case compartments.Exponential:
		return math.Exp(u)
	case compartments.Sigmoid:
		return logistic(u)
	}
	if math.Abs(u) < 1e-5 {
		return 1 + u/2 + u*u/12 // what follows is below the rounding
	}
	return -u / math.Expm1(-u)
}

func logistic(u float64) float64 { return 1 / (1 + math.Exp(-u)) }

// Formulas returns the equations of the gate with its numbers, V in mV and time in ms.
func (g Gate) Formulas() []string {
	n := g.Numbers
	x := g.Name
	steady := x + "∞ = " + sigmoidText(1, n[0], n[1])
	switch g.Kinetics {
	case compartments.Rates:
		return []string{"α = " + rateText(g.Forms[0], n[0], n[1], n[2]), "β = " + rateText(g.Forms[1], n[3], n[4], n[5])}
	case compartments.ByCalcium:
		return []string{fmt.Sprintf("%s∞ = max(0, ca%s)/(ca%s)", x, shift(n[0]), shift(-n[1])), "τ = " + number(n[2])}
	case compartments.SteadySigmoid:
		return []string{steady, fmt.Sprintf("τ = %s + %s/(1 + %s)", number(n[2]), number(n[3]), exponential(n[4], -n[5]))}
	case compartments.SteadyProduct:
		return []string{steady, fmt.Sprintf("τ = %s + %s·%s∞/(1 + %s)", number(n[2]), number(n[3]), x, exponential(n[4], -n[5]))}
	case compartments.SteadyBell:
		return []string{steady, fmt.Sprintf("τ = %s + %s/(%s + %s)", number(n[2]), number(n[3]), exponential(n[4], n[5]), exponential(n[6], n[7]))}
	}
	if n[2] == 0 {
		return []string{steady, "at once"}
	}
	return []string{steady, "τ = " + number(n[2])}
}

// Symbols returns the equations of the gate with the names of its numbers, those of Kinetics.Numbers.
func (g Gate) Symbols() []string {
	steady := g.Name + "∞ = 1/(1 + exp(−(V − v)/k))"
	switch g.Kinetics {
	case compartments.Rates:
		return []string{"α = " + formSymbols[g.Forms[0]]("alpha"), "β = " + formSymbols[g.Forms[1]]("beta")}
	case compartments.ByCalcium:
		return []string{g.Name + "∞ = max(0, ca − c)/(ca + k)", "τ = tau"}
	case compartments.SteadySigmoid:
		return []string{steady, "τ = tau0 + a/(1 + exp(−(V − w)/l))"}
	case compartments.SteadyProduct:
		return []string{steady, "τ = tau0 + a·" + g.Name + "∞/(1 + exp(−(V − w)/l))"}
	case compartments.SteadyBell:
		return []string{steady, "τ = tau0 + a/(exp((V − w)/l) + exp((V − y)/m))"}
	}
	return []string{steady, "τ = tau"}
}

// formSymbols write the rate of each form with the names of its numbers.
var formSymbols = []func(rate string) string{
	compartments.Exponential: func(r string) string { return r + ".a·exp((V − " + r + ".v)/" + r + ".k)" },
	compartments.Sigmoid:     func(r string) string { return r + ".a/(1 + exp(−(V − " + r + ".v)/" + r + ".k))" },
	compartments.Linear: func(r string) string {
		return r + ".a·u/(1 − exp(−u)), u = (V − " + r + ".v)/" + r + ".k"
	},
}

// Unit returns the unit of number i of the gate.
func (g Gate) Unit(i int) string {
	unit, _, _ := g.bound(i)
	return unit
}

func rateText(f compartments.Form, a, v, k float64) string {
	switch f {
	case compartments.Exponential:
		return number(a) + "·" + exponential(v, k)
	case compartments.Sigmoid:
		return sigmoidText(a, v, k)
	}
	if a == 1 {
		return "u/(1 − exp(−u)), u = " + scaled(v, k)
	}
	return fmt.Sprintf("%s·u/(1 − exp(−u)), u = %s", number(a), scaled(v, k))
}

func sigmoidText(a, v, k float64) string {
	return fmt.Sprintf("%s/(1 + %s)", number(a), exponential(v, -k))
}

// exponential writes exp((V−v)/k).
func exponential(v, k float64) string { return "exp(" + scaled(v, k) + ")" }

// scaled writes (V−v)/k.
func scaled(v, k float64) string {
	sign := ""
	if k < 0 {
		sign, k = "−", -k
	}
	text := "V" + shift(v)
	if v != 0 {
		text = "(" + text + ")"
	}
	if k == 1 {
		return sign + text
	}
	return sign + text + "/" + number(k)
}

// shift writes −x.
func shift(x float64) string {
	switch {
	case x == 0:
		return ""
	case x < 0:
		return " + " + number(-x)
	}
	return " − " + number(x)
}

func number(x float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(x, 'g', 6, 64), "-", "−")
}
