package models

import (
	"fmt"
	"math"

	"galvani/engine/cite"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// Feedback says through which weights [O,H] the error of the read-out reaches the hidden units.
type Feedback int

const (
	// Backprop takes those of the read-out.
	Backprop Feedback = iota
	// Transpose takes those of the read-out as a second matrix, copied at every update. It gives the
	// bits of Backprop, and is there to be compared with Fixed.
	Transpose
	// Fixed takes the parameter readout.feedback, random numbers that are never learned, drawn like
	// the first weights of the read-out: feedback alignment.
	Fixed
	// Sign takes the signs of the weights of the read-out, at every update anew, times the root mean square
	// of its first weights: uniform sign-concordant feedback. What the read-out does not see has sign 0.
	Sign
)

// Feedbacks are the names of the ways of feedback, by their number.
var Feedbacks = []string{"backprop", "transpose", "fixed", "sign"}

// FeedbackBy sets the way of feedback; Backprop without it.
func FeedbackBy(way Feedback) Option { return func(n *Network) { n.way = way } }

// References returns the works behind the way that is taken.
func (f Feedback) References() []cite.Work {
	switch f {
	case Fixed:
		return []cite.Work{cite.FeedbackAlignment}
	case Sign:
		return []cite.Work{cite.SignSymmetry}
	}
	return nil
}

// wireBack prepares the way back of the read-out.
//
// Errors: kernels.ErrShape for weights of size 0, through which no error would ever come.
func (n *Network) wireBack() error {
	if n.way != Fixed && n.way != Sign {
		return nil
	}
	if n.scale == 0 {
		return fmt.Errorf("models: %s: with feedback %s the weights of the way back have the size of the first ones of the read-out, and with readout_scale 0 no error would reach a hidden unit; take a larger readout_scale, or feedback backprop: %w",
			n.name, Feedbacks[n.way], kernels.ErrShape)
	}
	if n.way == Sign {
		seen := n.seen(n.levels - 1)
		n.signs = kernels.WeightsConfig{R: n.dims.O, C: seen}
		factor := full(n.dims.O*seen, n.scale*math.Sqrt(2/float64(n.dims.O+seen))) // of ±a·√(6/(O+H)), uniform
		if n.readout.Readings != nil {
			for k, seen := range n.readout.Readings[0].Factor {
				factor[k] *= seen
			}
		}
		n.signs.Readings = []kernels.Reading{{Rectifier: kernels.Sign, Factor: factor}}
	}
	return nil
}

// back returns the weights of the way back, given the parameters of the read-out and its weights that act.
func (n *Network) back(dev kernels.Device, own []*gorgonia.Node, acting *gorgonia.Node) (*gorgonia.Node, error) {
	switch n.way {
	case Transpose:
		return kernels.Hold(acting)
	case Fixed:
		return own[2], nil
	case Sign:
		held, err := kernels.Hold(own[0])
		if err != nil {
			return nil, err
		}
		return n.made(dev, held, n.signs, "signs")
	}
	return acting, nil
}

// made returns the weights of the read-out that cfg makes of stored ones.
func (n *Network) made(dev kernels.Device, stored *gorgonia.Node, cfg kernels.WeightsConfig, name string) (*gorgonia.Node, error) {
	if dev != nil {
		return kernels.Weights(dev, stored, nil, cfg)
	}
	k := NewOps(stored.Graph(), stored.Dtype(), 1, n.dims.H, fmt.Sprintf("%s.%d %s", n.name, n.builds, name))
	return k.Weights(stored, nil, cfg, 0), k.Err()
}
