package kernels

import "math"

// Role says what a parameter does inside a cell, and so how the scan stores it.
type Role int

const (
	// Readout parameters are used after the scan, not inside it.
	Readout Role = iota
	// In is an input matrix [P·H, I]: P drive planes of the cell are x·Wᵀ.
	In
	// Rec is a recurrent matrix [G·H, H]: G drive planes of the cell take in h·Wᵀ.
	Rec
	// Vec is one or more per-unit vectors [H] or [C, H], read by the pointwise step, or [1] if
	// Spec.Shared.
	Vec
	// Edge holds one conductance per undirected edge of the axial graph, [E].
	Edge
	// Named parameters are read by the description of a neuron, in any shape.
	Named
	// Roles is the number of roles.
	Roles
)

// Spec is one row of a parameter table: everything that initialisation, optimisation,
// checkpoints and documentation need to know of a parameter.
type Spec struct {
	Name    string // checkpoint name, e.g. "cell.W"
	Letters string // shape in the letters T B I H O C E, e.g. "4H I"
	Shape   []int  // the same shape in numbers
	Role    Role
	Unit    string // physical unit, "1" for dimensionless
	Doc     string // one line
	Init    Init
	Bound   Bound // Free for none
	Learned bool
	Clip    Clipping
	// Twin is the parameter whose changes a Scaled one makes, and with which it decays; empty for others.
	Twin   string
	Shared bool // a Vec of one number, [1], that all units read
	// Columns bounds each column of a matrix on its own, in place of Bound; nil for one bound.
	Columns []Bound
	// Exists is 0 at the elements of a matrix that stand for no connection, where 0 is stored, so that
	// penalties, norms and other networks see none; nil where all exist.
	Exists []float64
	// Supports tell of each [H,H] plane of a Rec matrix outside of which columns [lo,hi) it is
	// zero, so that a scan may leave them out, and their gradients undefined; nil for none.
	Supports [][2]int
	// Leak says of a Rec matrix that it is subtracted, with the leak of each unit on its diagonal.
	Leak bool
}

// Clipping says how the limit on the norm of the gradient concerns a parameter.
type Clipping int

const (
	// Counted parameters are part of the norm, and scaled where it is too large.
	Counted Clipping = iota
	// Scaled parameters are scaled with the counted ones, whose gradient theirs repeats.
	Scaled
	// Apart are parameters whose gradient is not one of the loss: neither counted nor scaled. They do not decay but by their
	// own rule.
	Apart
)

// Len returns the number of elements.
func (s Spec) Len() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

// Planes returns the number of [H] planes that the leading dimension holds. Each edge, and each
// number of a Named parameter, counts as a plane of its own.
func (s Spec) Planes(h int) int {
	switch s.Role {
	case In, Rec:
		return s.Shape[0] / h
	case Vec:
		if s.Shared {
			return 1
		}
		return s.Len() / h
	case Edge, Named:
		return s.Len()
	}
	return 0
}

// Entries returns how many elements of a Rec matrix may not be zero.
func (s Spec) Entries() int {
	if s.Supports == nil {
		return s.Len()
	}
	n := 0
	for _, c := range s.Supports {
		n += (c[1] - c[0]) * s.Len() / len(s.Supports) / s.Shape[1]
	}
	return n
}

// Bound is the closed interval a parameter is projected onto after every optimiser step.
type Bound struct{ Lo, Hi float64 }

// Free returns the bound that constrains nothing.
func Free() Bound { return Bound{math.Inf(-1), math.Inf(1)} }

// IsFree reports whether the bound constrains nothing.
func (b Bound) IsFree() bool { return math.IsInf(b.Lo, -1) && math.IsInf(b.Hi, 1) }

// InitKind names an initial distribution.
type InitKind int

const (
	// Constant sets every element to A.
	Constant InitKind = iota
	// Uniform draws from [A, B).
	Uniform
	// Normal draws from a Gaussian of mean A and standard deviation B.
	Normal
	// XavierUniform draws from ±A·sqrt(6/(fan_in+fan_out)) (Glorot and Bengio 2010);
	// a matrix of several [H, ·] planes is drawn plane by plane.
	XavierUniform
	// Orthogonal makes each [H, H] plane A times a random orthogonal matrix (Saxe et al. 2014).
	Orthogonal
	// Identity makes each [H, H] plane A times the identity (Le et al. 2015).
	Identity
	// PerPlane sets every element of plane k to Values[k].
	PerPlane
	// PlaneNormal draws plane k from a Gaussian of mean Values[k] and standard deviation B.
	PlaneNormal
)

// Init is an initialiser as data; engine draws from it with a seeded generator.
type Init struct {
	Kind     InitKind
	A, B     float64
	Values   []float64
	Columns  []float64 // factors of the columns of a matrix, nil for none
	Diagonal float64   // of a matrix, 0 for what was drawn
}
