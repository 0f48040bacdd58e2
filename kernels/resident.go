package kernels

import (
	"fmt"

	"galvani/kernels/optimisers"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Resident is a Device with memory of its own. The values of graphs on it are arrays there:
// a gorgonia.Value whose Data waits for all queued work and returns a copy as a []float32.
// Work is queued in order, and a call returns before its work is done unless it says that it
// waits. A failure of queued work is returned by the next call that waits, and by all calls
// after it.
//
// Only float32 is there.
type Resident interface {
	Device
	// Mirror gives a host tensor its counterpart on the device, with the same elements.
	Mirror(host *tensor.Dense) (Mirror, error)
	// NewLoss allocates a loss of fixed shape.
	NewLoss(cfg LossConfig) (LossPlan, error)
	// NewRows allocates what stands between scans or adds to the loss. What it computes has the bits of the host but for the
	// order of sums in float64.
	NewRows(cfg RowsConfig) (Composite, error)
	// NewUpdate allocates the last part of a training step.
	NewUpdate(cfg UpdateConfig) (UpdatePlan, error)
	// Fork returns the same device with an account of its own: closing the fork releases what
	// was allocated through it and nothing else. Work of all forks is queued in one order.
	Fork() (Resident, error)
	// NewSamples keeps n samples on the device.
	NewSamples(n int, fields []SampleField) (Samples, error)
	// Wait waits for all queued work.
	Wait() error
	// Usage tells how much device memory is in use.
	Usage() Usage
}

// Prober is a device that can be asked what it costs that its parts hear of each other.
type Prober interface {
	// Signals names the ways.
	Signals() []string
	// Rounds prepares signal i, and returns what does n rounds of it and waits for them.
	Rounds(i int) (func(n int) error, error)
}

// Usage is an account of device memory, in bytes.
type Usage struct {
	InUse, High int64 // by this Device: now, and at most so far
	Free, Total int64 // of the hardware, when last asked for
}

// Mirror is a host tensor and its counterpart on a device.
type Mirror interface {
	// View returns elements from offset on as a value of a graph on the device.
	View(offset int, shape ...int) gorgonia.Value
	// Push queues a copy of the host tensor to the device. The host tensor may be changed as
	// soon as Push returns.
	Push() error
	// Pull waits for all queued work and copies the device's elements to the host tensor.
	Pull() error
	// Copy queues a copy of a value on the device to the mirror's own elements there from offset on;
	// the host tensor stays as it is.
	//
	// Errors: ErrShape where the value does not fit there.
	Copy(offset int, v gorgonia.Value) error
}

// SampleField is one array of all samples, [N,T,W], and the mirror [T,B,W] that takes it for
// those of a batch.
type SampleField struct {
	To      Mirror
	T, B, W int
	From    []float32
}

// Samples are the samples of a data set, kept on a device.
type Samples interface {
	// Take queues the copy of sample index[b] to column b of every mirror's side on the
	// device, zeros where index[b] is negative. Index has B elements and may be changed as
	// soon as Take returns.
	Take(index []int32) error
}

// LossKind names a loss; see CrossEntropy and MeanSquare.
type LossKind int

const (
	SoftmaxCrossEntropy LossKind = iota
	MeanSquaredError
)

// LossConfig fixes the shape of a loss over predictions [N,O].
type LossConfig struct {
	Kind LossKind
	N, O int
}

// LossPlan runs one loss of fixed shape in its own buffers. Targets are class labels [N] or
// values [N,O], weights are [N].
type LossPlan interface {
	// Forward returns the mean loss, a scalar. The value implements Measured.
	Forward(x, target, weight gorgonia.Value) (gorgonia.Value, error)
	// Backward follows a Forward with the same arguments and returns grad times the gradient
	// of the predictions, [N,O].
	Backward(x, target, weight gorgonia.Value, grad float64) (gorgonia.Value, error)
}

// Measured is a loss that knows what it was made of.
type Measured interface {
	// Sums waits, and returns what the loss is the mean of.
	// Errors: a label that is no class.
	Sums() (LossSums, error)
}

// LossSums are the sums behind a mean loss.
type LossSums struct {
	Loss, Weight   float64 // Σ w·loss, Σ w
	Correct, Count int     // classes found, targets that count; 0 without classes
}

// Rule is an optimiser with its settings, and Coefs are the factors of one of its updates.
type (
	Rule  = optimisers.Rule
	Coefs = optimisers.Coefs
)

// Part is a run of elements of a flat parameter vector. Parts follow each other from element 0 on.
type Part struct {
	Len    int
	Decays bool // weight decay acts on it
	Clip   Clipping
	Alone  bool // the limit is on its own norm, not on that of all counted parts
}

// CountedLen returns the number of elements that the norm of a gradient is made of. Counted parts come first.
//
// Errors: ErrShape for a counted part behind another.
func CountedLen(parts []Part) (int, error) {
	n, ended := 0, false
	for _, p := range parts {
		if p.Clip != Counted {
			ended = true
			continue
		}
		if ended {
			return 0, fmt.Errorf("kernels: update: a part of the norm of the gradient comes behind one that is none: %w", ErrShape)
		}
		n += p.Len
	}
	return n, nil
}

// Span bounds a run of elements of a flat parameter vector to [Lo,Hi].
type Span struct {
	Offset, Len int
	Lo, Hi      float32
}

// UpdateConfig fixes the last part of a training step: clip the gradient, update, project.
type UpdateConfig struct {
	Rule    Rule
	Clip    float64  // largest norm of the gradient, 0 for none
	Learned int      // elements that are updated: the first of Params
	Params  Mirror   // flat
	Slots   []Mirror // [Learned] each, in the order of Rule.Slots
	Bounds  []Span
	Parts   []Part // Learned elements in all; nil for one part that decays
}

// UpdatePlan makes updates on the device. Once an update failed (Report.State), no later one
// changes a parameter or a slot.
type UpdatePlan interface {
	// Gather queues the copy of a gradient into one vector. Its pieces follow each other in the
	// order of the flat parameters; loss is the value of the run that they belong to, and terms are those of
	// its penalties (Penalising.Terms), as many each time.
	Gather(grads []gorgonia.Value, loss gorgonia.Value, terms ...gorgonia.Value) error
	// NewSums prepares sums of gradients, with so many levels, in the place of what Gather takes.
	NewSums(levels int) (GradientSums, error)
	// Apply queues update number step with the gradient that is in place.
	Apply(lr float64, step int) error
	// Reports returns what the updates since the last call tell, in order: with wait of all
	// that were queued, otherwise of those that happen to be done.
	Reports(wait bool) ([]Report, error)
	// Capacity is the number of updates that may be queued between two calls of Reports.
	Capacity() int
}

// GradientSums adds gradients on the device. A level is a vector [Learned]; level 0 is the gradient of Apply. The numbers are
// those of the same additions and products in host memory, to the bit.
type GradientSums interface {
	// Put queues a gradient, in pieces as Gather takes them, times a weight, to a level; without pieces zeros.
	Put(level int, grads []gorgonia.Value, weight float64) error
	// Add queues the addition of the level behind to a level.
	Add(level int)
	// Read waits, and copies level 0 to dst. Write queues a copy of src, which may be changed as soon as it returns, to level 0.
	Read(dst []float32) error
	Write(src []float32) error
	// On waits, and calls f on the thread of the device with level 0 and room for as many numbers. Both are addresses of
	// its memory, of which nothing but a library that takes such may read or write an element. Add adds the elements
	// [lo,hi) of room to those of level 0, and waits.
	//
	// Errors: those of f, and of the device.
	On(f func(x, room []float32, add func(lo, hi int) error) error) error
	// Mean queues the division of level 0 by the weight of a loss of these sums, whose gradient it then is.
	Mean(sums LossSums) error
}

// Report tells of one update.
type Report struct {
	Step int
	LossSums
	GradNorm  float64       // before clipping
	Penalised PenaltyValues // sums of the terms of Gather
	State     UpdateState
}

// UpdateState says whether an update was made.
type UpdateState int

const (
	Updated      UpdateState = iota
	BadGradient              // the loss or the gradient's norm is not finite
	BadParameter             // the update makes a parameter or slot not finite; the parameters are as before
	BadLabel                 // a label is no class
)
