package onnx

import "fmt"

// operator is how ONNX computes a cell.
type operator struct {
	name       string
	gates      []int    // the place in PyTorch's order of each gate in that of ONNX
	activation []string // of the operator, nil for its default
	states     int
}

// operators are the cells with PyTorch's names.
var operators = map[string]operator{
	"rnn":  {"RNN", []int{0}, []string{"Tanh"}, 1},
	"irnn": {"RNN", []int{0}, []string{"Relu"}, 1},
	"gru":  {"GRU", []int{1, 0, 2}, nil, 1},     // r, z, n there, and z, r, h here
	"lstm": {"LSTM", []int{0, 3, 1, 2}, nil, 2}, // i, f, g, o there, and i, o, f, c here
}

// gated puts the gates, blocks of h rows, into ONNX's order.
func (n *network) gated(v []float32, h, columns int) []float32 {
	block := h * columns
	out := make([]float32, 0, len(v))
	for _, g := range n.op.gates {
		out = append(out, v[g*block:(g+1)*block]...)
	}
	return out
}

// recurrent adds layers of recurrent cells and the read-out.
func (n *network) recurrent() error {
	g := &n.graph
	_, shape, err := n.take("readout.weight", -1, -1)
	if err != nil {
		return err
	}
	outputs, h := shape[0], shape[1]
	_, shape, err = n.take("cell.weight_ih_l0", -1, -1)
	if err != nil {
		return err
	}
	inputs := shape[1]
	g.inputs = []message{value("x", "T", "B", inputs)}
	below, in := "x", inputs
	for k := 0; k == 0 || n.has(fmt.Sprintf("cell.weight_ih_l%d", k)); k++ {
		if _, shape, err = n.take(fmt.Sprintf("cell.weight_hh_l%d", k), -1, -1); err != nil {
			return err
		}
		if below, err = n.layer(k, below, in, shape[1]); err != nil {
			return err
		}
		in = shape[1]
	}
	if in != h {
		return fmt.Errorf("the last layer has %d units, and readout.weight reads %d: %w", in, h, ErrModel)
	}
	weight, _, err := n.take("readout.weight", outputs, h)
	if err != nil {
		return err
	}
	bias, _, err := n.take("readout.bias", outputs, 0)
	if err != nil {
		return err
	}
	g.floats("readout.weight", []int{outputs, h}, weight)
	g.floats("readout.bias", []int{outputs}, bias)
	g.node("Transpose", []string{"readout.weight"}, []string{"readout.weight.T"})
	g.node("MatMul", []string{below, "readout.weight.T"}, []string{"products"})
	g.node("Add", []string{"products", "readout.bias"}, []string{"logits"})
	g.node("Identity", []string{below}, []string{"h"})
	g.outputs = []message{value("logits", "T", "B", outputs), value("h", "T", "B", h)}
	return nil
}

// layer adds a layer and returns the name of its h [T,B,H].
func (n *network) layer(k int, below string, in, h int) (string, error) {
	g, rows := &n.graph, len(n.op.gates)*h
	named := func(what string) string { return fmt.Sprintf("%s_l%d", what, k) }
	names := []string{below}
	for _, w := range []struct {
		what    string
		columns int
	}{{"weight_ih", in}, {"weight_hh", h}} {
		v, _, err := n.take("cell."+named(w.what), rows, w.columns)
		if err != nil {
			return "", err
		}
		names = append(names, g.floats("cell."+named(w.what), []int{1, rows, w.columns}, n.gated(v, h, w.columns)))
	}
	var biases []float32
	for _, what := range []string{"bias_ih", "bias_hh"} {
		b, _, err := n.take("cell."+named(what), rows, 0)
		if err != nil {
			return "", err
		}
		biases = append(biases, n.gated(b, h, 1)...)
	}
	names = append(names, g.floats("cell."+named("bias"), []int{1, 2 * rows}, biases))
	first, err := n.first(k, h)
	if err != nil {
		return "", err
	}
	if first != nil {
		names = append(append(names, ""), first...) // behind the lengths of sequences
	}
	attributes := []message{integer("hidden_size", int64(h))}
	if n.op.activation != nil {
		attributes = append(attributes, words("activations", n.op.activation...))
	}
	if n.op.name == "GRU" {
		attributes = append(attributes, integer("linear_before_reset", 1))
	}
	g.node(n.op.name, names, []string{named("all")}, attributes...)
	if k == 0 {
		g.integers("direction", []int{1}, 1)
	}
	g.node("Squeeze", []string{named("all"), "direction"}, []string{named("h")})
	return named("h"), nil
}

// first returns the names of the first states [1,B,H] of a layer, nil where they are 0.
func (n *network) first(k, h int) (names []string, err error) {
	name := "cell.h0"
	if k > 0 {
		name = fmt.Sprintf("cell.h0_l%d", k)
	}
	if !n.has(name) {
		return nil, nil
	}
	v, _, err := n.take(name, h, n.op.states)
	if err != nil {
		return nil, err
	}
	g := &n.graph
	if k == 0 {
		g.node("Shape", []string{"x"}, []string{"sizes"})
		g.integers("second", []int{1}, 1)
		g.integers("one", []int{1}, 1)
		g.node("Gather", []string{"sizes", "second"}, []string{"sequences"})
		g.node("Concat", []string{"one", "sequences", "one"}, []string{"size of states"}, integer("axis", 0))
	}
	for s := range n.op.states {
		row := make([]float32, h)
		for i := range row {
			row[i] = v[i*n.op.states+s]
		}
		at := fmt.Sprintf("%s of plane %d", name, s)
		g.floats(at, []int{1, 1, h}, row)
		g.node("Expand", []string{at, "size of states"}, []string{at + " of all"})
		names = append(names, at+" of all")
	}
	return names, nil
}
