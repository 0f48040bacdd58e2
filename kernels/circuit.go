package kernels

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"galvani/kernels/neurons"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Circuit is populations and projections that are stepped in time, as data. It is the second contract
// beside Scan: spikes and delays, no graph and no gradients. Times are in ms, potentials and currents
// in mV.
//
// A step n, in this order: V follows from the currents of synapses as they are and the constant ones;
// V at the threshold is a spike and is reset; the currents of synapses decay, and what arrives is
// added to them. A spike of step n that is d steps under way acts on V in step n+d.
type Circuit struct {
	Step        float64
	Seed        uint64 // of the sources
	Populations []Population
	Projections []Projection
	Currents    []Current
	Probes      []Probe
	// Ranks are those that run the circuit together, nil for one. Each of them has all populations, and of each projection all
	// entries or, where it has a Share, those into its own units (RankUnits).
	Ranks Ranks
}

// Ranks are processes that run a circuit together, as one of them sees them; a group.Group is. Each
// steps a range of the units of every population, and all make the same calls of a CircuitPlan. Spikes, voltages
// and states are those of one process, on every rank.
type Ranks interface {
	Rank() int
	Size() int
	// Gather returns what each rank brings, by rank, on every rank.
	Gather(b []byte) ([][]byte, error)
}

// Spread reports whether several ranks run the circuit.
func (c *Circuit) Spread() bool { return c.Ranks != nil && c.Ranks.Size() > 1 }

// Poisson is the Header of a population of sources: each unit spikes in a step with probability
// rate·Step, independently. Its one parameter is the rate in Hz. The numbers of the stream
// random.New(Seed).Named(Name).Stream(unit).Stream(b) are the gaps (SourceGap) before the spikes of a unit in
// the steps SourceBlock·b and after, up to the next block, which begins anew.
const Poisson = "poisson"

// Regular is the Header of sources that spike at equal intervals, all together. Their parameters are the rate in Hz
// and the time of the first spike in ms; spike k is in the step nearest to first + 1000 k/rate.
const Regular = "regular"

// Trains is the Header of sources whose spikes are given. They have no parameters.
const Trains = "trains"

// Events is the Header of sources that may spike several times in a step: the number of their events in a step has
// a Poisson distribution. Its one parameter is the rate in Hz. EventBits units stand for one source, the digits of
// that number: unit EventBits·u+b spikes in a step where bit b of the number of source u is 1, so that an entry from
// it has 2^b times the weight. Number n of the stream random.New(Seed).Named(Name).Stream(u), counted by the thresholds
// random.Poisson(rate·Step), is that of source u in step n.
const Events = "events"

// Correlated is the Header of Poisson sources that take their spikes from one mother process, each spike with a
// probability, and each moved in time by itself. Their parameters are the rate of a unit in Hz, that probability, which
// is the correlation of two units, and the standard deviation of the moves in ms (Reach bounds them). The mother process
// has rate/probability spikes per second, the gaps of a Poisson source of the stream
// random.New(Seed).Named(Name).Named("mother").Stream(0). Its spike in step m is one of unit u if number 0 of the stream
// random.New(Seed).Named(Name).Stream(m).Stream(u) is below the probability, and then in step m - Reach + s, where s is
// Normal 1 of that stream times the deviation, as the nearest number of steps of -Reach to Reach.
const Correlated = "correlated"

// Reach returns how many steps a spike of a Correlated source moves at most: five standard deviations of so many ms.
func Reach(ms, step float64) int64 { return int64(math.Ceil(5 * ms / step)) }

// MostEvents is the largest mean number of events of a source in a step.
const MostEvents = 100

// EventBits returns how many units a source of Events has for a mean number of events in a step, 0 for a mean that is
// not from 0 to MostEvents.
func EventBits(mean float64) int {
	thresholds, err := random.Poisson(mean)
	if err != nil || mean > MostEvents {
		return 0
	}
	return max(1, bits.Len(uint(len(thresholds))))
}

// Source reports whether the units are sources, which receive nothing.
func (p Population) Source() bool {
	return slices.Contains([]string{Poisson, Regular, Trains, Events, Correlated}, p.Header)
}

// SourceBlock is how many steps of a source are drawn together.
const SourceBlock = 256

// SourceGap returns how many steps without a spike come before one, for a number u in [0,1) and the logarithm of
// the probability of none in a step, and at most SourceBlock.
func SourceGap(u, none float64) int {
	if math.IsInf(none, -1) {
		return 0
	}
	if gap := math.Log1p(-u) / none; gap < SourceBlock { // none = 0 gives NaN or infinity
		return int(gap)
	}
	return SourceBlock
}

