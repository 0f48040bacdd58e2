package kernels

import "gorgonia.org/gorgonia"

// Dropout returns x [T·B,H] of T steps in which each element is 0 with probability p, and 1/(1−p) times itself
// otherwise. Which ones are 0 is keyed by draw, layer, sequence, step and unit, as Noise is, so that every device and
// number of shards drops the same ones, and each run others.
//
// Errors: those of the device.
// Source: Srivastava et al. (2014), Journal of Machine Learning Research 15:1929.
func Dropout(dev Device, x *gorgonia.Node, p float64, layer uint64, steps int, draw func() NoiseDraw) (*gorgonia.Node, error) {
	cfg := DropoutConfig{N: x.Shape()[0], H: x.Shape()[1], Steps: steps, P: p, Layer: layer, Draw: draw}
	c, err := rowsOn(dev, cfg, x.Dtype(), newDropout[float64], newDropout[float32])
	if err != nil {
		return nil, err
	}
	return Compose("dropout", c, x.Shape(), []Group{{0}}, x)
}

// dropout is the Composite of Dropout.
type dropout[F Float] struct {
	cfg            DropoutConfig
	y, dx, factors []F
}

func newDropout[F Float](c DropoutConfig) Composite {
	n := c.N * c.H
	return &dropout[F]{c, make([]F, n), make([]F, n), make([]F, n)}
}

// Forward implements Composite.
func (o *dropout[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	c := &o.cfg
	x, err := Elems[F]("dropout", in[0], c.N, c.H)
	if err != nil {
		return nil, err
	}
	d := c.Draw()
	key, width := c.Key(d), c.N/c.Steps
	most, keep := float32(c.P), F(1/(1-c.P))
	for row := range c.N {
		s := key.Stream(d.First + uint64(row%width)).Stream(uint64(row / width))
		for i := range c.H {
			f := keep
			if s.Uniform32(uint64(i)) < most {
				f = 0
			}
			at := row*c.H + i
			o.factors[at], o.y[at] = f, f*x[at]
		}
	}
	return Wrap(o.y, c.N, c.H), nil
}

// Backward implements Composite.
func (o *dropout[F]) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	dy, err := Elems[F]("gradient of dropout", grad, o.cfg.N, o.cfg.H)
	if err != nil {
		return nil, err
	}
	for i, f := range o.factors {
		o.dx[i] = f * dy[i]
	}
	return []gorgonia.Value{Wrap(o.dx, len(o.dx))}, nil
}
