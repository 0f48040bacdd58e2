package bench

import (
	"errors"
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// The cables are those of the built-in neuron cableName. From cableOnset ms on, cell k gets 0.3 + 0.002 k nA
// into its near end.
const (
	cableName  = "hh-cable"
	cableOnset = 1
)

// cables are cells side by side with all their numbers.
type cables[F kernels.Float] struct {
	dev    kernels.Device
	cfg    kernels.ScanConfig
	args   kernels.ScanArgs
	ahead  kernels.ScanPlan // forward alone
	plan   kernels.ScanPlan
	dh     []F
	v      []F // [T,B,2], of the last run
	packed []F // gradient by the densities of sodium and potassium
}

// newCables returns the cells in float32 and in float64.
func newCables(cells, steps int, dev kernels.Device) (*cables[float32], *cables[float64], error) {
	q, err := newCable[float32](cells, steps, dev)
	if err != nil {
		return nil, nil, err
	}
	exact, err := newCable[float64](cells, steps, dev)
	return q, exact, err
}

func newCable[F kernels.Float](cells, steps int, dev kernels.Device) (*cables[F], error) {
	n, err := neurons.Load(cableName)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	c, err := n.Compile(neurons.Options{Learn: []string{"g_na", "g_k"}})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	units := c.Neuron.Units()
	c.Neuron.Record = []int32{0, int32(units - 1)}
	params, values, state := neurons.Batch(repeated(c, cells))
	q := &cables[F]{dev: dev, cfg: kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: c.Neuron.States(), Rest: c.Rest}, T: steps, B: cells, I: 1, H: 2,
		Dtype: tensor.Float32, Params: params}}
	if _, double := any(*new(F)).(float64); double {
		q.cfg.Dtype = tensor.Float64
	}
	x := make([]F, steps*cells)
	for i := range x {
		if float64(i/cells) >= math.Round(cableOnset/c.Neuron.Dt) {
			x[i] = F(cableCurrent(i%cells) / n.Inputs[0].Weight)
		}
	}
	q.args = kernels.ScanArgs{X: kernels.Wrap(x, steps, cells, 1), State: kernels.Wrap(convert[F](state), len(c.Rest), cells, units)}
	for i, p := range params {
		q.args.Params = append(q.args.Params, kernels.Wrap(convert[F](values[i][:p.Len()]), p.Shape...))
	}
	q.dh = make([]F, steps*cells*2)
	if q.plan, err = dev.NewScan(q.cfg); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	alone := q.cfg
	alone.ForwardOnly = true
	if q.ahead, err = dev.NewScan(alone); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return q, nil
}

// repeated returns cells that are all the same.
func repeated(c *neurons.Compiled, cells int) []*neurons.Compiled {
	all := make([]*neurons.Compiled, cells)
	for i := range all {
		all[i] = c
	}
	return all
}

// cableCurrent is the current of a cell in nA.
func cableCurrent(cell int) float64 { return 0.3 + 0.002*float64(cell) }

// shape names the cells as rows do: H is the number of compartments.
func (q *cables[F]) shape() Shape {
	return Shape{T: q.cfg.T, B: q.cfg.B, I: q.cfg.I, H: q.cfg.Units()}
}

// forward runs all cells.
func (q *cables[F]) forward() error {
	h, err := q.ahead.Forward(q.args)
	if err == nil {
		q.v = h.Data().([]F)
	}
	return err
}

// gradient runs all cells and goes back, from the mean square of V.
func (q *cables[F]) gradient() error {
	h, err := q.plan.Forward(q.args)
	if err != nil {
		return err
	}
	q.v = h.Data().([]F)
	for i, v := range q.v {
		q.dh[i] = 2 * v / F(len(q.dh))
	}
	g, err := q.plan.Backward(q.args, kernels.Wrap(q.dh, q.cfg.T*q.cfg.B, 2))
	if err == nil {
		q.packed = g.Data().([]F)
	}
	return err
}

// shiftTolerance bounds the deviation of V and of the gradient from float64. V rises by 8 mV in a step of
// 0.025 ms where a spike begins, a tenth of its largest value, and a spike may come a hundredth of a step
// sooner or later; the gradient is nearly all of the times of spikes.
const shiftTolerance = 1e-3

