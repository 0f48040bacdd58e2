package kernels

import "gorgonia.org/gorgonia"

// Penalty names a term that is added to the loss.
type Penalty int

const (
	// WeightL1 is Σ λ_p |w| over the elements of the penalised parameters, WeightL2 Σ λ_p w².
	WeightL1 Penalty = iota
	WeightL2
	// RateL1 is λ times the mean of |h| over steps, sequences and units, RateL2 that of h².
	RateL1
	RateL2
	// RateTarget is λ times the mean over units of (mean of h over steps and sequences − target)².
	RateTarget
	// ChangeL2 is λ times the mean of (h_t − h_{t−1})² over sequences, units and all steps but the first.
	ChangeL2
	// Penalties is the number of them.
	Penalties
)

// String returns the name of a penalty in metrics.
func (p Penalty) String() string {
	return [Penalties]string{"l1", "l2", "rate_l1", "rate_l2", "rate_target", "change_l2"}[p]
}

// PenaltyValues are terms of the loss by Penalty, with their strengths.
type PenaltyValues [Penalties]float64

// addTerms adds values of type F to v.
func addTerms[F Float](v *PenaltyValues, values []F) {
	for k, x := range values {
		v[k] += float64(x)
	}
}

// PenaltyRecord collects the values of all penalties of a graph: each operation writes to a place of its own.
type PenaltyRecord struct {
	places []*PenaltyValues
	away   []gorgonia.Value // places on a device with memory of its own
}

// Away returns what operations on a device with memory of its own write to, [Penalties] each.
func (r *PenaltyRecord) Away() []gorgonia.Value { return r.away }

// Sum returns the values of the last run.
//
// Errors: a failure of work that the device had queued.
func (r *PenaltyRecord) Sum() (sum PenaltyValues, err error) {
	for _, p := range r.places {
		addTerms(&sum, p[:])
	}
	for _, v := range r.away {
		x, err := Download(v)
		if err != nil {
			return sum, err
		}
		addTerms(&sum, x)
	}
	return sum, nil
}

func (r *PenaltyRecord) place() *PenaltyValues {
	p := new(PenaltyValues)
	r.places = append(r.places, p)
	return p
}

// RatePenalty is how strongly h of every step is penalised. Layers of a network are penalised each for itself, and
// the terms add up. Steps that a mask leaves out do not count.
type RatePenalty struct {
	L1, L2   float64 // strengths of RateL1 and RateL2
	TargetL2 float64 // of RateTarget
	Target   float64
	Change   float64 // of ChangeL2
	record   *PenaltyRecord
}

// Recorded returns a copy of p that writes its values to r, nil where p has no effect.
func (p RatePenalty) Recorded(r *PenaltyRecord) *RatePenalty {
	if p.L1 == 0 && p.L2 == 0 && p.TargetL2 == 0 && p.Change == 0 {
		return nil
	}
	p.record = r
	return &p
}

// PenaliseWeights returns w, with the gradient of l1 Σ|w| + l2 Σ w² added to the one that comes back. Values go to r.
//
// Errors: those of the device.
func PenaliseWeights(dev Device, w *gorgonia.Node, l1, l2 float64, r *PenaltyRecord) (*gorgonia.Node, error) {
	return penalise(dev, w, "weights", r, PenaltyConfig{L1: l1, L2: l2})
}

// PenaliseRates returns h [T·B,H] of T steps, with the gradient of the penalty added to the one that comes back.
// Mask [T,B] is nil or the mask of the sequence, on the device.
//
// Accuracy: sums run in float64, in the order of the elements.
// Errors: those of PenaliseWeights.
func PenaliseRates(dev Device, h *gorgonia.Node, steps int, mask gorgonia.Value, p *RatePenalty) (*gorgonia.Node, error) {
	return penalise(dev, h, "rates", p.record, PenaltyConfig{Rates: p, Steps: steps, Mask: mask})
}

func penalise(dev Device, x *gorgonia.Node, of string, r *PenaltyRecord, terms PenaltyConfig) (*gorgonia.Node, error) {
	terms.Shape = x.Shape().Clone()
	c, err := rowsOn(dev, terms, x.Dtype(), newPenalty[float64](r), newPenalty[float32](r))
	if err != nil {
		return nil, err
	}
	if p, ok := c.(Penalising); ok {
		r.away = append(r.away, p.Terms())
	}
	return Compose("penalty of "+of, c, terms.Shape, []Group{{0}}, x)
}

// penalty is the Composite of a PenaltyConfig in host memory. The elements are copied, because operations downstream may
// reuse the storage.
type penalty[F Float] struct {
	PenaltyConfig
	values *PenaltyValues
	y, dx  []F
	means  []float64 // of h of each unit, with RateTarget
	on     []bool    // rows of h that count, [T·B]
	count  int       // of them
	moves  int       // pairs of rows that follow each other and count
}

