package circuits

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Blueprint is a network before anything of it is drawn.
type Blueprint struct {
	Step        float64 // ms
	Populations []Population
	Connections []Connection
	Currents    []kernels.Current
	Probes      []kernels.Probe
	Samples     []Sample
	Inputs      []Input
	files       []string // that were read besides that of the network
}

// Input is the currents of the synapses of a population that are looked at as a Sample is: those of one unit, or the mean
// of all where Unit is below 0.
type Input struct {
	Population, Unit int
	Every            int64
}

// Sample is a connection whose weights are looked at before the first step, and then each so many steps.
type Sample struct {
	Connection int
	Every      int64
}

// Population is a population before its potentials are drawn.
type Population struct {
	kernels.Population
	Kind string // "excitatory", "inhibitory" or empty
	// Potentials are V before the first step in mV; nil for that of the header.
	Potentials *Spread
	// SynapseNames are those of its Synapses.
	SynapseNames []string
	Merged       int // spikes of a file that fall into a step with another of their unit, and are one with it
}

// Connection is a projection before its entries are drawn.
type Connection struct {
	From, To, Synapse int
	Rule              Rule
	P                 float64 // of Probability
	Degree            int     // of InDegree, and the units of each source of Digits
	Entries           int     // of MeanInDegree
	Edges             *sparse.Matrix
	file              string // that Edges were read from
	Autapses          bool   // a unit may reach itself
	Weight            Spread // mV·ms
	Delay             Spread // ms, at least a step; steps are the nearest whole number of them
	// Legacy has the weights of the file divided by the time constant of the synapse a second time, as some published
	// code does; Weight is what is left of them.
	Legacy bool
	// Plasticity changes the weights, nil for those that stay; Learning says by what.
	Plasticity *kernels.Plasticity
	Learning   *Learning
	// Regenerated has the entries drawn again in each step, and none kept (Regenerate).
	Regenerated bool
	stream      string
}

// Name is that of the populations that the connection joins, "i-to-e", and of the second one between two "i-to-e-2".
func (q Connection) Name() string { return strings.ReplaceAll(q.stream, " ", "-") }

// Rule says which units a connection joins.
type Rule int

// The rules: each pair with a probability, each target from a number of sources, from a number of them in the mean, where
// two units may be joined several times, all, unit i from unit i, those of a file, or unit i from the digits of source i
// of kernels.Events.
const (
	Probability Rule = iota
	InDegree
	MeanInDegree
	AllToAll
	OneToOne
	Edges
	Digits
)

// Spread is how numbers are drawn, each by itself.
type Spread struct {
	Form Form
	// A is the number, or the least, or the mean; B the largest, or the standard deviation.
	A, B float64
	List []float64 // of Given
}

// Form is a distribution.
type Form int

// The forms: one number for all, all between two equally likely, the normal distribution, one whose logarithm is normal,
// or those of a list.
const (
	Same Form = iota
	Uniform
	Normal
	Lognormal
	Given
)

// at returns number i of a stream.
func (s Spread) at(key random.Stream, i int) float64 {
	switch s.Form {
	case Uniform:
		return s.A + (s.B-s.A)*key.Uniform(uint64(i))
	case Normal:
		return s.A + s.B*key.Normal(uint64(i))
	case Lognormal:
		mu, sigma := s.logs()
		return math.Copysign(math.Exp(mu+sigma*key.Normal(uint64(i))), s.A)
	case Given:
		return s.List[i]
	}
	return s.A
}

// logs returns the mean and the standard deviation of the logarithm of the magnitude of Lognormal.
func (s Spread) logs() (mu, sigma float64) {
	variance := math.Log1p(s.B * s.B / (s.A * s.A))
	return math.Log(math.Abs(s.A)) - variance/2, math.Sqrt(variance)
}

// given returns the numbers of a list.
func given(list []float64) Spread {
	mean := 0.0
	for _, x := range list {
		mean += x / float64(len(list))
	}
	return Spread{Form: Given, A: mean, List: list}
}

// ends returns the least and the largest number, of the normal distribution the mean.
func (s Spread) ends() (lo, hi float64) {
	switch {
	case s.Form == Uniform:
		return s.A, s.B
	case s.Form == Given && len(s.List) > 0:
		return slices.Min(s.List), slices.Max(s.List)
	}
	return s.A, s.A
}

// over returns the numbers divided by one above 0.
func (s Spread) over(x float64) Spread {
	s.A, s.B, s.List = s.A/x, s.B/x, slices.Clone(s.List)
	for i := range s.List {
		s.List[i] /= x
	}
	return s
}

// Mean returns the mean of weights: of a normal distribution what is of the other sign than its own mean is 0.
func (s Spread) Mean() float64 {
	switch {
	case s.Form == Uniform:
		return (s.A + s.B) / 2
	case s.Form == Normal && s.B > 0:
		z := math.Abs(s.A) / s.B
		return math.Copysign(math.Abs(s.A)*(1-s.Cut())+s.B*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi), s.A)
	}
	return s.A
}

