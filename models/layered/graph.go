package layered

import (
	"galvani/kernels"
	"galvani/models"

	"fmt"

	"gorgonia.org/gorgonia"
)

// graph adds the network as operations of Gorgonia, the specification.
func (n *Network) graph(x *gorgonia.Node, params []*gorgonia.Node) (logits *gorgonia.Node, hidden []kernels.Layer, err error) {
	r := x
	for l := range n.layers() {
		a, err := kernels.Linear(nil, r, params[2*l], params[2*l+1])
		if err != nil || l == n.layers()-1 {
			return a, hidden, err
		}
		k := models.NewOps(x.Graph(), x.Dtype(), x.Shape()[0], n.sizes[l+1], fmt.Sprintf("%s.%d.%d", n.name, n.built, l))
		if r = k.Activation(n.cfg.Activation, a); k.Err() != nil {
			return nil, nil, k.Err()
		}
		value := new(gorgonia.Value)
		gorgonia.Read(r, value)
		hidden = append(hidden, layer(func() gorgonia.Value { return *value }))
	}
	return nil, nil, nil
}