// Population is N units of one kind.
type Population struct {
	Name string
	// Header names kernels/neurons/<Header>.h, or is Poisson, Regular, Trains, Events or Correlated.
	Header string
	N      int
	// Params are in the header's order; nil takes its values.
	Params []float64
	// Start is V of every unit, nil for the header's.
	Start []float64
	// Synapses are time constants, each of an exponential current I' = -I/tau of its own. A spike
	// adds weight/tau to it, and so the area weight in all.
	Synapses []float64
	// Reversals make conductances of synapses, nil of none. One whose entry E in mV is not NaN has a
	// conductance g, relative to that of the leak, in the place of the current: it adds g (E - V), and its weights
	// are in ms. Neurons with channels, hh and traub, take g for constant over a step, and V exactly. Others take the
	// current at V before the step for constant, so that step (1 + sum g) has to be well below 2 tau_m.
	Reversals []float64
	// Trains are the steps in which each unit of Trains spikes, in rising order, none twice.
	Trains [][]int64
	// Unrecorded leaves the spikes out of the record.
	Unrecorded bool
}

// Reversal returns the reversal potential of a synapse in mV; false means that it has none.
func (p Population) Reversal(synapse int) (mV float64, ok bool) {
	if len(p.Reversals) == 0 || math.IsNaN(p.Reversals[synapse]) {
		return 0, false
	}
	return p.Reversals[synapse], true
}

// Projection connects the population From to synapse Synapse of the population To. Where all entries have one
// weight and one delay and do not change, what arrives at a unit in a step is the number of spikes times the
// weight, as one number; otherwise it is added up in the order of source and entry.
type Projection struct {
	From, To, Synapse int
	Matrix            *sparse.Matrix // [N of To, N of From], columns in rising order
	Weight            []float64      // mV·ms, of a conductance ms; one for all or one per entry of the matrix
	Delay             []uint16       // steps, at least 1; one for all or one per entry
	// Plasticity changes the weights, nil for those that stay. Every entry then has a weight of its own.
	Plasticity *Plasticity
	// Drawn are entries that are drawn again in each step in the place of a Matrix, nil where that has them.
	Drawn *Drawn
	// Share says what other ranks have where the Matrix, of all rows, has the entries into the units of one rank alone; nil
	// where it has all.
	Share *Share
}

// Counts reports whether what arrives is a number of spikes times the weight.
func (p Projection) Counts() bool {
	if p.Share != nil {
		return p.Share.Counts
	}
	return len(p.Weight) == 1 && len(p.Delay) == 1 && p.Plasticity == nil
}

// Current is a constant current into every unit of a population, in the steps First ≤ n < Last.
type Current struct {
	Population  int
	First, Last int64
	Amplitude   float64
}

// Probe is a unit whose V is recorded after every step.
type Probe struct{ Population, Unit int }

// Spike is a spike of a unit in a step.
type Spike struct {
	Step             int64
	Population, Unit int
}

// CircuitRecord is what was recorded in a stretch of steps.
type CircuitRecord struct {
	Spikes []Spike     // by step, population and unit
	V      [][]float32 // of each probe, after each step
}

// CircuitPlan is a circuit on a device, with its state.
type CircuitPlan interface {
	// Run goes on for so many steps. The spikes do not depend on the number of threads, nor on the
	// stretches that the steps are divided into.
	//
	// Errors: ErrNotFinite, with the population; those of the ranks.
	Run(steps int) (CircuitRecord, error)
	// State returns a copy of the state between two steps.
	State() (*CircuitState, error)
	// SetState goes on from another state, and keeps nothing of it.
	//
	// Errors: ErrShape for a state that is not one of the circuit, or has a number that is not finite;
	// the plan then stays as it was.
	SetState(s *CircuitState) error
}

// Simulator is a Device that runs circuits.
type Simulator interface {
	Device
	// NewCircuit makes a plan. Errors: ErrShape for a circuit that Check refuses; ErrNoDevice for one with entries that
	// are drawn again and again, or of several ranks, on a device that has only others.
	NewCircuit(c *Circuit) (CircuitPlan, error)
	// CircuitBytes returns the most memory that NewCircuit takes for a circuit of a size: of the host, and
	// of a device with memory of its own.
	CircuitBytes(s CircuitSize) (host, device float64)
}

// NewCircuit makes a plan on a device.
//
// Errors: those of Circuit.Check; ErrNoDevice for a device that runs no circuits.
func NewCircuit(d Device, c *Circuit) (CircuitPlan, error) {
	s, ok := d.(Simulator)
	if !ok {
		return nil, fmt.Errorf("kernels: %s runs no circuits; use the CPU or a GPU: %w", d.Name(), ErrNoDevice)
	}
	return s.NewCircuit(c)
}

// MaxDelay is the longest delay in steps.
const MaxDelay = 1 << 15