// shortest returns the shortest delay of a connection that is to be expected, in steps.
func (b *Blueprint) shortest(q Connection) int {
	ms, _ := q.Delay.ends()
	if q.Delay.Form == Normal || q.Delay.Form == Lognormal {
		ms = 0
	}
	return b.steps(ms)
}

// Cut returns the part of the weights of a normal distribution that are 0, since they would be of the other sign than its
// mean.
func (s Spread) Cut() float64 {
	if s.Form != Normal || !(s.B > 0) {
		return 0
	}
	return math.Erfc(math.Abs(s.A)/s.B/math.Sqrt2) / 2
}

// longest returns the longest delay of a connection that is to be expected, in steps.
func (b *Blueprint) longest(q Connection) int {
	ms := q.Delay.A
	switch q.Delay.Form {
	case Uniform:
		ms = max(q.Delay.A, q.Delay.B)
	case Normal:
		ms += 8 * q.Delay.B
	case Lognormal:
		mu, sigma := q.Delay.logs()
		ms = math.Exp(mu + 8*sigma)
	case Given:
		_, ms = q.Delay.ends()
	}
	return b.steps(ms)
}

// steps returns a delay in steps, of 1 to kernels.MaxDelay.
func (b *Blueprint) steps(ms float64) int {
	return kernels.Steps(ms, b.Step)
}

// Expected returns how many entries of a connection are expected.
func (b *Blueprint) Expected(q Connection) float64 {
	from, to := float64(b.Populations[q.From].N), float64(b.Populations[q.To].N)
	if !q.Autapses && q.From == q.To {
		from--
	}
	switch q.Rule {
	case InDegree:
		return to * float64(q.Degree)
	case OneToOne:
		return to
	case AllToAll:
		return to * from
	case MeanInDegree:
		return float64(q.Entries)
	case Edges:
		return float64(q.Edges.Len())
	case Digits:
		return to * float64(q.Degree)
	}
	return q.P * to * from
}

// Size returns how large the circuit will be, its entries as they are expected.
func (b *Blueprint) Size() kernels.CircuitSize { return b.SizeOn(1) }

// SizeOn returns how large the circuit will be on each of so many ranks, at most.
func (b *Blueprint) SizeOn(ranks int) kernels.CircuitSize {
	s := kernels.CircuitSize{Step: b.Step}
	for _, p := range b.Populations {
		s.AddPopulation(p.Population)
	}
	for _, q := range b.Connections {
		entries := b.Expected(q)
		if to := b.Populations[q.To].N; ranks > 1 && q.Plasticity == nil { // of those that change, a state has all
			words := ((to+63)/64 + ranks - 1) / ranks
			entries *= float64(min(64*words, to)) / float64(to)
		}
		if q.Regenerated {
			s.AddProjection(b.Populations[q.To].N, 2*b.Populations[q.From].N, 0, b.shortest(q), b.longest(q)) // and numbers of entries
			s.Drawn += entries
			continue
		}
		s.AddProjection(b.Populations[q.To].N, b.Populations[q.From].N, entries, b.shortest(q), b.longest(q))
		if q.Plasticity != nil {
			s.AddPlasticity(b.Populations[q.To].N, b.Populations[q.From].N, entries)
		}
		if q.Weight.Form != Same || q.Rule == Digits {
			s.Own += entries
		}
		if q.Delay.Form != Same {
			s.Late += entries
		}
	}
	return s
}

// Text writes the numbers with their unit.
func (s Spread) Text(unit string) string {
	switch s.Form {
	case Uniform:
		return fmt.Sprintf("%.6g to %.6g %s", s.A, s.B, unit)
	case Normal:
		return fmt.Sprintf("%.6g ± %.6g %s", s.A, s.B, unit)
	case Lognormal:
		return fmt.Sprintf("%.6g ± %.6g %s, lognormal", s.A, s.B, unit)
	case Given:
		lo, hi := s.ends()
		return fmt.Sprintf("%.6g to %.6g %s, given", lo, hi, unit)
	}
	return fmt.Sprintf("%.6g %s", s.A, unit)
}

// RuleText says in words which units are joined.
func (q Connection) RuleText() string {
	text := ""
	switch q.Rule {
	case InDegree:
		text = fmt.Sprintf("%d to each", q.Degree)
	case AllToAll:
		text = "all to all"
	case OneToOne:
		text = "one to one"
	case MeanInDegree:
		text = fmt.Sprintf("%d at random", q.Entries)
	case Edges:
		return "edges of " + q.file
	default:
		text = fmt.Sprintf("with probability %g", q.P)
	}
	if !q.Autapses && q.From == q.To {
		text += ", none to itself"
	}
	return text
}
