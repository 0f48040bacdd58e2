package kernels

import (
	"math"

	"gorgonia.org/gorgonia"
)

// normEps is added to the variance in LayerNorm, as torch.nn.LayerNorm does.
const normEps = 1e-5

// LayerNorm returns x [N,H] with each row brought to mean 0 and variance 1, then scaled and shifted:
//
//	y = gain∘(x − mean)/√(var + 1e-5) + bias
//
// with mean and variance over the H elements of a row, gain [H] and bias [H].
//
// Errors: those of the device.
// Source: Ba, Kiros and Hinton (2016), arXiv:1607.06450.
func LayerNorm(dev Device, x, gain, bias *gorgonia.Node) (*gorgonia.Node, error) {
	shape := x.Shape().Clone()
	c, err := rowsOn(dev, NormConfig{shape[0], shape[1], normEps}, x.Dtype(), newLayerNorm[float64], newLayerNorm[float32])
	if err != nil {
		return nil, err
	}
	return Compose("layer normalisation", c, shape, []Group{{0}, {1}, {2}}, x, gain, bias)
}

// layerNorm is the Composite of LayerNorm.
type layerNorm[F Float] struct {
	n, h             int
	y, z             []F // the result, and the rows before gain and bias
	inverse          []float64
	dx, dgain, dbias []F
}

func newLayerNorm[F Float](c NormConfig) Composite {
	n, h := c.N, c.H
	return &layerNorm[F]{n: n, h: h, y: make([]F, n*h), z: make([]F, n*h), inverse: make([]float64, n),
		dx: make([]F, n*h), dgain: make([]F, h), dbias: make([]F, h)}
}

// Forward implements Composite.
func (l *layerNorm[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	x, gain, bias, err := l.inputs(in)
	if err != nil {
		return nil, err
	}
	for row := range l.n {
		at := row * l.h
		var mean, variance float64
		for _, v := range x[at : at+l.h] {
			mean += float64(v)
		}
		mean /= float64(l.h)
		for _, v := range x[at : at+l.h] {
			d := float64(v) - mean
			variance += d * d
		}
		inverse := 1 / math.Sqrt(variance/float64(l.h)+normEps)
		l.inverse[row] = inverse
		for i, v := range x[at : at+l.h] {
			z := F((float64(v) - mean) * inverse)
			l.z[at+i], l.y[at+i] = z, gain[i]*z+bias[i]
		}
	}
	return Wrap(l.y, l.n, l.h), nil
}

func (l *layerNorm[F]) inputs(in []gorgonia.Value) (x, gain, bias []F, err error) {
	if x, err = Elems[F]("layer normalisation of x", in[0], l.n, l.h); err != nil {
		return nil, nil, nil, err
	}
	if gain, err = Elems[F]("gain of layer normalisation", in[1], l.h); err != nil {
		return nil, nil, nil, err
	}
	bias, err = Elems[F]("bias of layer normalisation", in[2], l.h)
	return x, gain, bias, err
}

// Backward implements Composite. With u = gain∘dy the gradient of a row of x is
// (u − mean(u) − z mean(u∘z))/√(var + 1e-5).
func (l *layerNorm[F]) Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	_, gain, _, err := l.inputs(in)
	if err != nil {
		return nil, err
	}
	dy, err := Elems[F]("gradient of layer normalisation", grad, l.n, l.h)
	if err != nil {
		return nil, err
	}
	sums := make([]float64, 2*l.h) // of the gradients of gain and bias
	for row := range l.n {
		at := row * l.h
		z, g := l.z[at:at+l.h], dy[at:at+l.h]
		var mean, along float64
		for i, v := range g {
			u := float64(gain[i]) * float64(v)
			mean += u
			along += u * float64(z[i])
			sums[i] += float64(v) * float64(z[i])
			sums[l.h+i] += float64(v)
		}
		mean /= float64(l.h)
		along /= float64(l.h)
		for i, v := range g {
			l.dx[at+i] = F((float64(gain[i])*float64(v) - mean - float64(z[i])*along) * l.inverse[row])
		}
	}
	for i := range l.h {
		l.dgain[i], l.dbias[i] = F(sums[i]), F(sums[l.h+i])
	}
	return []gorgonia.Value{Wrap(l.dx, l.n*l.h), Wrap(l.dgain, l.h), Wrap(l.dbias, l.h)}, nil
}