// Check refuses what is not a circuit, in one line that names the place, and fills in nothing.
//
// Errors: ErrShape; ErrNoDevice in a binary built without cgo.
func (c *Circuit) Check() error {
	if !(c.Step > 0 && c.Step <= 1e3) {
		return circuitError("the step is %g ms, want above 0 and at most 1000", c.Step)
	}
	names := map[string]bool{}
	for _, p := range c.Populations {
		if names[p.Name] || p.Name == "" {
			return circuitError("two populations are named %q, or one has no name; give each a name of its own", p.Name)
		}
		names[p.Name] = true
		if err := c.checkPopulation(p); err != nil {
			return err
		}
	}
	if len(c.Populations) == 0 {
		return circuitError("there is no population, want at least one")
	}
	for i, p := range c.Projections {
		if err := c.checkProjection(i, p); err != nil {
			return err
		}
	}
	for i, q := range c.Currents {
		if !c.neuron(q.Population) || !finite(q.Amplitude) {
			return circuitError("current %d of %g mV goes into population %d, want a finite one into neurons", i, q.Amplitude, q.Population)
		}
	}
	for i, q := range c.Probes {
		if !c.neuron(q.Population) || q.Unit < 0 || q.Unit >= c.Populations[q.Population].N {
			return circuitError("probe %d is at unit %d of population %d, want one of a neuron", i, q.Unit, q.Population)
		}
	}
	return nil
}

func circuitError(format string, args ...any) error {
	return fmt.Errorf("kernels: circuit: "+format+": %w", append(args, ErrShape)...)
}

// finite reports whether a number is finite, also as a float32.
func finite(v float64) bool { return math.Abs(v) <= math.MaxFloat32 }

// neuron reports whether population i is there and no source.
func (c *Circuit) neuron(i int) bool {
	return i >= 0 && i < len(c.Populations) && !c.Populations[i].Source()
}

func (c *Circuit) checkPopulation(p Population) error {
	if p.N < 1 || p.N > 1<<30 {
		return circuitError("population %q has %d units, want 1 to %d", p.Name, p.N, 1<<30)
	}
	if p.Source() {
		return c.checkSource(p)
	}
	if len(neurons.All()) == 0 {
		return fmt.Errorf("kernels: circuit: built without cgo; install gcc and build again with CGO_ENABLED=1: %w", ErrNoDevice)
	}
	n, ok := neurons.Of(p.Header)
	if !ok {
		return circuitError("population %q is of unknown neurons %q", p.Name, p.Header)
	}
	if p.Params != nil && len(p.Params) != len(n.Params) {
		return circuitError("population %q has %d parameters, want the %d of %s", p.Name, len(p.Params), len(n.Params), n.Name)
	}
	for i, v := range p.Params {
		if q := n.Params[i]; !(v >= q.Min && v <= q.Max) {
			return circuitError("population %q: %s is %g %s, want %g to %g", p.Name, q.Name, v, q.Unit, q.Min, q.Max)
		}
	}
	if p.Params != nil && !(p.Params[n.Above] > p.Params[n.Below]) {
		return circuitError("population %q: %s is %g, not above %s, %g", p.Name, n.Params[n.Above].Name, p.Params[n.Above], n.Params[n.Below].Name, p.Params[n.Below])
	}
	if p.Start != nil && len(p.Start) != p.N || slices.ContainsFunc(p.Start, func(v float64) bool { return !finite(v) }) {
		return circuitError("population %q starts from %d potentials, want %d, all finite", p.Name, len(p.Start), p.N)
	}
	for i, tau := range p.Synapses {
		if !(tau >= c.Step && tau <= 1e6) {
			return circuitError("population %q: synapse %d has the time constant %g ms, want the step, %g, to 1e6", p.Name, i, tau, c.Step)
		}
	}
	if n := len(p.Reversals); n > 0 && n != len(p.Synapses) {
		return circuitError("population %q has %d reversal potentials, want none or %d", p.Name, n, len(p.Synapses))
	}
	for i, to := range p.Reversals {
		if math.Abs(to) > 1e4 {
			return circuitError("population %q: synapse %d has the reversal potential of %g mV, want -1e4 to 1e4", p.Name, i, to)
		}
	}
	return nil
}

