package circuits

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels"
	"galvani/models/description"
)

func (r *reader) projections() {
	for _, t := range r.List("projection") {
		for _, one := range r.pairs(t) {
			r.projection(one)
		}
		if t.Err() != nil {
			return
		}
	}
	if len(r.b.Connections) == 0 {
		r.Spend("projection")
	}
}

// pairs returns a projection for each pair of the populations that from and to list, or the one that lists none. What a
// rule has as rows of numbers is one number of each pair, a row for each population of to; a pair with 0 is left out.
func (r *reader) pairs(t *description.Table) (all []*description.Table) {
	ends := map[string][]any{}
	for _, key := range []string{"from", "to"} {
		list, several := t.Value(key).([]any)
		if !several {
			list = []any{t.Value(key)}
		}
		ends[key] = list
	}
	for i, to := range ends["to"] {
		for j, from := range ends["from"] {
			one := map[string]any{}
			for _, key := range []string{"from", "to"} {
				if t.Has(key) {
					one[key] = map[string]any{"from": from, "to": to}[key]
				}
			}
			none := false
			for _, key := range rules {
				rows, is := t.Value(key).([]any)
				if !is {
					continue
				}
				if one[key] = number(rows, i, j, len(ends["to"]), len(ends["from"])); one[key] == nil {
					t.Fail(key, "is %s, want a row for each of the %d populations of to, of a number for each of the %d of from", description.Brief(t.Value(key)), len(ends["to"]), len(ends["from"]))
					return nil
				}
				none = none || one[key] == int64(0) || one[key] == 0.0
			}
			if !none {
				all = append(all, t.With(one))
			}
		}
	}
	return all
}

// number returns a number of a matrix, nil where it has not so many rows and columns.
func number(matrix []any, i, j, rows, columns int) any {
	if len(matrix) != rows {
		return nil
	}
	row, ok := matrix[i].([]any)
	if !ok || len(row) != columns {
		return nil
	}
	return row[j]
}

// projection reads the projection between two populations.
func (r *reader) projection(t *description.Table) {
	q := Connection{From: r.population(t, "from", false), To: r.population(t, "to", true), Autapses: true}
	from, to := r.b.Populations[q.From], r.b.Populations[q.To]
	q.stream = from.Name + " to " + to.Name
	if r.used[q.stream]++; r.used[q.stream] > 1 {
		q.stream += fmt.Sprint(" ", r.used[q.stream])
	}
	q.Synapse = r.synapse(t, from, to)
	r.rule(t, &q)
	if q.Weight.Form == Given {
		t.Spend("weight")
		r.sign(t, "edges", q)
		if t.Has("weight") {
			t.Fail("weight", "stands beside the weights of the file of edges; keep one of them")
		}
	} else if t.Need("weight", `"1 mV ms"`) {
		in := description.AnyReal
		if _, conductance := to.Reversal(q.Synapse); conductance {
			in = description.FromZero
		}
		q.Weight = r.spread(t, "weight", to.WeightUnit(q.Synapse), in)
		r.sign(t, "weight", q)
	}
	if t.Has("plasticity") {
		r.plasticity(t, &q)
	}
	t.Spend("plasticity", "legacy")
	if t.Has("legacy") && t.Truth("legacy") {
		r.legacy(t, &q)
	}
	if q.Delay.Form != Given {
		q.Delay = Spread{A: r.b.Step}
	} else if t.Has("delay") {
		t.Fail("delay", "stands beside the delays of the file of edges; keep one of them")
	}
	if t.Has("delay") {
		q.Delay = r.spread(t, "delay", description.Duration, description.Interval{Lo: 0, Hi: 1e6})
		r.delay(t, q.Delay)
	}
	t.Spend("delay", "autapses")
	if t.Has("autapses") {
		q.Autapses = t.Truth("autapses")
	}
	t.Done()
	if q.Rule == Probability {
		t.Need("probability", "0.1, or in_degree, mean_in_degree, all_to_all, one_to_one or edges")
	}
	r.b.Connections = append(r.b.Connections, q)
}

// legacy divides the weights by the time constant of their synapse, in ms, a second time.
func (r *reader) legacy(t *description.Table, q *Connection) {
	if q.Plasticity != nil {
		t.Fail("legacy", "stands beside plasticity, whose numbers are areas; leave one of them out")
	}
	if t.Err() == nil {
		q.Legacy, q.Weight = true, q.Weight.over(r.b.Populations[q.To].Synapses[q.Synapse])
	}
}

