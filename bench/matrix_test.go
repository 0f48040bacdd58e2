package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"galvani/bench/rows"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
)

// little is a matrix that takes a fraction of a second.
func little(gpu *GPU) Matrix {
	return Matrix{Models: []string{"crnn-simple", "lstm"}, Steps: []int{6}, Batches: []int{1, 2}, Hiddens: []int{8}, CPU: true, GPU: gpu}
}

// runMatrix returns the rows of a matrix without that of the product, and what was logged.
func runMatrix(t *testing.T, m Matrix) (measured []Row, log string, err error) {
	t.Helper()
	err = RunMatrix(context.Background(), Config{Threads: 1, Quick: true, Program: rows.Program{Commit: "abc"},
		Log:  func(format string, args ...any) { log += fmt.Sprintf(format, args...) + "\n" },
		Each: func(r Row) error { measured = append(measured, r); return nil }}, m)
	if m.CPU && len(measured) > 0 {
		if measured[0].Case != "gemm" {
			t.Errorf("first row is %+v, want that of the product", measured[0])
		}
		measured = measured[1:]
	}
	return measured, log, err
}

// names tells the cases of rows.
func names(measured []Row) []string {
	var all []string
	for _, r := range measured {
		all = append(all, fmt.Sprintf("%s B%d %s", r.Model, r.Shape.B, r.What))
	}
	return all
}

func TestMatrixCPU(t *testing.T) {
	devicetest.CPU(t, 2)
	measured, _, err := runMatrix(t, little(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"crnn-simple B1 forward", "crnn-simple B1 forward+backward", "crnn-simple B1 training step",
		"crnn-simple B2 forward", "crnn-simple B2 forward+backward", "crnn-simple B2 training step",
		"lstm B1 forward", "lstm B1 forward+backward", "lstm B1 training step",
		"lstm B2 forward", "lstm B2 forward+backward", "lstm B2 training step"}
	if !slices.Equal(names(measured), want) {
		t.Errorf("rows %q, want %q", names(measured), want)
	}
	for _, r := range measured {
		s := r.Subject
		if r.Program.Commit != "abc" || !r.Quick || r.Machine.Threads != 1 || r.Gate == nil || !(*r.Gate <= gateTolerance) || r.Reference != nil || r.Ratio != nil {
			t.Errorf("row %+v", r)
		}
		if s.Device == nil || s.Device.Device != "cpu" || s.Device.Precision != "fp32" || s.Roof == nil || !(s.Roof.Share > 0) ||
			s.Repeats < 1 || len(s.Seconds) != 4 || s.PerSecond != float64(r.Shape.B)/s.Median || s.Interval[0] > s.Median || s.Interval[1] < s.Median {
			t.Errorf("timing %+v", s)
		}
	}
}

// standIn is the CPU in the place of a GPU.
func standIn(dev kernels.Device, name string) *GPU {
	return &GPU{dev, Hardware{Device: "cuda:0", Name: name, Precision: "fp32", Compute: "9.0", Driver: "12.2", Emulated: emulated(name, "")}}
}

func TestMatrixTwoDevices(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	m := little(standIn(dev, h100))
	m.Blocks = 6
	measured, _, err := runMatrix(t, m)
	if err != nil || len(measured) != 12 {
		t.Fatalf("%d rows, %v, want 12", len(measured), err)
	}
	for _, r := range measured {
		if r.Subject.Device.Name != h100 || r.Reference == nil || r.Reference.Device.Device != "cpu" || len(r.Subject.Seconds) != 6 || len(r.Reference.Seconds) != 6 {
			t.Errorf("row %+v, want six blocks of each device", r)
		}
		if r.Ratio == nil || r.Ratio.Kind != SpeedUp || r.Ratio.Value != r.Reference.Median/r.Subject.Median || r.Emulated {
			t.Errorf("ratio %+v, emulated %v", r.Ratio, r.Emulated)
		}
		if r.Subject.Roof == nil || !(r.Subject.Roof.Share > 0) || r.Subject.Roof.Share > 0.01 {
			t.Errorf("roofline of an H100 is %+v", r.Subject.Roof)
		}
	}
	m = little(standIn(dev, "Emulated GPU"))
	m.CPU = false
	measured, _, err = runMatrix(t, m)
	if err != nil || len(measured) != 12 {
		t.Fatalf("%d rows, %v, want 12", len(measured), err)
	}
	for _, r := range measured {
		if !r.Emulated || r.Subject.Roof != nil || r.Reference != nil {
			t.Errorf("row of an emulated GPU alone is %+v", r)
		}
	}
}

func TestEmulated(t *testing.T) {
	for _, tt := range []struct {
		name, library string
		want          bool
	}{
		{"Emulated GPU", "", true},
		{"NVIDIA H100", "/x/libgalvani_emu.so", true},
		{"NVIDIA H100", "/emulated/libcuda.so.1", false},
		{"NVIDIA H100", "", false},
	} {
		if got := emulated(tt.name, tt.library); got != tt.want {
			t.Errorf("%s of %q is emulated: %v, want %v", tt.name, tt.library, got, tt.want)
		}
	}
}

// selective is a device that treats scans of some cells in another way.
type selective struct {
	kernels.Device
	cell    string
	another func(kernels.Device, kernels.ScanConfig) (kernels.ScanPlan, error)
}

func (d selective) NewScan(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	if cfg.Cell.Header == d.cell {
		return d.another(d.Device, cfg)
	}
	return d.Device.NewScan(cfg)
}

// TestMatrixLeavesOutWrong holds that a GPU with a wrong number in h or in a gradient is not
// timed, and that the other networks are.
func TestMatrixLeavesOutWrong(t *testing.T) {
	for _, gradient := range []bool{false, true} {
		dev := selective{devicetest.CPU(t, 2), "lstm", func(d kernels.Device, cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
			return faulty{d, gradient}.NewScan(cfg)
		}}
		measured, log, err := runMatrix(t, little(standIn(dev, h100)))
		if !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "2 networks were left out") || strings.Count(log, "lstm T=6") != 2 {
			t.Errorf("gradient %v: error %v, log %q, want two networks of lstm to be wrong", gradient, err, log)
		}
		if len(measured) != 6 || slices.ContainsFunc(measured, func(r Row) bool { return r.Model == "lstm" }) {
			t.Errorf("gradient %v: rows %q, want those of crnn-simple", gradient, names(measured))
		}
	}
}

