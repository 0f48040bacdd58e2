package circuits

import (
	"math"
	"strconv"
	"strings"

	"galvani/kernels"
	"galvani/models/description"
	"galvani/models/plasticity"
)

// Learning is a rule of plasticity with the values of its parameters.
type Learning struct {
	plasticity.Rule
	Values []float64
}

// areaTime is the dimension of areas of currents times a time, and durationTime that of durations.
var (
	areaTime     = description.Dimension{Unit: "mV ms2", Factors: map[string]float64{"mVms2": 1, "mVmsms": 1, "Vms2": 1e3}}
	durationTime = description.Dimension{Unit: "ms2", Factors: map[string]float64{"ms2": 1, "msms": 1}}
)

// WeightUnit returns what the weights onto a synapse are measured in: the area of a current, or that of a
// conductance relative to that of the leak.
func (p Population) WeightUnit(synapse int) description.Dimension {
	if _, conductance := p.Reversal(synapse); conductance {
		return description.Duration
	}
	return area
}

// dimension returns that of a parameter of a rule for weights of one.
func dimension(u plasticity.Unit, weight description.Dimension) description.Dimension {
	switch u {
	case plasticity.Milliseconds:
		return description.Duration
	case plasticity.Hertz:
		return frequency
	case plasticity.Weight:
		return weight
	case plasticity.WeightTime:
		if weight.Unit == description.Duration.Unit {
			return durationTime
		}
		return areaTime
	}
	return description.Dimension{}
}

// Text writes the rule with its values, for weights of a unit.
func (l *Learning) Text(weight description.Dimension) string {
	var list []string
	for i, p := range l.Params {
		text := strconv.FormatFloat(l.Values[i], 'g', 6, 64)
		switch {
		case p.Choices != nil:
			text = p.Choices[int(l.Values[i])]
		case l.Values[i] == kernels.NoBound:
			continue
		case p.Unit != plasticity.Number:
			text += " " + dimension(p.Unit, weight).Unit
		}
		list = append(list, p.Name+" "+text)
	}
	return l.Name + " (" + strings.Join(list, ", ") + ")"
}

// plasticity reads by what rule the weights of a connection change.
func (r *reader) plasticity(of *description.Table, q *Connection) {
	t := of.Sub("plasticity")
	if !t.Need("rule", strconv.Quote(plasticity.Names()[0])) {
		return
	}
	rule := plasticity.All()[t.OneOf("rule", plasticity.Names())]
	to := r.b.Populations[q.To]
	l := &Learning{Rule: rule}
	for _, p := range rule.Params {
		l.Values = append(l.Values, r.parameter(t, p, to.WeightUnit(q.Synapse)))
	}
	if t.Done(); t.Err() != nil {
		return
	}
	made := rule.Make(l.Values)
	q.Learning, q.Plasticity = l, &made
	r.plasticSign(of, q)
	lo, hi := q.Weight.ends()
	if most := max(math.Abs(lo), math.Abs(hi)); most > made.Most {
		of.Fail("weight", "reaches %.6g, more than the w_max of the plasticity, %.6g; give smaller weights or a larger w_max", most, made.Most)
	}
}

// longestTrace is the most steps of the time constant of a trace. A float32 that loses 1e-5 of itself in a step loses it
// within 1 %, and one that loses less than 3e-8 stays.
const longestTrace = 1e5

// parameter reads one parameter of a rule.
func (r *reader) parameter(t *description.Table, p plasticity.Param, weight description.Dimension) float64 {
	if !t.Has(p.Name) {
		t.Spend(p.Name)
		if math.IsNaN(p.Value) {
			t.Need(p.Name, strconv.Quote("1 "+dimension(p.Unit, weight).Unit))
		}
		return p.Value
	}
	in := description.Interval{Lo: p.Min, Hi: p.Max, Open: p.Name == "w_max"}
	switch {
	case p.Choices != nil:
		return float64(t.OneOf(p.Name, p.Choices))
	case p.Unit == plasticity.Number:
		return t.Number(p.Name, p.Value, p.Min, p.Max)
	case strings.HasPrefix(p.Name, "tau"):
		tau := t.Quantity(p.Name, description.Duration, p.Value, description.Interval{Hi: p.Max, Open: true})
		if tau < r.b.Step {
			t.Fail(p.Name, "is %g ms, shorter than the step, %g ms; give a longer one or a shorter step", tau, r.b.Step)
		}
		if steps := tau / r.b.Step; steps > longestTrace*(1+1e-9) {
			t.Fail(p.Name, "is %g ms, %g steps, want at most %g, as a trace of float32 hardly decays in a step; give a shorter one or a longer step", tau, steps, longestTrace)
		}
		return tau
	}
	return t.Quantity(p.Name, dimension(p.Unit, weight), p.Value, in)
}

// plasticSign gives plastic weights the sign that they keep: that of their mean, or of the kind of the
// population where that is 0.
func (r *reader) plasticSign(t *description.Table, q *Connection) {
	from, mean := r.b.Populations[q.From], q.Weight.Mean()
	_, conductance := r.b.Populations[q.To].Reversal(q.Synapse)
	switch {
	case conductance, mean > 0, mean == 0 && from.Kind == kinds[0]:
		q.Plasticity.Sign = 1
	case mean < 0, mean == 0 && from.Kind == kinds[1]:
		q.Plasticity.Sign = -1
	default:
		t.Fail("weight", "is 0, so that plasticity cannot know its sign; give population %s the kind %q or %q", from.Name, kinds[0], kinds[1])
	}
}

// nearStep is the part of a time between two looks that rounding to whole steps may change.
const nearStep = 0.02

// every reads each how many steps something is looked at.
//
// Errors: put into the table, of a time that is not near a whole number of steps.
func (r *reader) every(t *description.Table, key string) int64 {
	ms := t.Quantity(key, description.Duration, r.b.Step, description.Interval{Lo: 0, Hi: 1e12, Open: true})
	steps := max(1, int64(math.Round(ms/r.b.Step)))
	if near := float64(steps) * r.b.Step; math.Abs(near-ms) > nearStep*ms {
		t.Fail(key, "is %g ms, which is %g steps of %g ms; want a whole number, such as %.6g ms", ms, ms/r.b.Step, r.b.Step, near)
	}
	return steps
}

// sample reads which weights are looked at.
func (r *reader) sample(t *description.Table) {
	from, to := r.population(t, "from", false), r.population(t, "to", true)
	every := int64(1)
	if t.Need("every", `"1 s"`) {
		every = r.every(t, "every")
	}
	if t.Done(); t.Err() != nil {
		return
	}
	found, plastic := false, false
	for i, q := range r.b.Connections {
		if q.From != from || q.To != to {
			continue
		}
		if found = true; q.Plasticity != nil {
			plastic = true
			r.b.Samples = append(r.b.Samples, Sample{Connection: i, Every: every})
		}
	}
	names := r.b.Populations[from].Name + " to " + r.b.Populations[to].Name
	switch {
	case !found:
		t.Fail("", "records the weights from %s, and there is no such projection; name one", names)
	case !plastic:
		t.Fail("", "records the weights from %s, which do not change; give the projection a plasticity, or delete this record", names)
	}
}

// PlasticityUnit returns the unit of a parameter, in words where it goes by that of the weights.
func PlasticityUnit(p plasticity.Param) string {
	switch p.Unit {
	case plasticity.Weight:
		return "that of the weights"
	case plasticity.WeightTime:
		return "that of the weights times ms"
	}
	return dimension(p.Unit, area).Unit
}
