package charged

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/data"
)

// respond adds to r the mean time of the peak of each response at each l/|v|, ms before collision.
func (s *looming) respond(ctx context.Context, n *experiment.Trained, eye data.Looming, r *experiment.Result) error {
	r.Curves["lv"] = s.LV
	out, err := newReadout(n)
	if err != nil {
		return err
	}
	for _, lv := range s.LV {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		peaks, err := s.peaks(n, out, eye, lv)
		if err != nil {
			return err
		}
		for _, name := range responses {
			r.Curves["peak_"+name] = append(r.Curves["peak_"+name], peaks[name])
		}
	}
	return nil
}

// peaks shows approaches of one l/|v| and returns the mean time of the peak of each response, ms
// before collision; NaN for a response that has none inside half of the sequences.
func (s *looming) peaks(n *experiment.Trained, out readout, eye data.Looming, lv float64) (map[string]float64, error) {
	eye.LvMin, eye.LvMax, eye.Coherence, eye.Jitter, eye.Background, eye.Spread = lv, lv, 100, 0, 0, cleanSpread
	eye.Steps, eye.TestSize = int(float64(eye.Steps)*longer), drawn*s.Samples
	task, err := eye.Open(data.Env{Seed: 1})
	if err != nil {
		return nil, err
	}
	set := task.Test.(data.Timed)
	b := data.NewBatch(task, s.Samples+1) // the last one stays without events
	left := make([][]float64, 0, s.Samples)
	for i := 0; len(left) < s.Samples; i++ {
		if i == set.Len() {
			return nil, fmt.Errorf("of %d approaches %d end %d ms after the collision, want %d", i, len(left), cleanAfter, s.Samples)
		}
		if task.Classes[set.Class(i)] != "loom" {
			continue
		}
		if time := set.TimeToCollision(i); time[len(time)-1] <= -cleanAfter {
			if err := set.Fill(b, len(left), 0, i); err != nil {
				return nil, err
			}
			left = append(left, time)
		}
	}
	tensors, err := n.Session.Trace(b)
	if err != nil {
		return nil, err
	}
	h, err := experiment.Traced(tensors, "h")
	if err != nil {
		return nil, err
	}
	sum, count := map[string]float64{}, map[string]float64{}
	for col, time := range left {
		for name, y := range s.courses(b, h, out, col) {
			if at := peak(smooth(y, smoothing/eye.StepMs)); !math.IsNaN(at) {
				sum[name] += time[0] - at*eye.StepMs
				count[name]++
			}
		}
	}
	for _, name := range responses {
		if sum[name] /= count[name]; 2*count[name] <= float64(len(left)) {
			sum[name] = math.NaN()
		}
	}
	return sum, nil
}

// courses returns the responses of one column at every step, from states h [T,B,H].
func (s *looming) courses(b *data.Batch, h []float32, out readout, col int) map[string][]float64 {
	units := len(h) / (b.T * b.B)
	all := map[string][]float64{}
	for t := range b.T {
		state := h[(t*b.B+col)*units:][:units]
		blank := h[(t*b.B+b.B-1)*units:][:units]
		activity, events := 0.0, 0.0
		for i, v := range state {
			activity += math.Abs(float64(v-blank[i])) / float64(units)
		}
		for _, v := range b.X[(t*b.B+col)*b.I:][:b.I] {
			events += float64(v)
		}
		all["activity"], all["events"] = append(all["activity"], activity), append(all["events"], events)
		all["log-odds"] = append(all["log-odds"], out.logOdds(state))
	}
	return all
}

// readout is a network's read-out, for states inside a sequence.
type readout struct{ weight, bias []float64 } // [O,H], [O]

func newReadout(n *experiment.Trained) (r readout, err error) {
	if r.weight, err = n.Parameter("readout.weight"); err == nil {
		r.bias, err = n.Parameter("readout.bias")
	}
	return r, err
}

// logOdds returns the logarithm of the odds of the first class in state h [H].
func (r readout) logOdds(h []float32) float64 {
	first, others := 0.0, math.Inf(-1)
	for k, b := range r.bias {
		z := b
		for i, w := range r.weight[k*len(h):][:len(h)] {
			z += w * float64(h[i])
		}
		if k == 0 {
			first = z
		} else {
			others = max(others, z) + math.Log1p(math.Exp(-math.Abs(others-z)))
		}
	}
	return first - others
}
