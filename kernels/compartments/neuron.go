package compartments

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"galvani/kernels/sparse"
)

// ErrNeuron marks a description that is of no neuron.
var ErrNeuron = errors.New("bad neuron")

// Neuron is a neuron of compartments with ion channels and synapses, as data: what a scan runs in place
// of the header of a cell. Of unit u it is
//
//	C dV_u/dt = g_L (E_L − V_u) + Σ_v g_uv (V_v − V_u) + Σ_c g_c (E_c − V_u) + Σ_s g_s (E_s − V_u) + I_u
//	g_c = density · area · Π gate^power,   dx/dt = (x∞(V) − x)/τ_x(V) for each gate x
//
// A step of Dt ms first takes every gate to its value at the end, with V of the beginning, by the exact
// solution for that V (exponential Euler); then V, for all units of the tree at once, with conductances
// as they are now (backward Euler; with Second the trapezoidal rule, which with gates half a step behind
// makes the scheme one of second order); then calcium. A step of the scan is Substeps of these, with x
// held, and h is V.
//
// Arithmetic is in mV, ms, nA, µS and nF; densities are S/cm², areas µm², capacities µF/cm².
//
// Sources: Hodgkin and Huxley (1952), doi:10.1113/jphysiol.1952.sp004764, for channels; Hines (1984),
// doi:10.1016/0020-7101(84)90008-4, for the solver.
type Neuron struct {
	Dt       float64 // ms
	Substeps int
	Second   bool
	// Each says that every row of the batch has parameters of its own: those of the table have a
	// leading dimension B.
	Each bool
	Tree sparse.Tree // of the units
	Area []float64   // [U], µm²; 0 of a node where sections meet, which has no membrane
	// Capacity, Leak and Rest are of units: µF/cm², S/cm² and mV. Axial is of edges of the tree, µS.
	Capacity, Leak, Rest, Axial Quantity
	Channels                    []Channel
	Calcium                     *Calcium // nil for none
	Receptors                   []Receptor
	Inputs                      []Input
	// Record are what h shows, H in all: plane·U + unit of the state, which is V for plane 0; nil for V of
	// all U units, and then H = U.
	Record []int32
	// Base has for each parameter that is learned as a factor of itself the numbers at first: element e
	// means Base[p][e]·exp(parameter). Nil, also for one parameter, is for parameters that are the numbers.
	Base [][]float64
}

// Quantity is a number of each unit, edge or channel: element Index[u] of parameter Param of
// the scan, or element 0 of it where Index is nil. Param below 0 stands for Value.
type Quantity struct {
	Value float64
	Param int
	Index []int32
}

// Element returns which element of its parameter a place has.
func (q Quantity) Element(place int) int {
	if q.Index == nil {
		return 0
	}
	return int(q.Index[place])
}

// Fixed is a quantity that is no parameter.
func Fixed(v float64) Quantity { return Quantity{Value: v, Param: -1} }

// Channel is one kind of ion channel.
type Channel struct {
	Name     string
	Units    []int32  // that have it, in rising order
	Density  Quantity // S/cm², Index by place in Units
	Reversal Quantity // mV, of the whole channel: Index, where there is one, has one place
	Gates    []Gate
	Calcium  bool // its current fills the pool
}

// Gate is a variable of a channel between 0 and 1; the channel opens with its Power. Each has a plane
// of state, in the order of channels and gates, behind V.
type Gate struct {
	Name     string
	Power    int // 1 to 8
	Kinetics Kinetics
	// Forms are those of alpha and beta, with Kinetics Rates.
	Forms   [2]Form
	Numbers []Quantity // as many as Kinetics says, of the whole channel
	Speed   float64    // factor of both rates, such as that of the temperature; 1 for none
	Start   float64    // value of the plane at the start, where no state is given
	// Held is the part of the gradient by V, or by calcium, that does not go through the gate: 0 leaves the gradient as it
	// is, 1 has the way back take the gate for a course in time.
	Held float64
}

// Kinetics says how x∞ and τ of a gate follow from V, or from calcium.
type Kinetics int

