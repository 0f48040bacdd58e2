package kernels

import (
	"fmt"
	"slices"
)

// Program is a network of layers that is stepped in time, for N patterns at once: arrays of units, weights between
// them, and the operations of one step in order. Each device runs it as it is: a rule of learning is a list of
// operations, no kernel of its own.
type Program struct {
	N       int // patterns
	Arrays  []ProgramArray
	Weights []ProgramWeight
	// Answer are the operations of a step without target, Learn those of one that changes the weights.
	Answer, Learn []ProgramOp
}

// ProgramArray is one number for each pattern and unit.
type ProgramArray struct {
	Name  string
	Units int
	Kept  bool // the caller reads or writes it between runs, or a run finds there what the last one left
	Rest  float64
}

// ProgramWeight is a matrix [M,K] from K units to M, or with K 1 a vector of biases.
type ProgramWeight struct {
	M, K   int
	Traced bool // its changes are low-passed
}

// None stands for an array or weight that an operation does not have.
const None = -1

// ProgramKind says what an operation does.
type ProgramKind int

// In what follows f0, f1 and f2 are the arrays From, b0, b1 and b2 the numbers By, φ the function Phi, and an array that
// is None counts as 0.
const (
	// Follow makes To += Part (f0 − To); with a Part of 1 it copies.
	Follow ProgramKind = iota
	// Product makes To = f1 + W f0 + Bias.
	Product
	// Back makes To = W' f0, times the slope of φ where the rate is f1 unless that is None.
	Back
	// Soma moves potentials by in = b0 f0 + b1 f1 + b2 f2: To += Part (in − Total To). Also becomes in / Total where
	// Ahead is set, and To elsewhere. With W and Bias, vectors of time constants, Part is one of time: To goes on by
	// Part/W of the way, and Also becomes q in / Total + (1 − q) To, with the To of before and q = Bias/W; time constants
	// below Part count as Part.
	Soma
	// Rate makes To = φ(b0 f0).
	Rate
	// Error makes To = Scale f2 (b0 f0 + b1 φ(b2 f1)); f2 has one unit, and is 1 where it is None. With Learning it is
	// multiplied by the learning rate.
	Error
	// Learn adds to W the sum over patterns of f0 f1', and to Bias that of f0. Where W is traced, its trace goes by Part
	// towards that sum, and Scale times the learning rate times the trace is added.
	Learn
	// Times makes To = Scale f0 (b1 f1 + b2 f2). With Learning it is multiplied by the learning rate.
	Times
	// Emit lets units fire at rates f0 (Spikes): Also is what they fire in this step, To what arrives of earlier steps,
	// both as rates.
	Emit
	// Jitter adds b0 times a coarse Gaussian number (random.Stream.Normal4) to To, and the same to Also; the numbers are
	// those of Spikes.
	Jitter
	// Tick counts a step in To: its first unit goes up by 1, and at 2²⁴ to 0 while the second goes up.
	Tick
)

// Function is the rate of a unit as a function of its potential.
type Function int

// Functions. SoftRectifier is 0.1 log(1 + exp(x − 3)).
const (
	Unchanged Function = iota
	ReLU
	Tanh
	Sigmoid
	Softplus
	SoftRectifier
)

// ProgramOp is one operation of a step.
type ProgramOp struct {
	Kind            ProgramKind
	W, Bias         int // weights
	To, Also        int // arrays
	From            [3]int
	By              [3]float64
	Total, Part     float64
	Scale           float64
	Phi             Function
	Ahead, Learning bool
	Spikes          *Spikes // of Emit and Jitter
}

// Spikes says how the units of an operation fire: each is Size neurons, which fire independently of each other, Mean times
// its rate times in a step on average and not in the Refractory steps behind a spike. A spike arrives Delay steps later.
// Spikes over Mean and Size are a rate. With a Mean of 0 there are rates alone, and these are delayed. What unit u of
// pattern n draws in a step is number n·units + u of the stream of the clock within Key: without Refractory a Poisson
// number, else a binomial one of the neurons that are not silent (package random). Every device draws the same.
type Spikes struct {
	Mean              float64
	Size              int
	Refractory, Delay int    // steps
	History           int    // array of Slots() times as many units
	Clock             int    // array of two units that Tick counts in
	Key               uint64 // of the stream of random numbers
}

// Slots returns how many steps the history holds.
func (s *Spikes) Slots() int { return max(s.Refractory, s.Delay) + 1 }

// Draws reports whether operations draw or delay spikes.
func (p *Program) Draws() bool {
	return slices.ContainsFunc(slices.Concat(p.Answer, p.Learn), func(o ProgramOp) bool { return o.Kind >= Emit })
}

