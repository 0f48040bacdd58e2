package models

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Noise is Gaussian noise on what a network is driven by while it is trained, and where an evaluation asks for it,
// drawn anew for every sequence, step and unit.
type Noise struct {
	// Rec is private noise of each unit, added to every drive x·Wᵀ of it; Input is added to x. Both are the
	// standard deviation before the scale of the cell.
	Rec, Input float64
}

// Noised gives the network noise. Sequences have it with kernels.Sequence.Noise.
func Noised(noise Noise) Option { return func(n *Network) { n.noise = noise } }

// Noisy is a Cell that scales noise. Other cells take it as it is: the standard deviation of what is added.
type Noisy interface {
	// NoiseScale returns the factor of the standard deviations, and what it is made of.
	//
	// Errors: settings with which the cell cannot take noise.
	NoiseScale() (factor float64, doc string, err error)
}

// NoiseScale returns by how much a cell scales the noise of its drives and its input, and why.
//
// Errors: those of the cell.
func NoiseScale(c Cell) (factor float64, doc string, err error) {
	if c, ok := c.(Noisy); ok {
		return c.NoiseScale()
	}
	return 1, "1, so they are the standard deviations of what is added", nil
}

// traceNoise is NoiseScale of a cell whose drives are filtered by a synaptic kernel to conductances. Noise
// takes drives below zero, and one kernel alone keeps its conductances from that.
func traceNoise(kernel string, tauS float64) (factor float64, doc string, err error) {
	if kernel != "ema_diff_relu" {
		err = fmt.Errorf("noise makes the conductances of syn_kernel %s negative; take ema_diff_relu, or leave out rec_noise and input_noise", kernel)
	}
	return math.Sqrt(2 * tauS), "sqrt(2 tau_s), with tau_s as it is before learning; syn_kernel ema_diff_relu alone", err
}

// scaleNoise gives the layer the noise of the network, scaled as its cell asks: x of the first alone has some, in both directions numbers of its own.
func (l *layer) scaleNoise() error {
	l.noise = kernels.Noise{Drive: l.net.noise.Rec, Layer: uint64(l.number)}
	if l.level == 0 {
		l.noise.Input = l.net.noise.Input
	}
	if !l.noise.On() {
		return nil
	}
	factor, _, err := NoiseScale(l.cell)
	if err != nil {
		return fmt.Errorf("models: %s: %w", l.net.name, err)
	}
	l.noise.Drive *= factor
	l.noise.Input *= factor
	return nil
}

// noisyStep adds noise to the steps of an unrolled graph, as scans do.
type noisyStep struct {
	k      *Ops
	noise  kernels.Noise
	draw   func() kernels.NoiseDraw
	t      int
	planes []*gorgonia.Node // input matrices in the order of the drives
}

// newNoisyStep gives k the noise of its steps.
func newNoisyStep(k *Ops, noise kernels.Noise, in kernels.Sequence, p *Params) *noisyStep {
	if !noise.On() {
		return nil
	}
	n := &noisyStep{k: k, noise: noise, draw: in.Draw}
	if noise.Drive > 0 {
		for _, s := range p.inputs {
			for g := range s.Planes(k.H) {
				n.planes = append(n.planes, p.In(s.Name, g))
			}
		}
	}
	k.noise = n
	return n
}

// at says which step comes.
func (n *noisyStep) at(t int) {
	if n != nil {
		n.t = t
	}
}

// input returns x of the step with noise.
func (n *noisyStep) input(x *gorgonia.Node) *gorgonia.Node {
	if n == nil || n.noise.Input == 0 {
		return x
	}
	return n.k.unary(func(x *gorgonia.Node) (*gorgonia.Node, error) {
		return kernels.NoisyInput(x, n.noise, n.draw, n.t)
	}, x)
}

// drive returns a product with the matrix w with noise, if w is an input matrix.
func (n *noisyStep) drive(product, w *gorgonia.Node) *gorgonia.Node {
	if n == nil {
		return product
	}
	plane := slices.Index(n.planes, w)
	if plane < 0 || w == nil {
		return product
	}
	return n.k.unary(func(x *gorgonia.Node) (*gorgonia.Node, error) {
		return kernels.NoisyDrive(x, n.noise, n.draw, n.t, plane)
	}, product)
}