const (
	// Rates is x∞ = α/(α+β), τ = 1/(α+β) with α = A f((V−v)/k) and another for β. Numbers: A 1/ms, v
	// mV, k mV of alpha, then those of beta.
	Rates Kinetics = iota
	// Constant time: x∞ = 1/(1 + exp(−(V−v)/k)), τ. Numbers: v, k, τ ms. A τ of 0 is immediate.
	SteadyConstant
	// SteadySigmoid has τ = τ0 + A/(1 + exp(−(V−w)/l)). Numbers: v, k, τ0, A, w, l.
	SteadySigmoid
	// SteadyProduct has τ = τ0 + A x∞/(1 + exp(−(V−w)/l)). Numbers: v, k, τ0, A, w, l.
	SteadyProduct
	// SteadyBell has τ = τ0 + A/(exp((V−w)/l) + exp((V−y)/m)). Numbers: v, k, τ0, A, w, l, y, m.
	SteadyBell
	// ByCalcium is x∞ = max(0, ca − c)/(ca + k), τ. Numbers: c mM, k mM, τ ms. A τ of 0 is immediate.
	ByCalcium
)

// Names of the numbers of a gate, by its kinetics.
var kineticNumbers = [][]string{
	{"alpha.a", "alpha.v", "alpha.k", "beta.a", "beta.v", "beta.k"},
	{"v", "k", "tau"},
	{"v", "k", "tau0", "a", "w", "l"},
	{"v", "k", "tau0", "a", "w", "l"},
	{"v", "k", "tau0", "a", "w", "l", "y", "m"},
	{"c", "k", "tau"},
}

// Numbers returns the names of the numbers of a gate.
func (k Kinetics) Numbers() []string { return kineticNumbers[k] }

// Form is the f of a rate A f(u), u = (V−v)/k.
type Form int

const (
	Exponential Form = iota // e^u
	Sigmoid                 // 1/(1 + e^−u)
	Linear                  // u/(1 − e^−u), 1 at u = 0
)

// Calcium is a pool of calcium below the membrane of units, in mM:
//
//	ca' = −Gain · i_Ca − (ca − Rest)/Tau,   i_Ca in mA/cm²
//
// Its plane of state is behind those of the gates.
type Calcium struct {
	Gain, Rest, Tau Quantity // mM·cm²/(mA·ms), mM, ms
	Start           float64
}

// Receptor is a kind of synapse: its conductance g follows the weights of what arrives,
//
//	x' = −x/Decay + Σ weight · input,   y' = x − y/Rise;   g = Peak · y with a Rise, g = x without (Rise 0)
//
// in µS. Peak makes the largest conductance after one event its weight. Each has two planes of state, x
// and y, behind calcium, and one for each step of the longest delay of its inputs: what reaches x so many steps later.
type Receptor struct {
	Name                  string
	Rise, Decay, Reversal Quantity // ms, ms, mV; of the whole receptor
}

// Input joins x[.., From] to a unit: a current of Weight nA per 1 of x, with Receptor below 0, or
// events with a conductance of Weight µS, which act Delay steps of the scan later.
type Input struct {
	From, Unit, Receptor int
	Weight               Quantity
	Delay                int // 0 for currents
}

// MostDelay is the longest delay of an input, in steps of the scan: each step takes a plane of the state.
const MostDelay = 256

// Gates returns the number of gates of all channels.
func (n *Neuron) Gates() int {
	sum := 0
	for _, c := range n.Channels {
		sum += len(c.Gates)
	}
	return sum
}

// Delays returns the longest delay of the inputs of a receptor.
func (n *Neuron) Delays(receptor int) (steps int) {
	for _, in := range n.Inputs {
		if in.Receptor == receptor {
			steps = max(steps, in.Delay)
		}
	}
	return steps
}

// States returns the number S of planes of state: V, gates, calcium, receptors.
func (n *Neuron) States() int {
	planes := 1 + n.Gates() + 2*len(n.Receptors)
	for r := range n.Receptors {
		planes += n.Delays(r)
	}
	if n.Calcium != nil {
		planes++
	}
	return planes
}

