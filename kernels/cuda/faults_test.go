//go:build gpu

package cuda

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// story is a training step with all that a device does, from opening it to closing it.
func story() (err error) {
	d, err := Open(0, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p := conform.NewProblem[float32](conform.VariantOf("lstm/0"), conform.Sizes{T: 3, B: 2, I: 2, H: 5, Last: true}, 1)
	var mirrors []kernels.Mirror
	place := func(v gorgonia.Value) gorgonia.Value {
		if err != nil {
			return nil
		}
		var m kernels.Mirror
		if m, err = d.Mirror(v.(*tensor.Dense)); err != nil {
			return nil
		}
		mirrors = append(mirrors, m)
		return m.View(0, v.Shape()...)
	}
	args := kernels.ScanArgs{X: place(p.Args.X), State: place(p.Args.State)}
	for _, v := range p.Args.Params {
		args.Params = append(args.Params, place(v))
	}
	target, weight := place(kernels.Wrap(make([]float32, 10), 2, 5)), place(kernels.Wrap([]float32{1, 1}, 2))
	n := p.Cfg.Learned()
	params, slot := kernels.Wrap(make([]float32, n), n), kernels.Wrap(make([]float32, n), n)
	place(params)
	place(slot)
	if err != nil {
		return err
	}
	var scan kernels.ScanPlan
	var loss kernels.LossPlan
	var update kernels.UpdatePlan
	var sums kernels.GradientSums
	for _, plan := range []func() error{
		func() (err error) { scan, err = d.NewScan(p.Cfg); return err },
		func() (err error) {
			loss, err = d.NewLoss(kernels.LossConfig{Kind: kernels.MeanSquaredError, N: 2, O: 5})
			return err
		},
		func() (err error) {
			last := len(mirrors) - 1
			update, err = d.NewUpdate(kernels.UpdateConfig{Rule: conform.PlainSGD(), Learned: n, Params: mirrors[last-1], Slots: mirrors[last:]})
			return err
		},
		func() (err error) { sums, err = update.NewSums(2); return err },
	} {
		before := d.Usage().InUse
		if err := plan(); err != nil {
			if now := d.Usage().InUse; now != before {
				return fmt.Errorf("%w: %d bytes, %d before: %w", errLeft, now, before, err)
			}
			return err
		}
	}
	if err := mirrors[0].Push(); err != nil {
		return err
	}
	h, err := scan.Forward(args)
	if err != nil {
		return err
	}
	mean, err := loss.Forward(h, target, weight)
	if err != nil {
		return err
	}
	dh, err := loss.Backward(h, target, weight, 1)
	if err != nil {
		return err
	}
	grad, err := scan.Backward(args, dh)
	if err != nil {
		return err
	}
	for level := range 2 {
		if err := sums.Put(level, []gorgonia.Value{grad}, 1); err != nil {
			return err
		}
	}
	sums.Add(0)
	if err := sums.On(func(_, _ []float32, add func(lo, hi int) error) error { return add(0, n) }); err != nil {
		return err
	}
	if err := conform.Gathered(update, []gorgonia.Value{grad}, mean, 0.1, 1); err != nil {
		return err
	}
	rs, err := update.Reports(true)
	if err != nil {
		return err
	}
	if len(rs) != 1 || rs[0].State != kernels.Updated {
		return fmt.Errorf("reports %+v, want one update", rs)
	}
	return mirrors[len(mirrors)-2].Pull()
}

// errLeft says that a plan that failed left memory in use.
var errLeft = errors.New("memory left in use")

// kind names what a caller would take an error for.
func kind(err error) string {
	for _, k := range []struct {
		name string
		err  error
	}{{"left", errLeft}, {"memory", kernels.ErrMemory}, {"lost", kernels.ErrLost}, {"fault", kernels.ErrFault}, {"none", kernels.ErrNoDevice}} {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	if err != nil {
		return "other"
	}
	return "fine"
}

// storyMark begins the line that tells how the story went.
const storyMark = "the story ends: "

// TestStory tells the story once. TestFaults runs it in processes of their own, where the
// emulated driver fails on order.
func TestStory(t *testing.T) {
	err := story()
	if errors.Is(err, kernels.ErrNoDevice) && os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skipf("no GPU (make gpu-test runs this on the emulated driver): %v", err)
	}
	fmt.Printf("%s%s: %q\n", storyMark, kind(err), fmt.Sprint(err))
	if err != nil {
		t.Error(err)
	}
}

// tell runs the story in a process of its own with faults on order, and returns how it ended
// and what the emulated driver had to report.
func tell(t *testing.T, faults string) (end, line, report string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(os.Args[0], "-test.run=^TestStory$")
	cmd.Env = append(os.Environ(), "GALVANI_EMU_FAIL="+faults, "GALVANI_EMU_LOG="+log)
	out, _ := cmd.CombinedOutput() // it fails where the story does
	for _, l := range strings.Split(string(out), "\n") {
		if rest, ok := strings.CutPrefix(l, storyMark); ok {
			end, line, _ = strings.Cut(rest, ": ")
		}
	}
	if end == "" {
		t.Fatalf("%s: the process ended without an outcome:\n%s", faults, out)
	}
	told, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return end, line, string(bytes.TrimSpace(told))
}

// TestFaults lets every allocation, and calls of each other kind, fail once, and wants an
// error that says what kind of failure it was, and no memory left behind.
func TestFaults(t *testing.T) {
	if os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skip("needs the emulated driver: make gpu-test")
	}
	for _, c := range []struct {
		call  string
		code  int
		want  string
		every int // of the calls, one of so many
	}{
		{"cuMemAlloc_v2", 2, "memory", 1},
		{"cuMemHostAlloc", 2, "memory", 1},
		{"cuCtxCreate_v2", 2, "memory", 1},
		{"cuModuleLoadDataEx", 222, "none", 2},
		{"cuLaunchKernel", 719, "fault", 7},
		{"cuLaunchKernel", 702, "lost", 11},
		{"cuMemcpyHtoDAsync_v2", 214, "lost", 5},
		{"cuMemcpyDtoDAsync_v2", 700, "fault", 3},
		{"cuStreamSynchronize", 220, "lost", 5},
	} {
		n, failed := 1, 0
		for ; ; n += c.every {
			faults := fmt.Sprintf("%s:%d:%d", c.call, n, c.code)
			end, line, report := tell(t, faults)
			if report != "" {
				t.Errorf("%s: the emulated driver reports %s", faults, report)
			}
			if end == "fine" {
				break
			}
			failed++
			if end != c.want || !strings.Contains(line, c.call[:6]) {
				t.Errorf("%s: ends as %s with %s, want %s and the name of the call", faults, end, line, c.want)
			}
		}
		if failed == 0 {
			t.Errorf("%s was not called", c.call)
		}
	}
}
