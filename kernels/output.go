package kernels

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Output is what building a network on a graph gives: the node of its answers, and its layers, which hold
// named planes. The values of a layer are those of the last run and stay valid until the next.
type Output interface {
	// Logits is the node of the answers, [B,O], or [T·B,O] with Sequence.Every.
	Logits() *gorgonia.Node
	// Layers are the layers below the answers, that which the read-out sees last.
	Layers() []Layer
}

// Layer is a layer of a network. One with a state is a Stateful, too, and its gradients are reached as a
// Graded or as an Unrolled.
type Layer interface {
	// Planes names the planes of the layer. Plane 0 is h, which the layer above reads, but where a
	// Stateful says otherwise.
	Planes() []Plane
	// H returns h of all steps, [T,B,H].
	H() (gorgonia.Value, error)
}

// Stateful is a Layer with a state, that of Sequence.State.
type Stateful interface {
	Layer
	// Shown is the plane that is h.
	Shown() int
	// Final returns the state after the last step, [S,B,H], as an array of the device.
	Final() (gorgonia.Value, error)
}

// Graded is a Layer that keeps the gradients of h, those of a scan with Sequence.GradH.
type Graded interface {
	Layer
	// GradH returns the gradients of h of all steps, [T,B,H].
	GradH() (gorgonia.Value, error)
}

// Unrolled is a Layer whose steps are nodes of the graph, so that these can be differentiated.
type Unrolled interface {
	Stateful
	// Steps are the nodes of h after each step, [B,H].
	Steps() []*gorgonia.Node
	// Ends are the nodes of the planes of the state before the first step and after the last, [B,H].
	Ends() (before, after []*gorgonia.Node)
}

// NewOutput returns the output of a network that has these answers and layers.
func NewOutput(logits *gorgonia.Node, layers ...Layer) Output { return output{logits, layers} }

type output struct {
	logits *gorgonia.Node
	layers []Layer
}

func (o output) Logits() *gorgonia.Node { return o.logits }
func (o output) Layers() []Layer        { return o.layers }

// StateShape returns the shape of the state of b sequences, plane after plane [B,H], given the number of units of each plane:
// [S,B,H], or where planes differ [1,B,ΣH].
func StateShape(units []int, b int) tensor.Shape {
	sum := 0
	for _, h := range units {
		sum += h
	}
	if len(units) > 0 && sum == len(units)*units[0] && slices.Max(units) == units[0] {
		return tensor.Shape{len(units), b, units[0]}
	}
	return tensor.Shape{1, b, sum}
}
