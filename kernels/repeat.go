package kernels

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Repeat returns the one number of v [1] n times: [n,1]. Its gradient is their sum, in the
// order of the device. It is Linear without a product: zeros times zero, plus v.
func Repeat(dev Device, v *gorgonia.Node, n int) (*gorgonia.Node, error) {
	o := newOp("repeat %d", n)
	x, err := zeros(dev, v, o.unique("x"), n, 1)
	if err != nil {
		return nil, err
	}
	w, err := zeros(dev, v, o.unique("w"), 1, 1)
	if err != nil {
		return nil, err
	}
	return Linear(dev, x, w, v)
}

// zeros adds an input of zeros to the graph of a node, of its type and on its device.
func zeros(dev Device, like *gorgonia.Node, name string, shape ...int) (*gorgonia.Node, error) {
	host := tensor.New(tensor.WithShape(shape...), tensor.Of(like.Dtype()))
	var v gorgonia.Value = host
	if r, ok := dev.(Resident); ok {
		m, err := r.Mirror(host)
		if err != nil {
			return nil, err
		}
		v = m.View(0, shape...)
	}
	return input(like.Graph(), v, name), nil
}