func (c *Circuit) checkSource(p Population) error {
	if want := map[string]int{Poisson: 1, Regular: 2, Events: 1, Correlated: 3}[p.Header]; len(p.Params) != want {
		return circuitError("population %q has the parameters %v, want %d", p.Name, p.Params, want)
	}
	if p.Header == Events {
		mean := p.Params[0] * c.Step / 1000
		bits := EventBits(mean)
		if bits == 0 {
			return circuitError("population %q has %g events in a step, want 0 to %d", p.Name, mean, MostEvents)
		}
		if p.N%bits != 0 {
			return circuitError("population %q has %d units, want %d for each source", p.Name, p.N, bits)
		}
	} else if most := 1000 / c.Step; p.Header != Trains && !(p.Params[0] >= 0 && p.Params[0] <= most) {
		return circuitError("population %q has the rate %v, want one of 0 to %g Hz, a spike per step", p.Name, p.Params[:1], most)
	}
	if p.Header == Regular && !(p.Params[1] >= 0 && p.Params[1] <= 1e12) {
		return circuitError("population %q spikes first at %g ms, want 0 to 1e12", p.Name, p.Params[1])
	}
	if p.Header == Correlated {
		part, jitter := p.Params[1], p.Params[2]
		if !(part > 0 && part <= 1 && p.Params[0]/part <= 1000/c.Step) {
			return circuitError("population %q has the rate %g Hz and the correlation %g, want one above 0 and at most 1, and a mother process, %g Hz, of at most a spike per step", p.Name, p.Params[0], part, p.Params[0]/part)
		}
		if !(jitter >= 0 && Reach(jitter, c.Step) <= MaxDelay) {
			return circuitError("population %q moves its spikes by %g ms, want 0 ms to %g", p.Name, jitter, MaxDelay*c.Step/5)
		}
	}
	if len(p.Synapses) > 0 || len(p.Reversals) > 0 || p.Start != nil {
		return circuitError("population %q is of sources, which have neither synapses nor a start", p.Name)
	}
	if want := map[bool]int{true: p.N}[p.Header == Trains]; len(p.Trains) != want {
		return circuitError("population %q has %d trains of spikes, want %d", p.Name, len(p.Trains), want)
	}
	for u, train := range p.Trains {
		last := int64(-1)
		for _, step := range train {
			if step <= last {
				return circuitError("population %q: unit %d spikes in step %d behind step %d, want rising steps from 0 on", p.Name, u, step, last)
			}
			last = step
		}
	}
	return nil
}

func (c *Circuit) checkProjection(i int, p Projection) error {
	if p.From < 0 || p.From >= len(c.Populations) || !c.neuron(p.To) {
		return circuitError("projection %d goes from population %d to %d, want one of %d, and one of neurons", i, p.From, p.To, len(c.Populations))
	}
	from, to := c.Populations[p.From], c.Populations[p.To]
	at := fmt.Sprintf("projection %d (%s to %s)", i, from.Name, to.Name)
	if p.Synapse < 0 || p.Synapse >= len(to.Synapses) {
		return circuitError("%s: synapse %d of %d", at, p.Synapse, len(to.Synapses))
	}
	m := p.Matrix
	if m == nil || m.Rows != to.N || m.Cols != from.N || len(m.Start) != m.Rows+1 || m.Start[0] != 0 || int(m.Start[m.Rows]) != len(m.Col) {
		return circuitError("%s: the matrix is not one of [%d,%d]", at, to.N, from.N)
	}
	for r := range m.Rows {
		if m.Start[r] > m.Start[r+1] || int(m.Start[r+1]) > len(m.Col) {
			return circuitError("%s: row %d of the matrix ends before it begins, or behind all entries", at, r)
		}
		last := int32(0)
		for _, j := range m.Row(r) {
			if j < last || int(j) >= m.Cols {
				return circuitError("%s: row %d of the matrix has column %d behind %d, want 0 to %d in rising order", at, r, j, last, m.Cols-1)
			}
			last = j
		}
	}
	if n := len(p.Weight); n != 1 && n != m.Len() || slices.ContainsFunc(p.Weight, func(v float64) bool { return !finite(v / c.Step) }) {
		return circuitError("%s: %d weights, want 1 or %d, all finite", at, n, m.Len())
	}
	if n := len(p.Delay); n != 1 && n != m.Len() && p.Drawn == nil {
		return circuitError("%s: %d delays, want 1 or %d", at, n, m.Len())
	}
	for _, d := range p.Delay {
		if d < 1 || d > MaxDelay {
			return circuitError("%s: a delay of %d steps, want 1 to %d", at, d, MaxDelay)
		}
	}
	if err := c.checkShare(at, p); err != nil {
		return err
	}
	if p.Drawn != nil {
		return p.Drawn.check(at, p, c.Step, from.N)
	}
	if p.Plasticity != nil {
		return p.Plasticity.check(at, c.Step, p.Weight)
	}
	return nil
}

// Decay returns what a step leaves of a synaptic current, and what a weight of 1 adds to it. The area
// of what is added is exactly 1.
func Decay(step, tau float64) (decay, jump float64) {
	return math.Exp(-step / tau), -math.Expm1(-step/tau) / step
}

// Tiny is the magnitude below which a synaptic current becomes 0, before it becomes denormal.
const Tiny = 1e-30
