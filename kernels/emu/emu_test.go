package emu

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// orders are the orders of threads that each case is run in.
var orders = []string{"forward", "reverse", "random:1"}

var (
	once    sync.Once
	dir     string
	failure error
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// build makes the emulated driver with the kernels of testdata/cases.cu, and the program that
// launches them.
func build(t *testing.T) (library, program string) {
	t.Helper()
	if _, err := exec.LookPath("g++"); err != nil {
		t.Skip("no g++, which compiles kernels for the host")
	}
	once.Do(func() {
		if dir, failure = os.MkdirTemp("", "emu"); failure != nil {
			return
		}
		for _, args := range [][]string{
			{"./build.sh", dir, "testdata/cases.cu"},
			{"g++", "-std=c++17", "-Wall", "-Wextra", "-I../driver/include", "-I../cuda", "testdata/main.cpp",
				"-o", filepath.Join(dir, "main"), "-ldl"},
		} {
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				failure = fmt.Errorf("%v: %w\n%s", args, err, out)
				return
			}
		}
	})
	if failure != nil {
		t.Fatal(failure)
	}
	return filepath.Join(dir, "libgalvani_emu.so"), filepath.Join(dir, "main")
}

// launch is one run of testdata/main.cpp.
type launch struct {
	kernel                   string
	blocks, threads, cluster int
	shared, n, elements      int
	fault                    string
	order, device, failures  string
}

// result is what it did: the codes of calls that failed, y, and the reports.
type result struct {
	codes  map[string]int
	first  string // the first call that failed
	y      []float64
	report string
}

func (l launch) run(t *testing.T) result {
	t.Helper()
	library, program := build(t)
	log := filepath.Join(t.TempDir(), "log")
	fault := l.fault
	if fault == "" {
		fault = "none"
	}
	args := []string{library, l.kernel}
	for _, n := range []int{max(l.blocks, 1), l.threads, max(l.cluster, 1), l.shared, l.n, l.elements} {
		args = append(args, strconv.Itoa(n))
	}
	cmd := exec.Command(program, append(args, fault)...)
	cmd.Env = append(os.Environ(), "GALVANI_EMU_LOG="+log, "GALVANI_EMU_ORDER="+l.order, "GALVANI_EMU_DEVICE="+l.device,
		"GALVANI_EMU_FAIL="+l.failures)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%v: %v\n%s", l, err, stderr.String())
	}
	r := result{codes: map[string]int{}}
	for _, line := range strings.Fields(strings.ReplaceAll(string(out), " ", ":")) {
		if call, code, ok := strings.Cut(line, ":"); ok {
			if r.first == "" {
				r.first = call
			}
			if _, seen := r.codes[call]; !seen {
				r.codes[call], _ = strconv.Atoi(code)
			}
			continue
		}
		v, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		r.y = append(r.y, v)
	}
	if text, err := os.ReadFile(log); err == nil {
		r.report = string(text)
	}
	return r
}

// clean fails the test if anything was reported or any call failed.
func (r result) clean(t *testing.T) {
	t.Helper()
	if r.report != "" || len(r.codes) > 0 {
		t.Fatalf("got reports %q and codes %v, want none", r.report, r.codes)
	}
}

// TestRight runs kernels without a fault in every order: no report, and the same bits.
func TestRight(t *testing.T) {
	for _, l := range []launch{
		{kernel: "right", blocks: 4, threads: 64, elements: 256},
		{kernel: "copy", threads: 64, elements: 64},
		{kernel: "with_warp_sync", threads: 64, elements: 64},
		{kernel: "same_value", blocks: 2, threads: 64, elements: 64},
		{kernel: "copied", threads: 64, shared: 1024, elements: 256},
		{kernel: "right", blocks: 4, threads: 64, elements: 256, fault: "target70"},
		{kernel: "together", blocks: 3, threads: 64, elements: 193, fault: "together"},
		{kernel: "grid", blocks: 3, threads: 64, elements: 193, fault: "together"},
	} {
		var first []float64
		for _, l.order = range orders {
			r := l.run(t)
			r.clean(t)
			if first == nil {
				first = r.y
			}
			for i, v := range r.y {
				if v != first[i] {
					t.Errorf("%s: order %s gives y[%d] = %v, %s gives %v", l.kernel, l.order, i, v, orders[0], first[i])
				}
			}
		}
	}
}