// Trees returns of each element of the state [S,U] the tree that its unit is of, from 0 on, and −1 of those that
// stand still and act on nothing: gates where the channel is not, and traces where no synapse is.
func (n *Neuron) Trees() []int {
	u := n.Units()
	tree, trees := make([]int, u), 0
	for k, unit := range n.Tree.Unit {
		if p := n.Tree.Parent[k]; p >= 0 {
			tree[unit] = tree[n.Tree.Unit[p]]
		} else {
			tree[unit] = trees
			trees++
		}
	}
	of := slices.Clone(tree)
	plane := func(has func(unit int) bool) {
		for unit, t := range tree {
			if !has(unit) {
				t = -1
			}
			of = append(of, t)
		}
	}
	for _, c := range n.Channels {
		for range c.Gates {
			plane(func(unit int) bool { return slices.Contains(c.Units, int32(unit)) })
		}
	}
	if n.Calcium != nil {
		of = append(of, tree...)
	}
	for k, r := range n.Receptors {
		has := func(unit int) bool {
			return slices.ContainsFunc(n.Inputs, func(in Input) bool { return in.Receptor == k && in.Unit == unit })
		}
		plane(has)
		plane(func(unit int) bool { return has(unit) && (r.Rise.Param >= 0 || r.Rise.Value > 0) })
		for range n.Delays(k) {
			plane(has)
		}
	}
	return of
}

// Conductances reports whether every input goes to a receptor and none is a current.
func (n *Neuron) Conductances() bool {
	return !slices.ContainsFunc(n.Inputs, func(in Input) bool { return in.Receptor < 0 })
}

// Driven returns the first of the planes that follow the input alone: those of receptors.
func (n *Neuron) Driven() int {
	first := 1 + n.Gates()
	if n.Calcium != nil {
		first++
	}
	return first
}

// Ranges returns of each plane of the state the least and the largest value that mean something: gates are between 0
// and 1, and calcium and traces, like weights, are not negative. V has no bounds.
func (n *Neuron) Ranges() (least, most []float64) {
	least, most = make([]float64, n.States()), make([]float64, n.States())
	for p := range most {
		most[p] = math.Inf(1)
	}
	least[0] = math.Inf(-1)
	for g := range n.Gates() {
		most[1+g] = 1
	}
	return least, most
}

// Units returns the number U of compartments and nodes.
func (n *Neuron) Units() int { return len(n.Area) }

func neuronError(format string, args ...any) error {
	return fmt.Errorf("compartments: "+format+": %w", append(args, ErrNeuron)...)
}

// Param is a parameter of a scan: its name and how many elements it has, with Each in one row.
type Param struct {
	Name string
	Len  int
}