// TestMatrixTooLarge holds that what the GPU has no memory for is measured on the CPU, with the
// reason, whether the gate or a later part finds out.
func TestMatrixTooLarge(t *testing.T) {
	for _, fit := range []int{0, 2} { // scans that the memory is enough for
		made := 0
		dev := selective{devicetest.CPU(t, 2), "lstm", func(d kernels.Device, cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
			if made++; made > fit {
				return nil, fmt.Errorf("too much: %w", kernels.ErrMemory)
			}
			return d.NewScan(cfg)
		}}
		m := little(standIn(dev, "Emulated GPU"))
		m.Batches = []int{2}
		measured, log, err := runMatrix(t, m)
		if err != nil || len(measured) != 6 || !strings.Contains(log, "too much") {
			t.Fatalf("rows %q, log %q, error %v, want all rows", names(measured), log, err)
		}
		without := 0
		for _, r := range measured {
			if r.Note == "" {
				continue
			}
			without++
			if r.Model != "lstm" || !strings.Contains(r.Note, "too much") || r.Subject.Device.Device != "cpu" || r.Ratio != nil || r.Emulated {
				t.Errorf("row %+v", r)
			}
		}
		if want := 3 - fit/2; without != want {
			t.Errorf("with memory for %d scans %d rows are without the GPU, want %d", fit, without, want)
		}
	}
}

