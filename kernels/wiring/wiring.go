package wiring

import (
	"slices"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/kernels/pages"
	"galvani/kernels/sparse"
)

// Wiring is a circuit in arrays, with the state before its first step.
type Wiring struct {
	Populations []Population
	Synapses    []Synapse
	Projections []Projection
	Plastic     []Plastic // of the projections with weights that change, in their order
	Probes      []Probe
	Workers     int
	Rank, Ranks int       // each rank has a range of the words of every population, and its workers parts of that
	Words       int       // of a row of spikes
	Batch       int       // the shortest delay, at most Stretch: a spike reaches nobody in so many steps
	Apart       int       // words of nothing behind those of each worker, in arrays of the units of a population that it alone uses
	Vars        []float32 // the state: planes, currents and rings
	Weights     []float32
	Ints        []int32
	Bits        []uint64
	Brief       []uint16 // targets of lists
	counts      []int64  // of each population, those of its targets in Vars; -1 without
	dense       bool
	cfg         *kernels.Circuit
	own         []kernels.Projection // with the entries of this rank alone
}

// Population, Synapse, Projection and Probe are the structs of wiring.h.
type (
	Population struct {
		Neuron, Units, First, Words int64
		Synapse, Synapses           int64
		State                       int64
		Consts                      [16]float32
	}
	Synapse struct {
		Current, Ring, Slots int64
		Conductance          int64
		Decay, Reversal      float32
	}
	Projection struct {
		From, To, Synapse, Sources, Cut, Target, Brief, Weight, Weights, Delay, Delays, Counts, Bits int64
	}
	Probe struct{ Population, Unit int64 }
	// Plastic is the struct of plastic.h.
	Plastic struct {
		Projection, Weight           int64
		Row, Source, Entry           int64
		SourceTrace, TargetTrace     int64
		SourceNearest, TargetNearest int64
		Sign, Most                   float32
		SourceDecay, SourceJump      float32
		TargetDecay, TargetJump      float32
		Pre, Post                    [4]float32
	}
)

// The sizes that wiring.h reckons with.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Population{})-120]
	_ = [1]struct{}{}[unsafe.Sizeof(Synapse{})-40]
	_ = [1]struct{}{}[unsafe.Sizeof(Projection{})-104]
	_ = [1]struct{}{}[unsafe.Sizeof(Probe{})-16]
	_ = [1]struct{}{}[unsafe.Sizeof(Plastic{})-128]
)

// New lays a circuit that Check takes out for a number of workers, whose numbers are so many words apart. With dense, a
// projection of which bits take no more memory than lists has bits, and others have brief targets where they can.
func New(cfg *kernels.Circuit, workers, apart int, dense bool) *Wiring {
	w := &Wiring{Workers: workers, Apart: apart, Ranks: 1, Batch: Stretch, dense: dense, cfg: cfg}
	if cfg.Spread() {
		w.Rank, w.Ranks = cfg.Ranks.Rank(), cfg.Ranks.Size()
	}
	for _, p := range cfg.Populations {
		w.addPopulation(p)
	}
	weights, ints, bits, brief := 0, 0, 0, 0
	w.own = make([]kernels.Projection, len(cfg.Projections))
	asBits := make([]bool, len(cfg.Projections))
	for i, p := range cfg.Projections {
		if w.Ranks > 1 && p.Share == nil {
			p = p.Shared(w.Rank, w.Ranks)
		}
		w.own[i] = p
		w.addDelays(p)
		ints += len(p.Delay)
		if asBits[i] = w.hasBits(p); asBits[i] {
			weights++
			_, words := w.bitRow(p)
			bits += p.Matrix.Cols * words
			continue
		}
		ints += (workers + 1) * p.Matrix.Cols
		if w.hasBrief(p) {
			brief += p.Matrix.Len()
		} else {
			ints += p.Matrix.Len()
		}
		if p.Plasticity != nil {
			ints += 2*p.Matrix.Len() + p.Matrix.Rows + 1
		} else {
			weights += len(p.Weight)
		}
	}
	w.Weights, w.Ints, w.Bits = pages.Make[float32](weights)[:0], pages.Make[int32](ints)[:0], pages.Make[uint64](bits)[:0]
	w.Brief = pages.Make[uint16](brief)[:0]
	for i, p := range w.own {
		from := w.addProjection(p, asBits[i])
		if p.Plasticity != nil {
			w.addPlastic(i, p, from)
		}
	}
	for _, p := range w.Populations {
		for k := range w.Synapses[p.Synapse : p.Synapse+p.Synapses] {
			s := &w.Synapses[int(p.Synapse)+k]
			s.Ring = w.reserve(s.Slots * w.Room(p))
		}
	}
	for _, p := range cfg.Probes {
		w.Probes = append(w.Probes, Probe{int64(p.Population), int64(p.Unit)})
	}
	return w
}