// tolSum is the rounding of at most 64 terms of size 1, half a unit of 2⁻²⁴ each, and of their
// partial sums.
const tolSum = 64 * 64 / float64(1<<24)

// TestSums compares the kernel of shuffles and shared memory with plain sums.
func TestSums(t *testing.T) {
	r := launch{kernel: "right", blocks: 4, threads: 64, elements: 256}.run(t)
	r.clean(t)
	for b := range 4 {
		var sum float64
		for i := range 64 {
			sum += math.Sin(float64(64*b + i))
		}
		if math.Abs(r.y[b]-sum) > tolSum {
			t.Errorf("block %d: got %v, want %v", b, r.y[b], sum)
		}
	}
}

// TestFaults plants one fault at a time and wants it reported as what it is, in every order.
func TestFaults(t *testing.T) {
	ring := launch{blocks: 2, threads: 64, cluster: 2, shared: 1024, n: 5, elements: 16}
	on := func(l launch, kernel string) launch { l.kernel = kernel; return l }
	block := launch{threads: 64, elements: 64}
	for _, c := range []struct {
		launch
		code   int    // of the next call
		report string // one of these, separated by |
	}{
		{on(block, "read_outside"), 700, "reads 4 bytes of global memory"},
		{on(block, "write_outside"), 700, "writes 4 bytes of global memory"},
		{launch{kernel: "copy", threads: 64, elements: 64, fault: "freed"}, 700, "use after free"},
		{launch{kernel: "copy", threads: 64, elements: 64, fault: "host"}, 700, "host pointer"},
		{launch{kernel: "copy", threads: 64, elements: 64, fault: "unwritten"}, 719, "uninitialised: reads global"},
		{launch{kernel: "misaligned", threads: 4, elements: 64}, 716, "not a multiple of 8"},
		{on(block, "unwritten_shared"), 719, "uninitialised: reads shared"},
		{launch{kernel: "outside_dynamic", threads: 64, shared: 256, elements: 64}, 700, "outside shared memory"},
		{on(block, "without_sync"), 719, "uninitialised: reads shared|race: "},
		{on(block, "without_second_sync"), 719, "race: "},
		{on(block, "without_warp_sync"), 719, "uninitialised: reads shared|race: "},
		{launch{kernel: "race_of_blocks", blocks: 2, threads: 64, elements: 64}, 719, "race: writes global"},
		{launch{kernel: "together", blocks: 3, threads: 64, elements: 193}, 719, "looks at"}, // one behind the other
		{launch{kernel: "grid", blocks: 3, threads: 64, elements: 193}, 719, "not launched together"},
		{launch{kernel: "grid_without_second", blocks: 3, threads: 64, elements: 193, fault: "together"}, 719, "race: "},
		{launch{kernel: "grid_miscounts", blocks: 3, threads: 64, elements: 193, fault: "together"}, 719, "is 3, and all blocks have counted it to 6"},
		{on(block, "leaves_early"), 719, "deadlock: of 64 threads 1 have left, 63 at sync_block"},
		{on(block, "diverges"), 719, "divergent"},
		{launch{kernel: "copied", threads: 64, shared: 1024, n: 1, elements: 256}, 719, "before copy_wait"},
		{on(ring, "pushes_no_wait"), 719, "uninitialised: reads shared|without barrier_wait|while a push to it is under way"},
		{on(ring, "pushes_no_expect"), 719, "deadlock"},
		{on(ring, "pushes_wrong_parity"), 719, "deadlock|uninitialised: reads shared|without barrier_wait"},
		{on(ring, "pushes_no_end"), 719, "which threads have left|pushes to it arrive|without barrier_wait of the last phase"},
		{on(ring, "pushes_no_start"), 719, "no sync_cluster since its barrier_init"},
		{on(ring, "pushes_no_sync"), 719, "race: "},
	} {
		for _, c.order = range orders {
			t.Run(c.kernel+c.fault+"/"+c.order, func(t *testing.T) {
				r := c.run(t)
				if got := r.codes["cuMemcpyDtoH_v2"]; got != c.code || r.first != "cuMemcpyDtoH_v2" {
					t.Errorf("the call after the launch gives %d, want %d (first to fail %q)", got, c.code, r.first)
				}
				// Of a lost context nothing but its end succeeds.
				if got := r.codes["cuModuleUnload"]; got != c.code {
					t.Errorf("a later call gives %d, want %d", got, c.code)
				}
				if got, ok := r.codes["cuCtxDestroy_v2"]; ok {
					t.Errorf("the end of the context gives %d, want 0", got)
				}
				if lines := strings.Count(r.report, "\n"); lines != 1 {
					t.Errorf("got %d reports, want 1:\n%s", lines, r.report)
				}
				if !strings.Contains(r.report, "kernel "+c.kernel) || !containsOne(r.report, strings.Split(c.report, "|")) {
					t.Errorf("got report %q, want %q of kernel %s", r.report, c.report, c.kernel)
				}
			})
		}
	}
}