func TestMatrixStops(t *testing.T) {
	devicetest.CPU(t, 2)
	cause, full := errors.New("asked to"), errors.New("no space")
	ctx, cancel := context.WithCancelCause(context.Background())
	cfg := Config{Threads: 1, Quick: true, Log: t.Logf, Each: func(Row) error { cancel(cause); return nil }}
	if err := RunMatrix(ctx, cfg, little(nil)); !errors.Is(err, cause) {
		t.Errorf("cancelled run ends with %v, want the cause", err)
	}
	cfg.Each = func(r Row) error {
		if r.Case == caseMatrix {
			return full
		}
		return nil
	}
	if err := RunMatrix(context.Background(), cfg, little(nil)); !errors.Is(err, full) {
		t.Errorf("run ends with %v, want the error of Each", err)
	}
}

func TestMatrixCases(t *testing.T) {
	m := Matrix{Models: []string{"rnn", "crnn-simple"}, Steps: []int{200, 1000}, Batches: []int{64}, Hiddens: []int{64, 256}, Goals: true}
	all := m.cases()
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.String()] {
			t.Errorf("%s comes twice", c)
		}
		seen[c.String()] = true
	}
	if len(all) != 8+len(goals)-4 { // both of G1 and of G2 are there already
		t.Errorf("%d cases, want %d", len(all), 8+len(goals)-4)
	}
	for _, g := range goals {
		want := Case{Kind: caseMatrix, Model: g.model, Shape: g.shape}
		if !slices.Contains(all, want) {
			t.Errorf("no case for %s", g.name)
		}
	}
}

func TestGoalOf(t *testing.T) {
	c := Case{Model: "rnn", What: both, Shape: Shape{1000, 64, inputs, 64}}
	timing := func(precision, name string, median float64) Timing {
		return Timing{Median: median, Device: &Hardware{Name: name, Precision: precision, Emulated: name == "Emulated GPU"}}
	}
	for _, tt := range []struct {
		timing Timing
		bound  float64
		pass   string
	}{
		{timing("tf32", h100, 0.74e-3), 0.75, "true"},
		{timing("tf32", h100, 0.76e-3), 0.75, "false"},
		{timing("fp32", h100, 0.76e-3), 0.95, "true"},
		{timing("bf16", h100, 0.76e-3), 0, "none"},
		{timing("tf32", "Tesla T4", 0.74e-3), 0.75, "none"},
		{timing("tf32", "Emulated GPU", 0.74e-3), 0.75, "none"},
	} {
		g := goalOf(c, tt.timing)
		pass := "none"
		if g.Pass != nil {
			pass = fmt.Sprint(*g.Pass)
		}
		if g.Name != "G1" || g.Bound != tt.bound || pass != tt.pass {
			t.Errorf("%+v: goal %+v, pass %s, want bound %v, pass %s", tt.timing.Device, *g, pass, tt.bound, tt.pass)
		}
	}
	c.Shape.B = 63
	if g := goalOf(c, timing("tf32", h100, 1)); g != nil {
		t.Errorf("another shape has goal %+v", *g)
	}
}

// duel is a row of a GPU that is faster by the given interval.
func duel(b, h int, least, most float64) Row {
	s, cpu := Shape{T: 200, B: b, I: inputs, H: h}, float64(b*h)*1e-6
	on := func(device string, seconds float64) Timing {
		return Timing{Median: seconds, Interval: rows.Interval{seconds * 0.9, seconds * 1.1}, Device: &Hardware{Device: device, Precision: "fp32"}}
	}
	ref := on("cpu", cpu)
	return Row{Case: caseMatrix, Model: "rnn", What: step, Shape: s, Subject: on("cuda:0", cpu/least), Reference: &ref,
		Ratio: &Ratio{Kind: SpeedUp, Value: (least + most) / 2, Interval: rows.Interval{least, most}}}
}

