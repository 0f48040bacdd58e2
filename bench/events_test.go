package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/data"
	"galvani/kernels/devices/devicetest"
)

// TestRunEventsQuick runs every kind of timing at a tiny shape, and holds the counted work to the
// density.
func TestRunEventsQuick(t *testing.T) {
	devicetest.CPU(t, 2)
	var rows []Row
	e := Events{Models: []string{"crnn", "crnn-simple"}, Inputs: []int{40}, Densities: []float64{0.05, 0.2}, Links: []float64{0.5}, Steps: 60, Hidden: 6}
	cfg := Config{Threads: 1, Quick: true, Log: t.Logf, Each: func(r Row) error { rows = append(rows, r); return nil }}
	if err := RunEvents(context.Background(), cfg, e); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range rows {
		seen[r.Model+" "+r.What]++
		w := r.Events
		if r.Gate == nil || *r.Gate > eventTolerance || r.Reference == nil || r.Ratio == nil || !(r.Ratio.Value > 0) {
			t.Errorf("%s %s: gate %v, reference %+v, ratio %+v", r.Model, r.What, r.Gate, r.Reference, r.Ratio)
		}
		// At least some 120 of 2400 inputs, and half the weights.
		if share := float64(w.Done.Input) / float64(w.Clocked.Input); !(share > 0.3*w.Density && share < 0.7*w.Density) {
			t.Errorf("%s %s: %.3g of the input products were computed, want about half of %v", r.Model, r.What, share, w.Density)
		}
		if (r.What == onlyTraces) != (w.Done.Units == 0) || w.Done.Units > w.Clocked.Units {
			t.Errorf("%s %s: %d of %d voltages", r.Model, r.What, w.Done.Units, w.Clocked.Units)
		}
	}
	for _, model := range e.Models {
		for what, n := range map[string]int{onlyTraces: 2, wholeCell: 6, inBurst: 3} {
			if seen[model+" "+what] != n {
				t.Errorf("%s %s: %d rows, want %d", model, what, seen[model+" "+what], n)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := RunEvents(ctx, cfg, e); !errors.Is(err, context.Canceled) {
		t.Errorf("error of a cancelled run is %v", err)
	}
	e.Models = []string{"lstm"}
	if err := RunEvents(context.Background(), cfg, e); err == nil {
		t.Error("an LSTM was timed")
	}
}

// TestEventGateCanFail plants a fault in the traces, and one in the voltages.
func TestEventGateCanFail(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	p, err := newEventProblem("crnn", Shape{T: 5, B: 1, I: 4, H: 3}, 0.5, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gateError(p.gateCell(dev)), gateError(p.gateTraces(dev))); err != nil {
		t.Fatal(err)
	}
	for n, frame := range p.sparse {
		if len(frame) > 0 {
			p.sparse[n][0].weight *= 1.001
			break
		}
	}
	for what, err := range map[string]error{"cell": gateError(p.gateCell(dev)), "traces": gateError(p.gateTraces(dev))} {
		if !errors.Is(err, ErrWrong) {
			t.Errorf("%s: error of a wrong weight is %v, want ErrWrong", what, err)
		}
	}
}

// TestBinsFollowEvents holds a net that steps from bin to bin to traces of the same events at the
// ends of their bins: bins of any length lose nothing but the digits of float32.
func TestBinsFollowEvents(t *testing.T) {
	const inputs, stepMs, widthMs, endMs = 4, 10, 3, 400
	p, err := newEventProblem("crnn", Shape{T: 5, B: 1, I: inputs, H: 3}, 0.5, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var events []data.Event
	for at := 0.0; at < endMs-widthMs; at += 20 * r.ExpFloat64() {
		events = append(events, data.Event{Time: at, Unit: r.IntN(inputs), Weight: float64(r.Float32())})
	}
	x, lengths := make([]float32, 100*inputs), make([]float32, 100)
	if err := data.Bins(x, lengths, inputs, stepMs, widthMs, endMs, events); err != nil {
		t.Fatal(err)
	}
	now, next := 0.0, 0
	for b, length := range lengths {
		if length == 0 {
			break
		}
		now += float64(length)
		sums := map[int]float64{}
		for ; next < len(events) && events[next].Time < now*stepMs-1e-4; next++ {
			sums[events[next].Unit] += events[next].Weight
		}
		for i, v := range x[b*inputs : (b+1)*inputs] {
			if math.Abs(float64(v)-sums[i]) > 1e-6 {
				t.Fatalf("bin %d holds %v of input %d, want %v", b, v, i, sums[i])
			}
			if err := errors.Join(p.net.Event(i, float64(v)), p.traces.Event(now, i, sums[i])); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.net.Step(float64(length)); err != nil {
			t.Fatal(err)
		}
	}
	if math.Abs(now-endMs/stepMs) > 1e-4 || next != len(events) {
		t.Errorf("the bins end after %v steps and %d of %d events", now, next, len(events))
	}
	fast, slow := p.net.Traces()
	wantFast, wantSlow, err := p.traces.Read(now)
	if err != nil {
		t.Fatal(err)
	}
	if d := max(deviation(fast, wantFast), deviation(slow, wantSlow)); !(d < 1e-6) {
		t.Errorf("traces deviate by %v", d)
	}
}

func gateError(_ float64, err error) error { return err }