// reserve makes n numbers of state, zeros, and returns their offset.
func (w *Wiring) reserve(n int64) int64 {
	at := len(w.Vars)
	w.Vars = slices.Grow(w.Vars, int(n))[:at+int(n)]
	clear(w.Vars[at:])
	return int64(at)
}

// padded returns the units of a population, filled up to words.
func (p Population) padded() int64 { return 64 * p.Words }

// Room returns how many numbers an array of the units of a population has: those of worker k lie 64 Apart k behind those of
// units one after the other, as in a lane.
func (w *Wiring) Room(p Population) int64 { return p.padded() + int64(64*w.Apart*w.Workers) }

func (w *Wiring) addPopulation(p kernels.Population) {
	q := Population{Neuron: -1, Units: int64(p.N), First: int64(w.Words), Words: int64(p.N+63) / 64,
		Synapse: int64(len(w.Synapses)), Synapses: int64(len(p.Synapses))}
	w.Words += int(q.Words)
	if w.Apart > 0 { // each population begins with a cache line
		w.Words = (w.Words + 7) / 8 * 8
	}
	if !p.Source() {
		w.addNeurons(&q, p)
	}
	w.Populations, w.counts = append(w.Populations, q), append(w.counts, -1)
	w.start(len(w.Populations)-1, p)
	for k, tau := range p.Synapses {
		decay, _ := kernels.Decay(w.cfg.Step, tau)
		s := Synapse{Current: w.reserve(w.Room(q)), Slots: 1, Decay: float32(decay)}
		if to, ok := p.Reversal(k); ok {
			s.Conductance, s.Reversal = 1, float32(to)
		}
		w.Synapses = append(w.Synapses, s)
	}
}

// addNeurons gives a population its constants and its planes.
func (w *Wiring) addNeurons(q *Population, p kernels.Population) {
	n, _ := neurons.Of(p.Header) // Check has found it
	params := p.Params
	if params == nil {
		params = n.Defaults()
	}
	for k, v := range n.Prepare(w.cfg.Step, params) {
		q.Consts[k] = float32(v)
	}
	q.Neuron, q.State = int64(n.Number()), w.reserve(w.Room(*q)*int64(len(n.Planes)))
	for k, plane := range n.Planes {
		at := w.Vars[q.State+int64(k)*w.Room(*q):][:w.Room(*q)]
		for u := range at {
			at[u] = float32(plane.Start)
		}
	}
}

// start gives the units of population i the potentials they start from, where each has its own.
func (w *Wiring) start(i int, p kernels.Population) {
	if len(p.Start) == 0 {
		return
	}
	v := make([]float32, len(p.Start))
	for u, x := range p.Start {
		v[u] = float32(x)
	}
	w.lane(i, w.Populations[i].State).set(v)
}

// addDelays takes in the longest and the shortest delay of a projection, on every rank those of all entries.
func (w *Wiring) addDelays(p kernels.Projection) {
	s := &w.Synapses[w.Populations[p.To].Synapse+int64(p.Synapse)]
	if shortest, longest := p.Delays(); longest > 0 {
		s.Slots, w.Batch = max(s.Slots, int64(longest)), min(w.Batch, shortest)
	}
}

