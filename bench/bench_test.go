package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"galvani/bench/rows"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestFLOPs(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	s := Shape{T: 5, B: 2, I: 7, H: 3}
	for model, gates := range map[string]float64{"crnn": 0, "crnn-simple": 1, "rnn": 1, "gru": 3, "lstm": 4, "lstm:layers": 8} {
		p, err := newProblem[float32](model, s)
		if err != nil {
			t.Fatal(err)
		}
		want := 2 * gates * 2 * 9 * 5 // 2·G·B·H² per step
		if f, b := p.flops(false), p.flops(true); f != want || b != 3*want {
			t.Errorf("%s: %v forward, %v in all, want %v and %v", model, f, b, want, 3*want)
		}
	}
	// 24·B·H² and 2 passes of 2·B·I·4H per step; a second layer has inputs of its own, with a third pass.
	one, above := 24.0*2*9*5+2*2*2*5*7*4*3, 24.0*2*9*5+3*2*2*5*3*4*3
	for model, want := range map[string]float64{"lstm": one, "lstm:feedback": one, "lstm:layers": one + above} {
		c, err := trainStep(model, s, dev)
		if err != nil {
			t.Fatal(err)
		}
		if c.flops != want {
			t.Errorf("training step of %s: %v, want %v", model, c.flops, want)
		}
		if err := c.free(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := bind("lstm:nonesuch", s); err == nil {
		t.Error("a network of a form that there is not is bound")
	}
}

// TestRunQuick runs every case at tiny shapes.
func TestRunQuick(t *testing.T) {
	devicetest.CPU(t, 2)
	start := time.Now()
	var measured []Row
	err := Run(context.Background(), Config{Threads: 2, Quick: true, Python: "no-such-python", Program: rows.Program{Commit: "abc"},
		Log: t.Logf, Each: func(r Row) error { measured = append(measured, r); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range measured {
		seen[r.Case+" "+r.Model+" "+r.What] = true
		s := r.Subject
		if r.Schema != rows.Schema || !r.Quick || r.Program.Commit != "abc" || r.Machine.Threads != 2 || r.Machine.ISA == "" {
			t.Errorf("head of %+v", r)
		}
		if len(s.Seconds) < 4 || !(s.Median > 0) || s.Interval[0] > s.Median || s.Interval[1] < s.Median {
			t.Errorf("%s %s %s: %+v", r.Case, r.Model, r.What, s)
		}
		if r.Case == "gemm" {
			continue
		}
		if r.Gate == nil || *r.Gate > gateTolerance || r.Reference == nil || len(r.Reference.Seconds) < 4 {
			t.Errorf("%s %s %s: gate %v, reference %+v", r.Case, r.Model, r.What, r.Gate, r.Reference)
		}
		if r.Model != "crnn" && (r.Ratio == nil || !(r.Ratio.Value > 0) || r.Ratio.Pass != nil) {
			t.Errorf("%s %s %s: ratio %+v, want one without a bound", r.Case, r.Model, r.What, r.Ratio)
		}
	}
	for _, want := range []string{"gemm  product", "scan crnn-simple forward", "scan crnn-simple forward+backward",
		"scan crnn forward+backward", "scan rnn forward", "scan gru forward", "scan lstm forward+backward",
		"train lstm training step", "train lstm:dale training step", "train lstm:layers training step", "train lstm:feedback training step",
		"form rate:noise training step", "form lstm:dropout training step", "form lstm:h0 training step", "form lstm:layers training step",
		"threads crnn-simple forward+backward", "graph crnn-simple forward+backward"} {
		if !seen[want] {
			t.Errorf("no row for %s", want)
		}
	}
	t.Logf("%d rows in %v", len(measured), time.Since(start))
}

// TestOnly holds that a run takes the cases asked for, with the product that they refer to, or that alone, and that one thread is
// not held against itself.
func TestOnly(t *testing.T) {
	devicetest.CPU(t, 2)
	for only, want := range map[string][]string{"train lstm training.*H=128": {"gemm ", "train lstm"}, "gemm product": {"gemm "}, "threads crnn-simple": nil} {
		var got []string
		err := Run(context.Background(), Config{Threads: 1, Quick: true, Only: regexp.MustCompile(only),
			Log: t.Logf, Each: func(r Row) error { got = append(got, r.Case+" "+r.Model); return nil }})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: rows %q, error %v, want %q", only, got, err, want)
		}
	}
}

func TestRunStops(t *testing.T) {
	devicetest.CPU(t, 2)
	cause, full := errors.New("asked to"), errors.New("no space")
	ctx, cancel := context.WithCancelCause(context.Background())
	cfg := Config{Threads: 1, Quick: true, Log: t.Logf, Each: func(Row) error { cancel(cause); return nil }}
	if err := Run(ctx, cfg); !errors.Is(err, cause) {
		t.Errorf("cancelled run ends with %v, want the cause", err)
	}
	cfg.Each = func(Row) error { return full }
	if err := Run(context.Background(), cfg); !errors.Is(err, full) {
		t.Errorf("run ends with %v, want the error of Each", err)
	}
}

// faulty is a device whose scans in float32 compute one number wrong.
type faulty struct {
	kernels.Device
	gradient bool // in the gradient, otherwise in h
}

func (d faulty) NewScan(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	p, err := d.Device.NewScan(cfg)
	if err != nil || cfg.Dtype != tensor.Float32 {
		return p, err
	}
	return faultyPlan{p, d.gradient}, nil
}

type faultyPlan struct {
	kernels.ScanPlan
	gradient bool
}

func (p faultyPlan) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	v, err := p.ScanPlan.Forward(a)
	if err == nil && !p.gradient {
		spoil(v)
	}
	return v, err
}

func (p faultyPlan) Backward(a kernels.ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	v, err := p.ScanPlan.Backward(a, dh)
	if err == nil && p.gradient {
		spoil(v)
	}
	return v, err
}

// spoil changes one element by a thousandth of the largest.
func spoil(v gorgonia.Value) {
	e := v.Data().([]float32)
	largest := 0.0
	for _, x := range e {
		largest = max(largest, math.Abs(float64(x)))
	}
	e[len(e)/2] += float32(largest / 1000)
}

// TestGate holds that right kernels pass and that one wrong number in h or in a gradient is
// seen.
func TestGate(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	s := Shape{T: 20, B: 3, I: 4, H: 17}
	for _, model := range []string{"crnn-simple", "crnn", "rnn", "gru", "lstm", "lstm:layers"} {
		if d, err := gate(model, s, dev); err != nil || !(d > 0) {
			t.Errorf("%s: deviation %v, error %v, want a small one and none", model, d, err)
		}
		for _, gradient := range []bool{false, true} {
			t.Run(fmt.Sprint(model, " gradient ", gradient), func(t *testing.T) {
				if d, err := gate(model, s, faulty{dev, gradient}); !errors.Is(err, ErrWrong) {
					t.Errorf("deviation %v, error %v, want ErrWrong", d, err)
				}
			})
		}
	}
}

func TestDeviation(t *testing.T) {
	for _, tt := range []struct {
		got, want []float64
		dev       float64
	}{
		{[]float64{1, 2}, []float64{1, 2}, 0},
		{[]float64{0}, []float64{0}, 0},
		{[]float64{1, 2.5}, []float64{1, 2}, 0.25},
		{[]float64{1e-9}, []float64{0}, math.Inf(1)},
	} {
		if got := deviation(tt.got, tt.want); got != tt.dev {
			t.Errorf("deviation of %v from %v is %v, want %v", tt.got, tt.want, got, tt.dev)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		if d := deviation([]float64{bad, 1}, []float64{1, 1}); d <= gateTolerance {
			t.Errorf("deviation of %v is %v", bad, d)
		}
	}
}