// newPenalty returns what makes penalties that write their terms to places of r.
func newPenalty[F Float](r *PenaltyRecord) func(PenaltyConfig) Composite {
	return func(c PenaltyConfig) Composite {
		n := c.Shape.TotalSize()
		return &penalty[F]{PenaltyConfig: c, values: r.place(), y: make([]F, n), dx: make([]F, n)}
	}
}

// Forward implements Composite.
func (o *penalty[F]) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	x, err := Elems[F]("penalty", in[0], o.Shape...)
	if err != nil {
		return nil, err
	}
	copy(o.y, x)
	if o.Rates == nil {
		o.measureWeights(x)
	} else if err := o.measureRates(x); err != nil {
		return nil, err
	}
	return Wrap(o.y, o.Shape...), nil
}

func (o *penalty[F]) measureWeights(w []F) {
	var l1, l2 float64
	for _, v := range w {
		l1 += abs(float64(v))
		l2 += float64(v) * float64(v)
	}
	o.values[WeightL1], o.values[WeightL2] = o.L1*l1, o.L2*l2
}

func (o *penalty[F]) measureRates(h []F) error {
	p, units := o.Rates, o.Shape[1]
	if err := o.countRows(); err != nil {
		return err
	}
	if o.means == nil {
		o.means = make([]float64, units)
	}
	clear(o.means)
	var l1, l2, change, target float64
	width := len(o.on) / o.Steps
	for r, on := range o.on {
		if !on {
			continue
		}
		row := h[r*units : (r+1)*units]
		for i, v := range row {
			x := float64(v)
			l1 += abs(x)
			l2 += x * x
			o.means[i] += x
		}
		if p.Change == 0 || r < width {
			continue
		}
		for i, v := range h[(r-width)*units : (r-width+1)*units] {
			d := float64(row[i]) - float64(v)
			change += d * d
		}
	}
	n := float64(max(o.count, 1))
	for i := range o.means {
		o.means[i] /= n
		d := o.means[i] - p.Target
		target += d * d
	}
	u := float64(units)
	o.values[RateL1], o.values[RateL2] = p.L1*l1/(n*u), p.L2*l2/(n*u)
	o.values[RateTarget] = p.TargetL2 * target / u
	o.values[ChangeL2] = p.Change * change / (float64(max(o.moves, 1)) * u)
	return nil
}

// countRows finds the rows of h that count.
func (o *penalty[F]) countRows() error {
	width := o.Shape[0] / o.Steps
	if o.on == nil {
		o.on = make([]bool, o.Shape[0])
	}
	var mask []F
	if o.Mask != nil {
		var err error
		if mask, err = Elems[F]("mask of a penalty", o.Mask, o.Steps, width); err != nil {
			return err
		}
	}
	o.count, o.moves = 0, 0
	for r := range o.on {
		o.on[r] = mask == nil || mask[r] > 0
		if o.on[r] {
			o.count++
			if r >= width {
				o.moves++
			}
		}
	}
	return nil
}

// Backward implements Composite: it adds the gradient of the terms to what comes back.
func (o *penalty[F]) Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	x, err := Elems[F]("penalty", in[0], o.Shape...)
	if err != nil {
		return nil, err
	}
	dy, err := Elems[F]("gradient of a penalty", grad, o.Shape...)
	if err != nil {
		return nil, err
	}
	if o.Rates == nil {
		o.weights(x, dy)
	} else {
		o.rates(x, dy)
	}
	return []gorgonia.Value{Wrap(o.dx, len(o.dx))}, nil
}

func (o *penalty[F]) weights(w, grad []F) {
	l1, l2 := o.L1, 2*o.L2
	for i, v := range w {
		o.dx[i] = grad[i] + F(l1*sign(float64(v))+l2*float64(v))
	}
}

func (o *penalty[F]) rates(h, grad []F) {
	p, units := o.Rates, o.Shape[1]
	width := len(o.on) / o.Steps
	n, u := float64(max(o.count, 1)), float64(units)
	l1, l2, target := p.L1/(n*u), 2*p.L2/(n*u), 2*p.TargetL2/(n*u)
	change := 2 * p.Change / (float64(max(o.moves, 1)) * u)
	for r, on := range o.on {
		row := r * units
		follows := change != 0 && on && r >= width
		leads := change != 0 && r+width < len(o.on) && o.on[r+width]
		for i := range units {
			x := float64(h[row+i])
			d := 0.0
			if on {
				d = l1*sign(x) + l2*x + target*(o.means[i]-p.Target)
			}
			if follows {
				d += change * (x - float64(h[row+i-width*units]))
			}
			if leads {
				d -= change * (float64(h[row+i+width*units]) - x)
			}
			o.dx[row+i] = grad[row+i] + F(d)
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

// sign returns the sign of x, 0 of 0.
func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