// TestTooManyTogether refuses to run more blocks at once than there is room for.
func TestTooManyTogether(t *testing.T) {
	r := launch{kernel: "together", blocks: 9, threads: 1024, elements: 64, fault: "together"}.run(t)
	if r.first != "cuLaunchKernelEx" || r.codes[r.first] != 720 || !strings.Contains(r.report, "blocks at once") {
		t.Errorf("%s gives %d, report %q; want 720", r.first, r.codes[r.first], r.report)
	}
}

func containsOne(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// TestPushes runs exchanges in clusters against the same recurrence in plain Go.
func TestPushes(t *testing.T) {
	const steps = 5
	const ulp = 1.0 / (1 << 23) // of sinf, which need not round like Go
	for _, ranks := range []int{1, 2, 4, 8} {
		v := make([][4]float32, ranks)
		for r := range v {
			for i := range v[r] {
				v[r][i] = float32(math.Sin(float64(4*r + i)))
			}
		}
		for range steps {
			old := append([][4]float32(nil), v...)
			for r := range v {
				for q := range old {
					for i := range v[r] {
						v[r][i] += old[q][i]
					}
				}
			}
		}
		for _, order := range orders {
			r := launch{kernel: "pushes", blocks: ranks, threads: 64, cluster: ranks, shared: 2048, n: steps, elements: 32, order: order}.run(t)
			r.clean(t)
			for i := range 4 * ranks {
				// The sums are in the same order; each step multiplies an error by ranks+1.
				if want := float64(v[i/4][i%4]); math.Abs(r.y[i]-want) > ulp*math.Pow(float64(ranks+1), steps) {
					t.Errorf("%d ranks, %s: y[%d] = %v, want %v", ranks, order, i, r.y[i], want)
				}
			}
		}
	}
}

// TestProducts compares the fragments of the matrix products with the plain product. Factors are
// rounded by up to u, so that a product of two errs by 2u and a sum of K terms below 1 by 2uK.
func TestProducts(t *testing.T) {
	for mode, c := range []struct {
		K int
		u float64
	}{{8, 1.0 / (1 << 11)}, {16, 1.0 / (1 << 8)}} {
		r := launch{kernel: "product", threads: 32, n: mode, elements: 512}.run(t)
		r.clean(t)
		exact := true
		for m := range 16 {
			for n := range 8 {
				var want float64
				for k := range c.K {
					want += math.Sin(float64(m*c.K+k)) * math.Sin(float64(16*c.K+k*8+n))
				}
				got := r.y[m*8+n]
				if math.Abs(got-want) > 2*c.u*float64(c.K) {
					t.Errorf("K = %d: D[%d][%d] = %v, want %v", c.K, m, n, got, want)
				}
				exact = exact && math.Abs(got-want) < 1e-7
			}
		}
		if exact {
			t.Errorf("K = %d: no result shows the rounding of its factors", c.K)
		}
	}
}

// TestLeak wants memory that is not freed reported when its context ends.
func TestLeak(t *testing.T) {
	r := launch{kernel: "copy", threads: 64, elements: 64, fault: "leak"}.run(t)
	if want := "leak: 1 allocations of 256 bytes of device memory"; !strings.Contains(r.report, want) {
		t.Errorf("got report %q, want %q", r.report, want)
	}
}

// TestOrderedFailures injects failures: that call gives that code, and the context is lost with
// those codes that hardware does not recover from.
func TestOrderedFailures(t *testing.T) {
	for _, c := range []struct {
		failures, first string
		code            int
		later           string
		after           int
	}{
		{"cuInit:1:100", "cuInit", 100, "", 0},
		{"cuMemAlloc_v2:2:2", "cuMemAlloc_v2", 2, "cuMemcpyHtoD_v2", 0},
		{"cuLaunchKernelEx:1:719", "cuLaunchKernelEx", 719, "cuMemFree_v2", 719},
		{"cuMemcpyHtoD_v2:*:700,cuMemFree_v2:9:2", "cuMemcpyHtoD_v2", 700, "cuMemsetD8_v2", 700},
		{"cuModuleLoadData:1:222", "cuModuleLoadData", 222, "", 0},
	} {
		r := launch{kernel: "copy", threads: 64, elements: 64, failures: c.failures}.run(t)
		if r.first != c.first || r.codes[c.first] != c.code {
			t.Errorf("%s: first to fail is %q with %d, want %q with %d", c.failures, r.first, r.codes[r.first], c.first, c.code)
		}
		if r.codes[c.later] != c.after {
			t.Errorf("%s: a later %s gives %d, want %d", c.failures, c.later, r.codes[c.later], c.after)
		}
	}
}

// TestHardware wants the limits of the virtual hardware kept.
func TestHardware(t *testing.T) {
	copied := launch{kernel: "copied", threads: 64, shared: 1024, elements: 256}
	with := func(l launch, device string) launch { l.device = device; return l }
	for _, c := range []struct {
		launch
		call string
		code int
	}{
		{launch{kernel: "copy", threads: 64, elements: 1 << 20, device: "memory=6MiB"}, "cuMemAlloc_v2", 2},
		{with(copied, "count=0"), "cuInit", 100},
		{with(copied, "compute=8.6"), "cuModuleLoadData", 209},
		{with(copied, "driver=12.1"), "cuModuleLoadData", 222},
		{launch{kernel: "copied", threads: 64, shared: 100 << 10, elements: 256, device: "shared=64KiB"}, "cuFuncSetAttribute", 1},
		{launch{kernel: "copied", threads: 64, shared: 1024, elements: 256, fault: "target70"}, "cuModuleGetFunction", 500},
		{launch{kernel: "copy", threads: 64, elements: 64, fault: "stale"}, "cuModuleGetFunction", 500},
		{launch{kernel: "bounded", threads: 64, elements: 64}, "cuLaunchKernelEx", 1},
		{launch{kernel: "pushes", blocks: 16, threads: 64, cluster: 16, shared: 4096, n: 1, elements: 64}, "cuLaunchKernelEx", 1},
		{launch{kernel: "pushes", blocks: 3, threads: 64, cluster: 2, shared: 1024, n: 1, elements: 64}, "cuLaunchKernelEx", 1},
	} {
		if r := c.run(t); r.first != c.call || r.codes[c.call] != c.code {
			t.Errorf("%s %s: first to fail is %q with %d, want %q with %d", c.kernel, c.device, r.first, r.codes[r.first], c.call, c.code)
		}
	}
	with(copied, "compute=9.0,memory=1GiB,sms=4,name=A GPU").run(t).clean(t)
}