// Check refuses what is no neuron, for the parameters of a scan and the number of its inputs, in one
// line that names the place.
//
// Errors: wraps ErrNeuron.
func (n *Neuron) Check(params []Param, inputs int) error {
	u := n.Units()
	if !(n.Dt > 0 && n.Dt <= 1000) || n.Substeps < 1 {
		return neuronError("steps of %g ms, %d in each step of the scan, want more than 0 and at least 1", n.Dt, n.Substeps)
	}
	if u == 0 || len(n.Tree.Unit) != u || len(n.Tree.Parent) != u || len(n.Tree.Edge) != u {
		return neuronError("%d areas for a tree of %d units, want as many and at least one", u, len(n.Tree.Unit))
	}
	for i, a := range n.Area {
		if !(a >= 0 && a <= 1e12) {
			return neuronError("unit %d has an area of %g µm², want 0 to 1e12", i, a)
		}
	}
	check := func(name string, q Quantity, places int) error {
		if q.Param < 0 {
			if math.IsNaN(q.Value) || math.Abs(q.Value) > math.MaxFloat32 {
				return neuronError("%s is %g, want a finite number", name, q.Value)
			}
			return nil
		}
		if q.Param >= len(params) || q.Index != nil && len(q.Index) != places {
			return neuronError("%s is parameter %d of %d, with places for %d of %d", name, q.Param, len(params), len(q.Index), places)
		}
		length := params[q.Param].Len
		for _, i := range q.Index {
			if i < 0 || int(i) >= length {
				return neuronError("%s reads element %d of %s, which has %d", name, i, params[q.Param].Name, length)
			}
		}
		return nil
	}
	for _, q := range []struct {
		name   string
		q      Quantity
		places int
	}{{"the capacity", n.Capacity, u}, {"the leak", n.Leak, u}, {"the potential of the leak", n.Rest, u}, {"the axial conductance", n.Axial, n.Edges()}} {
		if err := check(q.name, q.q, q.places); err != nil {
			return err
		}
	}
	for _, c := range n.Channels {
		last := int32(-1)
		for _, i := range c.Units {
			if i <= last || int(i) >= u {
				return neuronError("channel %s is at unit %d behind %d, want rising ones below %d", c.Name, i, last, u)
			}
			last = i
		}
		if c.Calcium && n.Calcium == nil {
			return neuronError("channel %s carries calcium, and there is no pool of it", c.Name)
		}
		if err := check(c.Name+": the density", c.Density, len(c.Units)); err != nil {
			return err
		}
		if err := check(c.Name+": the reversal potential", c.Reversal, 1); err != nil {
			return err
		}
		for _, g := range c.Gates {
			name := c.Name + "." + g.Name
			switch {
			case g.Kinetics < Rates || g.Kinetics > ByCalcium || len(g.Numbers) != len(g.Kinetics.Numbers()):
				return neuronError("gate %s has kinetics %d with %d numbers", name, g.Kinetics, len(g.Numbers))
			case !(g.Held >= 0 && g.Held <= 1):
				return neuronError("gate %s holds back %g of the gradient, want 0 to 1", name, g.Held)
			case g.Power < 1 || g.Power > 8 || !(g.Speed > 0 && g.Speed < 1e6):
				return neuronError("gate %s has the power %d and the speed %g, want 1 to 8 and above 0", name, g.Power, g.Speed)
			case g.Kinetics == ByCalcium && n.Calcium == nil:
				return neuronError("gate %s follows calcium, and there is no pool of it", name)
			}
			for _, f := range g.Forms {
				if f < Exponential || f > Linear {
					return neuronError("gate %s has a rate of form %d", name, f)
				}
			}
			for i, q := range g.Numbers {
				if err := check(name+"."+g.Kinetics.Numbers()[i], q, 1); err != nil {
					return err
				}
			}
		}
	}
	if p := n.Calcium; p != nil {
		for name, q := range map[string]Quantity{"gain": p.Gain, "rest": p.Rest, "tau": p.Tau} {
			if err := check("calcium: "+name, q, 1); err != nil {
				return err
			}
		}
	}
	for _, r := range n.Receptors {
		for _, q := range []Quantity{r.Rise, r.Decay, r.Reversal} {
			if err := check("receptor "+r.Name, q, 1); err != nil {
				return err
			}
		}
	}
	for i, in := range n.Inputs {
		if in.From < 0 || in.From >= inputs || in.Unit < 0 || in.Unit >= u || in.Receptor >= len(n.Receptors) {
			return neuronError("input %d joins x %d to unit %d, receptor %d; there are %d, %d and %d", i, in.From, in.Unit, in.Receptor, inputs, u, len(n.Receptors))
		}
		if in.Delay < 0 || in.Delay > MostDelay || in.Delay > 0 && in.Receptor < 0 {
			return neuronError("input %d has a delay of %d steps, want 0 to %d, and 0 of a current", i, in.Delay, MostDelay)
		}
		if err := check(fmt.Sprintf("the weight of input %d", i), in.Weight, 1); err != nil {
			return err
		}
	}
	for _, r := range n.Record {
		if r < 0 || int(r) >= u*n.States() {
			return neuronError("unit %d of plane %d is recorded, there are %d of %d", int(r)%u, int(r)/u, u, n.States())
		}
	}
	for p, base := range n.Base {
		if p >= len(params) || base != nil && len(base) != params[p].Len {
			return neuronError("parameter %d is learned as a factor of %d numbers; there are %d parameters", p, len(base), len(params))
		}
	}
	return nil
}

// Edges returns the number of edges of the tree.
func (n *Neuron) Edges() int {
	edges := 0
	for _, p := range n.Tree.Parent {
		if p >= 0 {
			edges++
		}
	}
	return edges
}
