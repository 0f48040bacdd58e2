package layered

import (
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// layer gives the activities [B,M] of hidden units in the last run, nil before it. It implements
// kernels.Layer.
type layer func() gorgonia.Value

// Planes implements kernels.Layer.
func (layer) Planes() []kernels.Plane {
	return []kernels.Plane{{Name: "h", Unit: "1", Doc: "activity of the units"}}
}

// H implements kernels.Layer: the sequence has one step.
func (l layer) H() (gorgonia.Value, error) {
	v := l()
	if v == nil {
		return nil, fmt.Errorf("models: the network has not run yet")
	}
	return tensor.New(tensor.WithShape(append(tensor.Shape{1}, v.Shape()...)...), tensor.WithBacking(v.Data())), nil
}

// layers returns the hidden layers.
func (p *plan[F]) layers() (list []kernels.Layer) {
	for _, s := range p.stages {
		if s.rate == nil {
			continue
		}
		list = append(list, layer(func() gorgonia.Value {
			if s.below == nil {
				return nil
			}
			return kernels.Wrap(s.rate.buf, s.rate.shape...)
		}))
	}
	return list
}
