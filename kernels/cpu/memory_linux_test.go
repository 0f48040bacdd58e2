//go:build cgo

package cpu

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime/debug"
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
	out := again(t, longScan)
	most := said(t, out, "VmHWM:") << 10
	t.Logf("most memory %d MiB\n%s", most>>20, out)
	if most > maxLongScan {
		t.Errorf("most memory %d MiB, want at most %d MiB", most>>20, maxLongScan>>20)
	}
}

// again runs the test in a process of its own, with an environment variable set, and returns what it says.
func again(t *testing.T, variable string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// said returns the number behind a name.
func said(t *testing.T, text, name string) (n int64) {
	t.Helper()
	_, line, _ := strings.Cut(text, name)
	if _, err := fmt.Sscan(line, &n); err != nil {
		t.Fatalf("no %s in %s: %v", name, text, err)
	}
	return n
}

// neuronScan is the variable of TestNeuronPeak, and neuronSlack what the process may take besides what is planned: what the
// Go runtime has not given back, and pages that are rounded up.
const (
	neuronScan  = "GALVANI_TEST_NEURON_SCAN"
	neuronSlack = 6 << 20
)

// TestNeuronPeak holds the memory that a scan of neurons says that it takes to the most that a process of its own had.
func TestNeuronPeak(t *testing.T) {
	if os.Getenv(neuronScan) == "" {
		out := again(t, neuronScan)
		planned, took := said(t, out, "planned:"), (said(t, out, "VmHWM:")-said(t, out, "VmRSS:"))<<10
		if took < planned*3/4 || took > planned+neuronSlack {
			t.Errorf("the process took %d bytes more, planned are %d", took, planned)
		}
		return
	}
	d := open(t, 2)
	p := conform.NewNeuronProblem(conform.NeuronCase{T: 144, B: 2000, Substeps: 1, Record: []int32{0}, Last: true}, 1)
	bytes, err := d.ScanBytes(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err == nil { // the most begins anew here
		err = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	plan, err := d.NewScan(p.Cfg)
	if err == nil {
		_, err = plan.Forward(p.Args)
	}
	if err == nil {
		_, err = plan.Backward(p.Args, p.Weight)
	}
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("planned: %d\nVmRSS: %d\nVmHWM: %d\n", bytes, said(t, string(status), "VmRSS:"), said(t, string(after), "VmHWM:"))
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
