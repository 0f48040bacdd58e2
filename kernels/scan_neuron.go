package kernels

import (
	"fmt"
	"math"

	"galvani/kernels/compartments"
	"galvani/kernels/segments"

	"gorgonia.org/tensor"
)

// Units returns the number of units of the state: H, but of a neuron that of its compartments and nodes,
// of which h shows H.
func (c ScanConfig) Units() int {
	if n := c.Cell.Neuron; n != nil {
		return n.Units()
	}
	return c.H
}

// checkNeuron is Check for a neuron of compartments.
func (c ScanConfig) checkNeuron() error {
	n := c.Cell.Neuron
	params := make([]compartments.Param, len(c.Params))
	for i, p := range c.Params {
		if params[i] = (compartments.Param{Name: p.Name, Len: p.Len()}); p.Role != Named {
			return fmt.Errorf("kernels: scan: neuron: parameter %s has role %d, want Named: %w", p.Name, p.Role, ErrShape)
		}
		if n.Each {
			if params[i].Len /= c.B; len(p.Shape) < 2 || p.Shape[0] != c.B {
				return fmt.Errorf("kernels: scan: neuron: %s has the shape %v, want a row for each of %d sequences: %w", p.Name, p.Shape, c.B, ErrShape)
			}
		}
	}
	if err := n.Check(params, c.I); err != nil {
		return fmt.Errorf("kernels: scan: %w: %w", err, ErrShape)
	}
	h := len(n.Record)
	if n.Record == nil {
		h = n.Units()
	}
	switch {
	case c.T < 1 || c.B < 1 || c.I < 1 || c.H != h || c.Cell.States != n.States():
		return fmt.Errorf("kernels: scan: neuron: T=%d B=%d I=%d H=%d S=%d, want at least 1, and H=%d S=%d: %w", c.T, c.B, c.I, c.H, c.Cell.States, h, n.States(), ErrShape)
	case c.Dtype != tensor.Float32 && c.Dtype != tensor.Float64:
		return fmt.Errorf("kernels: scan: type %v, want float32 or float64: %w", c.Dtype, ErrShape)
	case c.Noise.On():
		return fmt.Errorf("kernels: scan: neurons have no noise: %w", ErrShape)
	}
	return nil
}

// Layout lays out the neuron of a scan that Check takes.
func (c ScanConfig) Layout() *compartments.Layout {
	return compartments.NewLayout(c.Cell.Neuron, c.B, c.I, func(p int) bool { return c.Params[p].Learned })
}

// OfRow returns the parameters of one sequence of a neuron: all, or with Each its own.
func (c ScanConfig) OfRow(params [][]float64, b int) [][]float64 {
	if !c.Cell.Neuron.Each {
		return params
	}
	own := make([][]float64, len(params))
	for i, p := range params {
		n := len(p) / c.B
		own[i] = p[b*n : (b+1)*n]
	}
	return own
}

// NeuronChunk returns the steps of the scan of which a neuron adds up gradients before they are added to those of other
// steps. Stretches are whole chunks, so that their lengths change no bit.
func (c ScanConfig) NeuronChunk() int {
	return max(1, int(math.Ceil(math.Sqrt(float64(c.T)/float64(c.Cell.Neuron.Substeps)))))
}

// NeuronStretch returns how many steps of the scan a neuron keeps at a time for Backward. Without a limit, and where it
// keeps to Memory, that is a chunk, with about as many states as there are before stretches; otherwise the number of chunks
// that takes the least. Bytes tells what a number of steps takes.
//
// Errors: ErrMemory where the least is too much.
func (c ScanConfig) NeuronStretch(bytes func(stretch int) int64) (int, error) {
	if c.ForwardOnly {
		return c.T, nil
	}
	chunk := c.NeuronChunk()
	best := chunk
	for n := chunk; n < c.T+chunk && c.Memory > 0 && bytes(chunk) > c.Memory; n += chunk {
		if bytes(n) < bytes(best) {
			best = n
		}
	}
	if least := bytes(best); c.Memory > 0 && least > c.Memory {
		return 0, c.MemoryError(&segments.MemoryError{Memory: c.Memory, Least: least, All: bytes(c.T)})
	}
	return best, nil
}

// CollectNeuron writes the gradients of the learned parameters of a neuron, added up sequence by sequence,
// to the packed gradient. Of fills in the gradients of the rows of a sequence.
func CollectNeuron[F Float](c ScanConfig, l *compartments.Layout, params [][]float64, of func(b int, rows []float64), packed []F) {
	grads := make([][]float64, len(c.Params))
	for i, p := range c.Params {
		grads[i] = make([]float64, p.Len())
	}
	rows := make([]float64, l.Rows())
	for b := range c.B {
		of(b, rows)
		l.Gradient(c.OfRow(params, b), rows, c.OfRow(grads, b))
	}
	at := 0
	for i, p := range c.Params {
		for k := 0; p.Learned && k < len(grads[i]); k++ {
			packed[at] = F(grads[i][k])
			at++
		}
	}
}

// neuronPlanes names the planes of the state of a neuron.
func neuronPlanes(n *compartments.Neuron) []Plane {
	planes := []Plane{{Name: "V", Unit: "mV", Doc: "potential of the membrane"}}
	for _, c := range n.Channels {
		for _, g := range c.Gates {
			planes = append(planes, Plane{Name: c.Name + "." + g.Name, Unit: "1", Doc: "gate " + g.Name + " of channel " + c.Name})
		}
	}
	if n.Calcium != nil {
		planes = append(planes, Plane{Name: "calcium", Unit: "mM", Doc: "calcium below the membrane"})
	}
	for k, r := range n.Receptors {
		planes = append(planes, Plane{Name: r.Name + ".x", Unit: "uS", Doc: "what events have left at receptor " + r.Name},
			Plane{Name: r.Name + ".y", Unit: "uS ms", Doc: "the same behind the rise of the receptor"})
		for d := range n.Delays(k) {
			planes = append(planes, Plane{Name: fmt.Sprintf("%s.late%d", r.Name, d+1), Unit: "uS", Doc: fmt.Sprintf("what reaches receptor %s at the beginning of step %d from now", r.Name, d+1)})
		}
	}
	return planes
}