// addProjection returns for each entry by its source the number of that of the matrix, nil where bits say it.
func (w *Wiring) addProjection(p kernels.Projection, asBits bool) (from []int32) {
	to := w.Populations[p.To]
	q := Projection{From: int64(p.From), To: int64(p.To), Synapse: to.Synapse + int64(p.Synapse), Sources: int64(p.Matrix.Cols), Target: -1, Brief: -1, Counts: -1, Bits: -1}
	if p.Counts() {
		q.Counts = w.countsOf(p.To)
	}
	if asBits {
		first, words := w.bitRow(p)
		at := len(w.Bits)
		q.Bits, w.Bits = int64(at), w.Bits[:at+p.Matrix.Cols*words]
		setBits(w.Bits[at:], p.Matrix, first, words)
	} else {
		from = w.addLists(&q, p)
	}
	_, jump := kernels.Decay(w.cfg.Step, w.cfg.Populations[p.To].Synapses[p.Synapse])
	q.Weight = int64(len(w.Weights))
	if p.Plasticity != nil {
		q.Weights = 1 // in the state
	} else if len(p.Weight) == 1 {
		w.Weights = append(w.Weights, float32(p.Weight[0]*jump))
	} else {
		q.Weights = 1
		w.Weights = w.Weights[:len(w.Weights)+len(from)] // New has made room
		taken(w.Weights[q.Weight:], from, func(k int32) float32 { return float32(p.Weight[k] * jump) })
	}
	q.Delay = int64(len(w.Ints))
	if len(p.Delay) == 1 {
		w.Ints = append(w.Ints, int32(p.Delay[0]))
	} else {
		q.Delays = 1
		w.Ints = w.Ints[:len(w.Ints)+len(from)]
		taken(w.Ints[q.Delay:], from, func(k int32) int32 { return int32(p.Delay[k]) })
	}
	w.Projections = append(w.Projections, q)
	return from
}

// taken fills in what the entries from have, in their order.
func taken[T any](out []T, from []int32, of func(entry int32) T) {
	kernels.InChunks(len(from), func(lo, hi int) {
		for at, k := range from[lo:hi] {
			out[lo+at] = of(k)
		}
	})
}

// addLists lays out the targets of each source.
func (w *Wiring) addLists(q *Projection, p kernels.Projection) (from []int32) {
	by, from := p.Matrix.Transpose()
	q.Cut = int64(len(w.Ints))
	lo, hi := w.words(p.To, w.Rank)
	for k := range w.Workers + 1 {
		first := int32(64 * (lo + (hi-lo)*k/w.Workers))
		for j := range by.Rows {
			at, _ := slices.BinarySearch(by.Row(j), first)
			w.Ints = append(w.Ints, by.Start[j]+int32(at))
		}
	}
	if w.hasBrief(p) {
		q.Brief = int64(len(w.Brief))
		for _, i := range by.Col {
			w.Brief = append(w.Brief, uint16(i))
		}
		return from
	}
	q.Target = int64(len(w.Ints))
	w.Ints = append(w.Ints, by.Col...)
	return from
}

// hasBrief reports whether a projection that has no bits has its targets in 16 bits: where nothing but their numbers of
// spikes is asked for, and there are no more units.
func (w *Wiring) hasBrief(p kernels.Projection) bool {
	return w.dense && p.Counts() && p.Matrix.Rows <= 1<<16
}

// countsOf returns where the spikes that arrive at the units of a population are counted.
func (w *Wiring) countsOf(population int) int64 {
	if w.counts[population] < 0 {
		w.counts[population] = w.reserve(w.Room(w.Populations[population]))
	}
	return w.counts[population]
}

// hasBits reports whether a projection is laid out as bits: where no target has two entries from one source,
// and an entry takes no fewer than the 32 bits of a list's.
func (w *Wiring) hasBits(p kernels.Projection) bool {
	m := p.Matrix
	lo, hi := w.units(p.To, w.Rank)
	if !w.dense || !p.Counts() || float64(m.Len()) < float64(m.Cols)*float64(64*((hi-lo)/64+4))/32 {
		return false
	}
	for i := range m.Rows {
		row := m.Row(i)
		for k := 1; k < len(row); k++ {
			if row[k] == row[k-1] {
				return false
			}
		}
	}
	return true
}

// bitRow returns the first word of the targets that a row of bits is about, and the words of a row.
func (w *Wiring) bitRow(p kernels.Projection) (first, words int) {
	lo, hi := w.words(p.To, w.Rank)
	return lo, hi - lo + 3
}

// setBits sets a bit for each entry of a matrix, in so many words of each column, from word first of its rows on.
func setBits(out []uint64, m *sparse.Matrix, first, words int) {
	kernels.InChunks(m.Len(), func(lo, hi int) { // parts of the rows, each from one of a new word on
		row := func(entry int) int {
			i, _ := slices.BinarySearch(m.Start[:m.Rows], int32(entry))
			return min((i+63)/64*64, m.Rows)
		}
		for i, end := row(lo), row(hi); i < end; i++ {
			bit := uint64(1) << (i % 64)
			for _, j := range m.Row(i) {
				out[int(j)*words+i/64-first] |= bit
			}
		}
	})
}