// NewOp returns an operation that names no arrays and no weights but its result.
func NewOp(kind ProgramKind, to int) ProgramOp {
	return ProgramOp{Kind: kind, W: None, Bias: None, To: to, Also: None, From: [3]int{None, None, None}, Scale: 1}
}

// Stepper is a Device that runs programs.
type Stepper interface {
	Device
	// NewProgram allocates a program in float32.
	//
	// Errors: ErrShape for operations on arrays and weights that do not fit.
	NewProgram(p *Program) (ProgramPlan[float32], error)
}

// ProgramPlan runs one program again and again in its own buffers.
type ProgramPlan[F Float] interface {
	// Run does steps of Answer, or with learn of Learn at a learning rate per step, with weights in the order of the
	// program, which Learn changes.
	Run(learn bool, steps int, rate float64, weights [][]F) error
	// Array returns kept array i, [N,units], which the next Run reads and writes.
	Array(i int) []F
	// Trace returns the low-passed change of weight i, nil where it is not traced.
	Trace(i int) []F
}

// Work returns how many multiply-adds the products of a step of Learn have.
func (p *Program) Work() (n int) {
	for _, o := range p.Learn {
		if o.Kind == Product || o.Kind == Back || o.Kind == Learn {
			n += p.N * p.Weights[o.W].M * p.Weights[o.W].K
		}
	}
	return n
}

// Check refuses operations on arrays and weights that do not fit.
//
// Errors: ErrShape.
func (p *Program) Check() error {
	for _, list := range [][]ProgramOp{p.Answer, p.Learn} {
		for i, o := range list {
			if !p.fits(o) {
				return fmt.Errorf("kernels: program: operation %d does not fit its arrays: %+v: %w", i, o, ErrShape)
			}
		}
	}
	return nil
}

// CheckWeights refuses weights that are not as many or as large as those of a program.
//
// Errors: ErrShape.
func CheckWeights[F Float](p *Program, weights [][]F) error {
	if len(weights) != len(p.Weights) {
		return fmt.Errorf("kernels: program: %d weights, want %d: %w", len(weights), len(p.Weights), ErrShape)
	}
	for i, w := range weights {
		if s := p.Weights[i]; len(w) != s.M*s.K {
			return fmt.Errorf("kernels: program: weight %d has %d elements, want %d x %d: %w", i, len(w), s.M, s.K, ErrShape)
		}
	}
	return nil
}

// vector reports whether a weight is there and holds a number for each of some units.
func (p *Program) vector(i, units int) bool {
	return i >= 0 && i < len(p.Weights) && p.Weights[i] == ProgramWeight{M: units, K: 1}
}

// fits reports whether arrays and weights of an operation are there and have the units that it needs.
func (p *Program) fits(o ProgramOp) bool {
	units := func(i int) int { // 0 for none, negative for one that is not there
		switch {
		case i == None:
			return 0
		case i < 0 || i >= len(p.Arrays):
			return -1
		}
		return p.Arrays[i].Units
	}
	is := func(i, n int) bool { return units(i) == n }
	or := func(i, n int) bool { return i == None || is(i, n) }
	n := units(o.To)
	if o.Kind != Learn && n < 1 {
		return false
	}
	switch o.Kind {
	case Product, Back, Learn:
		if o.W < 0 || o.W >= len(p.Weights) || o.Bias != None && !p.vector(o.Bias, p.Weights[o.W].M) {
			return false
		}
	}
	switch o.Kind {
	case Follow, Rate:
		return is(o.From[0], n)
	case Product:
		w := p.Weights[o.W]
		return n == w.M && is(o.From[0], w.K) && or(o.From[1], n)
	case Back:
		w := p.Weights[o.W]
		return n == w.K && is(o.From[0], w.M) && or(o.From[1], n)
	case Soma:
		return is(o.Also, n) && is(o.From[0], n) && or(o.From[1], n) && or(o.From[2], n) && (o.W == None && o.Bias == None || p.vector(o.W, n) && p.vector(o.Bias, n))
	case Times:
		return is(o.From[0], n) && is(o.From[1], n) && or(o.From[2], n)
	case Error:
		return or(o.From[0], n) && or(o.From[1], n) && or(o.From[2], 1)
	case Learn:
		w := p.Weights[o.W]
		return is(o.From[0], w.M) && is(o.From[1], w.K)
	case Emit, Jitter:
		s := o.Spikes
		if s == nil || !is(s.Clock, 2) || !or(o.Also, n) {
			return false
		}
		return o.Kind == Jitter || s.Size > 0 && is(o.From[0], n) && is(s.History, n*s.Slots())
	case Tick:
		return n == 2
	}
	return false
}