func TestCrossovers(t *testing.T) {
	for name, tt := range map[string]struct {
		measured []Row
		want     []Crossover
	}{
		"middle":    {[]Row{duel(64, 8, 3, 4), duel(1, 8, .1, .2), duel(16, 8, 1.1, 1.2), duel(4, 8, .9, 1.2)}, []Crossover{{"rnn", step, 200, "B", 8, 16, 1, 64}}},
		"always":    {[]Row{duel(1, 8, 2, 3), duel(4, 8, 2, 3)}, []Crossover{{"rnn", step, 200, "B", 8, 1, 1, 4}}},
		"never":     {[]Row{duel(1, 8, .2, .3), duel(4, 8, .2, .3)}, []Crossover{{"rnn", step, 200, "B", 8, 0, 1, 4}}},
		"back":      {[]Row{duel(1, 8, 2, 3), duel(4, 8, .9, 1.1), duel(16, 8, 2, 3)}, []Crossover{{"rnn", step, 200, "B", 8, 16, 1, 16}}},
		"per H":     {[]Row{duel(1, 8, .2, .3), duel(4, 8, 2, 3), duel(1, 32, 2, 3), duel(4, 32, 2, 3)}, []Crossover{{"rnn", step, 200, "B", 8, 4, 1, 4}, {"rnn", step, 200, "B", 32, 1, 1, 4}}},
		"along H":   {[]Row{duel(4, 8, .2, .3), duel(4, 64, 2, 3), duel(4, 32, .5, 2)}, []Crossover{{"rnn", step, 200, "H", 4, 64, 8, 64}}},
		"one point": {[]Row{duel(4, 8, 2, 3)}, nil},
		"CPU alone": {[]Row{{Case: caseMatrix, Shape: Shape{B: 1}}, {Case: caseMatrix, Shape: Shape{B: 2}}}, nil},
	} {
		if got := Crossovers(tt.measured); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestCharts(t *testing.T) {
	measured := []Row{{Case: "gemm"}, duel(1, 8, .5, .6), duel(16, 8, 2, 3), duel(1, 32, .5, .6), duel(16, 32, 2, 3), duel(512, 1024, 2, 3)}
	charts := Charts(measured)
	if got := slices.Collect(maps.Keys(charts)); !slices.Equal(got, []string{"rnn-T200-training-step"}) {
		t.Fatalf("charts %q", got)
	}
	c := charts["rnn-T200-training-step"]
	var series []string
	for _, s := range c.Series {
		series = append(series, fmt.Sprintf("%s: hue %d, dashed %v, at %v", s.Name, s.Hue, s.Dashed, s.X))
	}
	want := []string{"cuda:0 fp32, H=8: hue 1, dashed false, at [1 16]", "cpu fp32, H=8: hue 1, dashed true, at [1 16]",
		"cuda:0 fp32, H=32: hue 2, dashed false, at [1 16]", "cpu fp32, H=32: hue 2, dashed true, at [1 16]"}
	if !slices.Equal(series, want) {
		t.Errorf("series %q, want %q", series, want)
	}
	if len(c.Marks) != 2 || c.Marks[0].X != 16 || c.Marks[0].Y != measured[2].Subject.Median*1e3 || !slices.Equal(c.XTicks, []float64{1, 16}) {
		t.Errorf("marks %+v, ticks %v, want two at B=16, ticks at 1 and 16", c.Marks, c.XTicks)
	}
	text, err := c.Render("svg")
	if err != nil || !bytes.Contains(text, []byte("GPU from B=16")) || regexp.MustCompile("NaN|EMULATED").Match(text) {
		t.Errorf("picture (%v) without its mark, with NaN, or called emulated", err)
	}
	along := Charts([]Row{duel(4, 8, .5, .6), duel(4, 32, 2, 3)})["rnn-T200-training-step"]
	if along.XLabel != "hidden units H" || len(along.Series) != 2 || len(along.Marks) != 1 || along.Marks[0].X != 32 {
		t.Errorf("along H the chart is %+v", along)
	}
	measured[3].Emulated = true
	if c := Charts(measured)["rnn-T200-training-step"]; !strings.Contains(c.Title, "EMULATED") {
		t.Errorf("title of an emulated GPU is %q", c.Title)
	}
}