// synapse reads through which synapse a projection acts: the one of its name, or the only one.
func (r *reader) synapse(t *description.Table, from, to Population) int {
	if t.Has("synapse") {
		if len(to.SynapseNames) > 0 {
			return t.OneOf("synapse", to.SynapseNames)
		}
	} else if len(to.SynapseNames) == 1 {
		t.Spend("synapse")
		return 0
	}
	if at := slices.Index(to.SynapseNames, from.Name); at >= 0 {
		t.Spend("synapse")
		return at
	}
	t.Fail("", "acts on population %s, which has no synapse of the name %s; add one, such as synapse = { %[2]s = %[3]q }, or name one by the key synapse", to.Name, from.Name, "5 ms")
	return 0
}

// rules are the keys of Rule, in its order.
var rules = []string{"probability", "in_degree", "mean_in_degree", "all_to_all", "one_to_one", "edges"}

// rule reads which units are joined.
func (r *reader) rule(t *description.Table, q *Connection) {
	found := -1
	for i, key := range rules {
		if !t.Has(key) {
			continue
		}
		if found >= 0 {
			t.Fail(key, "stands beside %s; keep one of them", rules[found])
		}
		found = i
	}
	t.Spend(rules...)
	from, to := r.b.Populations[q.From], r.b.Populations[q.To]
	q.Rule = Rule(max(found, 0))
	switch q.Rule {
	case InDegree:
		most := from.N
		if t.Value("autapses") == false && q.From == q.To {
			most--
		}
		q.Degree = t.Integer("in_degree", 0, 0, most)
	case MeanInDegree:
		degree := t.Number("mean_in_degree", 0, 0, 1e9)
		if q.Entries = int(math.Round(degree * float64(to.N))); q.Entries > 0 && from.N == 1 && q.From == q.To && t.Value("autapses") == false {
			t.Fail("mean_in_degree", "is %g, and the population has one unit, which does not reach itself; want 0", degree)
		}
	case Edges:
		r.edges(t, q)
	case AllToAll, OneToOne:
		if !t.Truth(rules[found]) {
			t.Fail(rules[found], "is false; delete it, and say which units are joined by %s", rules[0])
		}
		if q.Rule == OneToOne && from.N != to.N {
			t.Fail(rules[found], "joins %d units to %d; give both populations as many", from.N, to.N)
		}
	default:
		q.P = t.Number("probability", 0, 0, 1)
	}
}

// sign holds a projection to Dale's law: all from one population have the same sign, that of its kind.
func (r *reader) sign(t *description.Table, key string, q Connection) {
	of, from, is := q.Weight.Mean(), r.b.Populations[q.From], "is"
	if to, conductance := r.b.Populations[q.To].Reversal(q.Synapse); conductance {
		is = fmt.Sprintf("is %.6g ms, which from rest to the reversal potential of %g mV is", of, to)
		of *= to - r.b.rest(q.To)
	}
	if lo, hi := q.Weight.ends(); lo*hi < 0 {
		t.Fail(key, "has both signs, from %g to %g mV ms, and a neuron excites or inhibits, by Dale's law; keep to one", lo, hi)
	}
	if q.Weight.Form == Normal && q.Weight.A == 0 && q.Weight.B > 0 {
		t.Fail(key, "is normal with the mean 0, of both signs, and a neuron excites or inhibits, by Dale's law; give a mean above or below 0")
	}
	before, seen := r.signs[q.From]
	switch {
	case of == 0:
		return
	case from.Kind == kinds[0] && of < 0, from.Kind == kinds[1] && of > 0:
		t.Fail(key, "%s %.6g mV ms, and population %s is %s; by Dale's law its weights are of one sign: change the sign, or the kind", is, of, from.Name, from.Kind)
	case seen && before.of*of < 0:
		t.Fail(key, "%s %.6g mV ms, and population %s has %.6g mV ms in line %d; by Dale's law its weights are of one sign: change one of them", is, of, from.Name, before.of, before.line)
	case !seen:
		r.signs[q.From] = sign{of, t.Line(key)}
	}
}

// delay refuses what is no step, nor in the rings of a device.
func (r *reader) delay(t *description.Table, d Spread) {
	least, most := d.ends()
	if least < r.b.Step*(1-1e-9) {
		t.Fail("delay", "is %.6g ms, shorter than the step, %g ms; give a longer delay or a shorter step", least, r.b.Step)
	}
	if steps := math.Round(most / r.b.Step); steps > kernels.MaxDelay {
		t.Fail("delay", "is %g ms, which is %g steps, want at most %d; give a shorter delay or a longer step", most, steps, kernels.MaxDelay)
	}
}
