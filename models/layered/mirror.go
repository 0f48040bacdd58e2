package layered

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
)

// mirror shows noise to a layer and compares its answers with the weights of the way back.
type mirror[F kernels.Float] struct {
	linear             kernels.LinearPlan
	noise, zeros, grad *field[F]
	shown, answer      gorgonia.Value
}

func newMirror[F kernels.Float](at place, cfg kernels.LinearConfig) (*mirror[F], error) {
	cfg.Given = true
	linear, err := at.linear(cfg)
	if err != nil {
		return nil, err
	}
	m := &mirror[F]{linear: linear}
	for _, f := range []struct {
		to    **field[F]
		shape []int
	}{{&m.noise, []int{cfg.N, cfg.K}}, {&m.zeros, []int{cfg.M}}, {&m.grad, []int{cfg.M * cfg.K}}} {
		if *f.to, err = newField[F](at, f.shape...); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// show lets the layer with weights w answer to noise, uniform with variance 1.
func (m *mirror[F]) show(noise random.Stream, w gorgonia.Value) (err error) {
	half := math.Sqrt(3)
	kernels.InChunks(len(m.noise.buf), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			m.noise.buf[i] = F(half * (2*noise.Uniform(uint64(i)) - 1))
		}
	})
	if m.shown, err = m.noise.value(); err != nil {
		return err
	}
	zeros, err := m.zeros.value()
	if err != nil {
		return err
	}
	m.answer, err = m.linear.Forward(m.shown, w, zeros)
	return err
}

// gradient returns the gradient of the weights b of the way back, times a rate.
func (m *mirror[F]) gradient(way rules.Mirror, b gorgonia.Value, patterns int, rate float64) (gorgonia.Value, error) {
	_, products, err := m.linear.Backward(m.shown, b, m.answer)
	if err != nil {
		return nil, err
	}
	sums, err := elements[F](products)
	if err != nil {
		return nil, err
	}
	own, err := elements[F](b)
	if err != nil {
		return nil, err
	}
	kernels.InChunks(len(own), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			m.grad.buf[i] = F(rate * way.Gradient(float64(own[i]), float64(sums[i])/float64(patterns)))
		}
	})
	return m.grad.value()
}
