//go:build cgo

package cpu

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"galvani/kernels/conform"
)

// longScan is the environment variable that makes the test binary the process that is measured.
const longScan = "GALVANI_TEST_LONG_SCAN"

// A scan with T=100000, B=8, H=64 may keep longScanKeeps. As much again, and 128 MiB, is for the inputs,
// scratch and the Go runtime; all hidden states are 195 MiB, their gradients as much.
const (
	longScanKeeps = 32 << 20
	maxLongScan   = 2*longScanKeeps + 128<<20
)

// TestLongSequence runs forward and backward through 100000 steps in a process of its own and
// looks at the most memory that it had.
func TestLongSequence(t *testing.T) {
	if os.Getenv(longScan) != "" {
		runLongScan(t)
		return
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestLongSequence$", "-test.v")
	cmd.Env = append(os.Environ(), longScan+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var kib int64
	_, line, _ := strings.Cut(string(out), "VmHWM:")
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatalf("no VmHWM in the output: %v\n%s", err, out)
	}
	t.Logf("most memory %d MiB\n%s", kib>>10, out)
	if kib<<10 > maxLongScan {
		t.Errorf("most memory %d MiB, want at most %d MiB", kib>>10, maxLongScan>>20)
	}
}

func runLongScan(t *testing.T) {
	p := conform.NewProblem[float32](conform.VariantOf("crnn_simple/3"), conform.Sizes{T: 100_000, B: 8, I: 2, H: 64, Last: true}, 1)
	w := conform.Data[float32](p.Args.Params[1])
	for i := range w { // the leak must win over so many steps
		w[i] *= 0.1
	}
	p.Cfg.Memory = longScanKeeps
	plan := newPlan(t, p.Cfg, 0)
	start := time.Now()
	h, err := plan.Forward(p.Args)
	if err != nil {
		t.Fatal(err)
	}
	forward := time.Since(start)
	grad, err := plan.Backward(p.Args, p.Weight)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("forward %.1f s, backward %.1f s, %d segments\n", forward.Seconds(),
		(time.Since(start) - forward).Seconds(), plan.(*Scan[float32]).Segments())
	size := 0.0
	for _, x := range append(conform.Data[float32](h), conform.Data[float32](grad)...) {
		size += math.Abs(float64(x))
	}
	if !(size > 0) || math.IsInf(size, 0) {
		t.Fatalf("h and gradients have absolute sum %g", size)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ = strings.Cut(line, "\n")
	fmt.Println("VmHWM:", line)
}