// gate holds V to that of float64, forward and both, and the gradient too. Exact has then run. It returns
// the largest deviations by what is timed.
//
// Errors: ErrWrong.
func (q *cables[F]) gate(exact *cables[float64]) (map[string]float64, error) {
	worst := map[string]float64{}
	hold := func(what string, pairs ...pair) (err error) {
		worst[what], err = judge(cableName, q.shape(), q.dev, shiftTolerance, append(pairs, pair{"V", convert[float64](q.v), exact.v}))
		return err
	}
	if err := errors.Join(exact.gradient(), q.forward()); err != nil {
		return nil, err
	}
	if err := hold(forward); err != nil {
		return nil, err
	}
	if err := q.gradient(); err != nil {
		return nil, err
	}
	return worst, hold(both, pair{"gradient", convert[float64](q.packed), exact.packed})
}

// cableRequest describes the cells to a simulator.
type cableRequest struct {
	Compartments int       `json:"compartments"`
	Length       float64   `json:"length"`   // um
	Diameter     float64   `json:"diameter"` // um
	Steps        int       `json:"steps"`
	Dt           float64   `json:"dt"`       // ms
	Onset        float64   `json:"onset"`    // ms
	Currents     []float64 `json:"currents"` // nA, of each cell
}

func (q *cables[F]) request() *cableRequest {
	r := &cableRequest{Compartments: q.cfg.Units(), Length: 2000, Diameter: 2, Steps: q.cfg.T, Dt: q.cfg.Cell.Neuron.Dt, Onset: cableOnset}
	for cell := range q.cfg.B {
		r.Currents = append(r.Currents, cableCurrent(cell))
	}
	return r
}

// traces returns V of both ends of the first and the last cell, from the start on.
func (q *cables[F]) traces() [][]float64 {
	var all [][]float64
	for _, cell := range []int{0, q.cfg.B - 1} {
		for end := range 2 {
			v := []float64{q.cfg.Cell.Rest[0]}
			for t := range q.cfg.T {
				v = append(v, float64(q.v[(t*q.cfg.B+cell)*2+end]))
			}
			all = append(all, v)
		}
	}
	return all
}

// traceBounds are the largest mean deviations of V of a simulator in mV from the cables in float64: NEURON
// takes the same steps in float64, Jaxley in float32.
var traceBounds = map[string]float64{"neuron": 0.01, "jaxley": 0.05}

// simulation has a simulator build and run the cells of exact, which has run, and holds its V to it. What it
// says of the gradient is noted, as the best known simulator does not find it in float32.
//
// Errors: ErrWrong.
func (p *peer) simulation(name, what string, exact *cables[float64]) (s simulation, err error) {
	a, err := p.ask(request{Do: "cable", What: what, Cable: exact.request()})
	if err != nil {
		return s, err
	}
	worst := 0.0
	want := exact.traces()
	for i, v := range want {
		if i >= len(a.Traces) || len(a.Traces[i]) != len(v) {
			return s, fmt.Errorf("bench: peers.py: %d traces, want %d of %d numbers", len(a.Traces), len(want), len(v))
		}
		sum := 0.0
		for k := range v {
			sum += math.Abs(orNaN(a.Traces[i][k]) - v[k])
		}
		if mean := sum / float64(len(v)); !(mean <= worst) {
			worst = mean
		}
	}
	if bound := traceBounds[name]; !(worst <= bound) {
		return s, fmt.Errorf("bench: V of %s deviates by %.2g mV in the mean, want at most %g: %w", p.name, worst, bound, ErrWrong)
	}
	s = simulation{contestant{name: p.name, run: p.time}, what, name, worst, fmt.Sprintf("V of the reference deviates by %.2g mV in the mean", worst)}
	if what == both {
		s.note += ", its gradient " + deviates(a.Gradient, exact.packed)
	}
	return s, nil
}

// deviates says how far a gradient is off.
func deviates(got []*float64, want []float64) string {
	if len(got) != len(want) {
		return "is missing"
	}
	v := make([]float64, len(got))
	for i, x := range got {
		v[i] = orNaN(x)
	}
	d := deviation(v, want)
	if math.IsNaN(d) {
		return "is not a number"
	}
	return fmt.Sprintf("by %.2g of the largest element", d)
}

// orNaN returns a number, NaN for one that JSON has not.
func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
