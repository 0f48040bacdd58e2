package onnx

import "fmt"

// layered is the model of layers without a state.
const layered = "mlp"

// activations are the operators of the functions that the hidden layers of mlp apply.
var activations = map[string]string{"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus"}

// layers adds layers without a state, whose parameters are layer1.weight [H,I], layer1.bias [H] and so on. All but the
// last apply an activation.
func (n *network) layers(activation string) error {
	op, ok := activations[activation]
	if !ok {
		return fmt.Errorf("activation %q: %w", activation, ErrModel)
	}
	_, shape, err := n.take("layer1.weight", -1, -1)
	if err != nil {
		return err
	}
	g := &n.graph
	g.inputs = []message{value("x", "B", shape[1])}
	below, in := "x", shape[1]
	for k := 1; k == 1 || n.has(fmt.Sprintf("layer%d.weight", k)); k++ {
		name := fmt.Sprintf("layer%d", k)
		weight, shape, err := n.take(name+".weight", -1, in)
		if err != nil {
			return err
		}
		bias, _, err := n.take(name+".bias", shape[0], 0)
		if err != nil {
			return err
		}
		if k > 1 {
			g.node(op, []string{below}, []string{below + " " + activation})
			below += " " + activation
		}
		out := name + ".sum"
		if !n.has(fmt.Sprintf("layer%d.weight", k+1)) {
			out = "logits"
		}
		g.node("Gemm", []string{below, g.floats(name+".weight", shape, weight), g.floats(name+".bias", shape[:1], bias)}, []string{out}, integer("transB", 1))
		below, in = out, shape[0]
	}
	g.outputs = []message{value("logits", "B", in)}
	return nil
}
