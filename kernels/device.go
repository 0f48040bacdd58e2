package kernels

import (
	"errors"
	"fmt"

	"galvani/kernels/cells"
	"galvani/kernels/compartments"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Sentinels for the kinds of failure that a caller acts on.
var (
	// ErrShape means that a tensor does not have the shape that the operation needs.
	ErrShape = errors.New("shape mismatch")
	// ErrNoDevice means that the device asked for is not usable here.
	ErrNoDevice = errors.New("no such device")
	// ErrLost means that the hardware failed while it was in use: memory errors, a lost link,
	// a time-out. The same work may succeed later, or elsewhere.
	ErrLost = errors.New("device lost")
	// ErrFault means that a kernel did what it must not, such as reading outside its arrays.
	// It is a fault of this program; the device is usable again in a new process.
	ErrFault = errors.New("device fault")
	// ErrNotFinite means that a state, a loss or a gradient holds a number that is not finite.
	ErrNotFinite = errors.New("not finite")
)

// Device is a place where scans run. It is a value that is passed down; there is no current
// device. Implementations are safe for use by one goroutine at a time.
type Device interface {
	// Name identifies device and instruction set, e.g. "cpu avx512 x2".
	Name() string
	// NewScan allocates a scan of fixed shape.
	NewScan(cfg ScanConfig) (ScanPlan, error)
	// NewLinear allocates y = x·Wᵀ + b for x [N,K], W [M,K].
	NewLinear(cfg LinearConfig) (LinearPlan, error)
	// NewWeights allocates weights that are made of stored ones.
	NewWeights(cfg WeightsConfig) (WeightsPlan, error)
	// Close releases the device's memory and threads.
	Close() error
}

// Planner is a Device that computes in the memory of the process and can say beforehand how much a
// scan will take.
type Planner interface {
	Device
	// ScanBytes returns what NewScan takes, in bytes.
	// Errors: those of NewScan.
	ScanBytes(cfg ScanConfig) (int64, error)
}

// Cell is the part of a model that the fused scan needs.
type Cell struct {
	// Header names kernels/cells/<Header>.h; "" for a cell without one, which has the unrolled graph alone.
	Header string
	// States is the number S of state planes; plane 0 is h.
	States int
	// Rest is the value each plane starts from, length S.
	Rest []float64
	// Consts are the scalars of the header, in its order.
	Consts []float64
	// Axial is the graph of the axial coupling, nil for cells without one.
	Axial *Axial
	// Neuron is a neuron of compartments, which takes the place of header, constants and coupling.
	// Its parameters have the role Named, and its state is one of Neuron.Units units.
	Neuron *compartments.Neuron
	// Shown is the plane that is h: 0 but for a neuron, whose Record says the same.
	Shown int
}

// Plane is one plane of the state of a cell, as its header declares it.
type Plane = cells.Plane

// Planes returns the planes of the state. It needs no C compiler. Those of a cell without a header are h, s1, s2 and so on.
//
// Errors: a header that is not there.
func (c Cell) Planes() ([]Plane, error) {
	if c.Neuron != nil {
		return neuronPlanes(c.Neuron), nil
	}
	if c.Header == "" {
		planes := []Plane{{Name: "h", Unit: "1", Doc: "output of the unit"}}
		for k := 1; k < c.States; k++ {
			planes = append(planes, Plane{Name: fmt.Sprintf("s%d", k), Unit: "1", Doc: fmt.Sprintf("plane %d of the state", k)})
		}
		return planes, nil
	}
	t, err := cells.TablesOf(c.Header)
	return t.Planes, err
}

// Axial is an undirected graph over the H units: edge e joins I[e] and J[e].
type Axial struct{ I, J []int32 }

// ScanConfig fixes everything about a scan but the numbers.
type ScanConfig struct {
	Cell       Cell
	T, B, I, H int
	Dtype      tensor.Dtype // tensor.Float32 or tensor.Float64
	// Params are the cell's rows of the parameter table in the header's order:
	// In matrices, Rec matrices, Vec vectors, Edge conductances. Only rows with Learned set
	// get a gradient.
	Params []Spec
	// Last makes the output h of the last step [B,H] instead of all steps [T·B,H].
	Last bool
	// KeepGradH keeps the gradient of every h for ScanPlan.GradH.
	KeepGradH bool
	// GradX and GradState ask Backward for the gradients of x and of the first state besides.
	GradX, GradState bool
	// Masked says that a mask [T,B] is given: where it is 0 the state is held. Other values,
	// which are positive, are lengths of steps to cells that can do with different ones and are
	// set to it in their Consts (NAME_ELAPSED in kernels/cells/shared/cell.h), and 1 to all others.
	Masked bool
	// Memory is how many bytes the plan may keep for Backward, 0 for no limit. Beyond it
	// hidden states are recomputed from the borders of segments, with the same bits. What
	// is asked for comes on top: h of all steps without Last, gradients with KeepGradH.
	// Too little for any division into segments is ErrMemory.
	Memory int64
	// ForwardOnly says that no Backward follows: the plan keeps as little as it can.
	ForwardOnly bool
	// Noise is added to x and to its products with the input matrices.
	Noise Noise
}

// ScanArgs are the values of one run. Mask is nil unless configured.
type ScanArgs struct {
	X      gorgonia.Value   // [T,B,I]
	State  gorgonia.Value   // [S,B,H], the carried state; [S,B,U] of a neuron
	Mask   gorgonia.Value   // [T,B]
	Params []gorgonia.Value // in the order of ScanConfig.Params
	Draw   NoiseDraw        // of ScanConfig.Noise
}

// ScanPlan runs one scan of fixed shape again and again in its own buffers.
type ScanPlan interface {
	// Forward runs all T steps and returns h, [T·B,H] or [B,H] (ScanConfig.Last). The
	// storage belongs to the plan and stays valid until the next Forward.
	Forward(a ScanArgs) (gorgonia.Value, error)
	// Backward follows a Forward with the same arguments. dh has the shape of its result.
	// It returns the gradients of the learned parameters, packed in their order, and behind them
	// those of x [T,B,I] with ScanConfig.GradX and of the first state [S,B,H] with GradState.
	Backward(a ScanArgs, dh gorgonia.Value) (gorgonia.Value, error)
	// H returns all hidden states [T,B,H] of the last Forward, as a view. Where they did not
	// fit ScanConfig.Memory it computes them again, from inputs that must not have changed.
	H() gorgonia.Value
	// Final returns the state [S,B,H], of a neuron [S,B,U], after the last step of the last Forward, as a view.
	Final() gorgonia.Value
	// GradH returns the gradients [T,B,H] of all hidden states in the last Backward, as a
	// view, or nil without ScanConfig.KeepGradH.
	GradH() gorgonia.Value
}

// LinearConfig fixes the shapes of y [N,M] = x [N,K]·Wᵀ + b, W [M,K], b [M].
type LinearConfig struct {
	N, K, M int
	Dtype   tensor.Dtype
	// Given says that nobody asks for the gradient of x, and Fixed for those of W and b: Backward leaves
	// them out and returns nil in their place.
	Given, Fixed bool
}

// LinearPlan runs one affine map of fixed shape in its own buffers.
type LinearPlan interface {
	Forward(x, w, b gorgonia.Value) (gorgonia.Value, error)
	// Backward returns dx [N,K] = dy·back, with w [M,K] or other weights for back, and the packed
	// gradient [M·K + M] of w and b.
	Backward(x, back, dy gorgonia.Value) (dx, dparams gorgonia.Value, err error)
}

// Sequence is what a network reads at each run: tensors whose storage the caller refills
// in place between runs.
type Sequence struct {
	T, B, I int
	Every   bool          // outputs at every step instead of the last
	GradH   bool          // keep the gradients of all hidden states for Graded.GradH
	X       *tensor.Dense // [T,B,I]
	State   *tensor.Dense // [S,B,H]
	// XFrom is a node of the graph that computes x as rows [T·B,I], as a scan below does, and
	// StateFrom one of the first state [S,B,H]. They take the place of X and State, and the gradient
	// reaches them; nil for what is read from the tensors.
	XFrom, StateFrom *gorgonia.Node
	Mask             *tensor.Dense // [T,B] or nil
	// MaskFrom is a node of the graph that computes the mask as rows [T·B,1], in the place of Mask; no gradient reaches it.
	MaskFrom *gorgonia.Node
	// Place returns what stands for one of these tensors in graphs on a Resident device; nil
	// is the tensor itself.
	Place func(*tensor.Dense) gorgonia.Value
	// Memory and ForwardOnly are those of ScanConfig.
	Memory      int64
	ForwardOnly bool
	// Update returns the seed of the run and the number of updates before this one, for networks that
	// draw numbers at every update; nil gives them 0 and 0.
	Update func() (seed, number uint64)
	// Noise says that networks with noise have it in this sequence, and those with dropout that, too, unless it is
	// ForwardOnly. First tells which sequence of the update is the first of the batch; nil for 0.
	Noise bool
	First func() int
	// Begins says that sequences begin here: a network that learns its first state starts from that, and not
	// from State.
	Begins bool
	// Rates is the penalty on h of every layer; nil for none.
	Rates *RatePenalty
	// Within computes the steps of integration of a neuron where the unrolled graph would have too many; nil to refuse them.
	Within Device
}

// Placed returns what stands for a tensor of the sequence in a graph; nil for nil.
func (s Sequence) Placed(t *tensor.Dense) gorgonia.Value {
	switch {
	case t == nil:
		return nil
	case s.Place != nil:
		return s.Place(t)
	}
	return t
}
