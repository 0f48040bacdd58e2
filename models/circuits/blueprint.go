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

// Mean returns the mean.
func (s Spread) Mean() float64 {
	if s.Form == Uniform {
		return (s.A + s.B) / 2
	}
	return s.A
}

// Draw draws the network for a seed: potentials from the stream of their population, entries from that of the
// names of two.
//
// Errors: those of package sparse.
func (b *Blueprint) Draw(seed uint64) (*kernels.Circuit, error) {
	c := &kernels.Circuit{Step: b.Step, Seed: seed, Currents: b.Currents, Probes: b.Probes}
	key := random.New(seed)
	for _, p := range b.Populations {
		q := p.Population
		if p.Potentials != nil {
			q.Start = make([]float64, p.N)
			for u := range q.Start {
				q.Start[u] = p.Potentials.at(key.Named("start of "+p.Name), u)
			}
		}
		c.Populations = append(c.Populations, q)
	}
	for _, q := range b.Connections {
		if q.Regenerated {
			c.Projections = append(c.Projections, b.regenerated(q, key))
			continue
		}
		m, err := b.matrix(q, key.Named(q.stream))
		if err != nil {
			return nil, fmt.Errorf("circuits: %s: %w", q.stream, err)
		}
		c.Projections = append(c.Projections, kernels.Projection{From: q.From, To: q.To, Synapse: q.Synapse, Matrix: m,
			Weight: q.weights(m.Len(), key), Delay: b.delays(q, m.Len(), key), Plasticity: q.Plasticity})
	}
	return c, nil
}

// matrix draws the entries of a connection.
func (b *Blueprint) matrix(q Connection, key random.Stream) (*sparse.Matrix, error) {
	from, to := b.Populations[q.From].N, b.Populations[q.To].N
	diagonal := q.Autapses || q.From != q.To
	switch q.Rule {
	case InDegree:
		return sparse.FixedIn(to, from, q.Degree, diagonal, key)
	case AllToAll:
		return sparse.AllToAll(to, from, diagonal)
	case OneToOne:
		return sparse.OneToOne(to), nil
	case MeanInDegree:
		return sparse.Total(to, from, q.Entries, diagonal, key)
	case Edges:
		return q.Edges, nil
	case Digits:
		return digits(to, q.Degree), nil
	}
	return sparse.Probability(to, from, q.P, diagonal, key)
}

// weights draws the weights of n entries. One whose sign is not that of the mean is 0, and a plastic one
// beyond the largest is that.
func (q Connection) weights(n int, key random.Stream) []float64 {
	all := make([]float64, n)
	if q.Rule == Digits {
		for k := range all {
			all[k] = math.Ldexp(q.Weight.A, k%q.Degree)
		}
		return all
	}
	if q.Weight.Form == Same {
		return []float64{q.Weight.A}
	}
	key = key.Named("weights of " + q.stream)
	for k := range all {
		if w := q.Weight.at(key, k); w*q.Weight.Mean() > 0 {
			all[k] = w
		}
		if p := q.Plasticity; p != nil && all[k]*p.Sign > p.Most {
			all[k] = p.Sign * p.Most
		}
	}
	return all
}

// delays draws the delays of n entries in steps.
func (b *Blueprint) delays(q Connection, n int, key random.Stream) []int {
	if q.Delay.Form == Same {
		return []int{b.steps(q.Delay.A)}
	}
	all := make([]int, n)
	key = key.Named("delays of " + q.stream)
	for k := range all {
		all[k] = b.steps(q.Delay.at(key, k))
	}
	return all
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
func (b *Blueprint) Size() kernels.CircuitSize {
	var s kernels.CircuitSize
	for _, p := range b.Populations {
		s.AddPopulation(p.Population)
	}
	for _, q := range b.Connections {
		entries := b.Expected(q)
		if q.Regenerated {
			s.AddProjection(b.Populations[q.To].N, 2*b.Populations[q.From].N, 0, b.longest(q)) // and numbers of entries
			continue
		}
		s.AddProjection(b.Populations[q.To].N, b.Populations[q.From].N, entries, b.longest(q))
		if q.Plasticity != nil {
			s.AddPlasticity(b.Populations[q.To].N, b.Populations[q.From].N, entries)
		}
		if q.Weight.Form != Same || q.Rule == Digits {
			s.Own += entries
		}
		if q.Delay.Form != Same {
			s.Own += entries
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
