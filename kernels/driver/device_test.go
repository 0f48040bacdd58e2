//go:build gpu

package driver

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
)

// listing tells a child process to print what Devices says instead of running tests.
const listing = "GALVANI_TEST_LIST_DEVICES"

// given is the library that the environment named, before TestMain named another.
var given = os.Getenv("GALVANI_CUDA_LIBRARY")

func TestMain(m *testing.M) {
	if os.Getenv(listing) != "" {
		fmt.Println(listDevices())
		os.Exit(0)
	}
	os.Exit(runWithFake(m))
}

// runWithFake runs the tests on the driver of testdata/fake.c; a library that was given is for
// TestGivenLibrary, whose child process is told to keep it.
func runWithFake(m *testing.M) int {
	if os.Getenv(keepGiven) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "driver")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	lib, err := buildFake(dir)
	if err != nil {
		panic(err)
	}
	os.Setenv("GALVANI_CUDA_LIBRARY", lib)
	return m.Run()
}

// keepGiven tells a child process to use the library that the environment names.
const keepGiven = "GALVANI_TEST_KEEP_LIBRARY"

func listDevices() string {
	infos, err := Devices()
	if err != nil {
		return fmt.Sprintf("%v %v", errors.Is(err, ErrUnavailable), err)
	}
	return fmt.Sprintf("%+v", infos)
}

func open(t *testing.T) *Device {
	t.Helper()
	d, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func do(t *testing.T, d *Device, f func(q *Queue) error) {
	t.Helper()
	if err := d.Do(f); err != nil {
		t.Fatal(err)
	}
}

func TestDevices(t *testing.T) {
	t.Setenv("FAKE_DEVICES", "2")
	got, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := []Info{
		{Index: 0, Name: "Fake GPU 0", Major: 9, Minor: 0, Memory: 80 << 30, SMs: 132, Shared: 232448, Cluster: 8},
		{Index: 1, Name: "Fake GPU 1", Major: 7, Minor: 5, Memory: 80 << 30, SMs: 132, Shared: 232448, Cluster: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if c := got[1].Compute(); c != 75 {
		t.Errorf("compute %d, want 75", c)
	}
	if Version() != "12.2" || Library() != os.Getenv("GALVANI_CUDA_LIBRARY") {
		t.Errorf("version %s of %s, want 12.2 of %s", Version(), Library(), os.Getenv("GALVANI_CUDA_LIBRARY"))
	}
	for _, index := range []int{-1, 2} {
		if _, err := Open(index); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Open(%d): %v, want ErrUnavailable", index, err)
		}
	}
}

// TestUnavailable asks in processes of their own, because the library is loaded once.
func TestUnavailable(t *testing.T) {
	lib := "GALVANI_CUDA_LIBRARY=" + os.Getenv("GALVANI_CUDA_LIBRARY")
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"no library": {[]string{"GALVANI_CUDA_LIBRARY=none.so"}, "none.so: cannot open shared object file: No such file or directory"},
		"mismatch":   {[]string{lib, "FAKE_FAIL=cuInit=803"}, "cuInit reports 803 CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (driver for CUDA 12.2)"},
		"unknown":    {[]string{lib, "FAKE_FAIL=cuInit=999"}, "cuInit reports 999 CUDA_ERROR_UNKNOWN (driver for CUDA 12.2)"},
		"no device":  {[]string{lib, "FAKE_DEVICES=0"}, "libfake.so reports no device (driver for CUDA 12.2)"},
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(c.env, listing+"=1")
		out, err := cmd.CombinedOutput()
		got := strings.TrimSpace(string(out))
		if err != nil || !strings.HasPrefix(got, "true driver: CUDA is not usable: ") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: %v, got %q, want an ErrUnavailable that ends in %q", name, err, got, c.want)
		}
	}
}

// TestGivenLibrary runs the tests that need no fake on the library that the environment names.
func TestGivenLibrary(t *testing.T) {
	if given == "" || os.Getenv(keepGiven) != "" {
		t.Skip("GALVANI_CUDA_LIBRARY does not name a library")
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^Test(Copies|Events|Order|Close|Full|Sticky|Panic)$")
	cmd.Env = append(os.Environ(), keepGiven+"=1", "GALVANI_CUDA_LIBRARY="+given)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") < 7 {
		t.Errorf("on %s: %v\n%s", given, err, out)
	}
}

// TestCopies sends numbers to the device, on it and back, and clears a part of odd size.
func TestCopies(t *testing.T) {
	const n, from, zeros = 1024, 101, 55 // bytes
	d := open(t)
	want := make([]byte, n)
	for i := range want {
		want[i] = byte(i*7 + 1)
	}
	got := make([]byte, n)
	do(t, d, func(q *Queue) error {
		a, err1 := q.Alloc(n)
		b, err2 := q.Alloc(n)
		p, err3 := q.Pinned(n)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		host := unsafe.Slice((*byte)(p), n)
		copy(host, want)
		if err := errors.Join(q.CopyIn(a, p, n), q.Sync()); err != nil {
			return err
		}
		clear(host)
		if err := errors.Join(q.CopyOn(b, a, n), q.Zero(b+from, zeros), q.Zero(b+512, 16), q.CopyOut(p, b, n), q.Sync()); err != nil {
			return err
		}
		copy(got, host)
		return errors.Join(q.Free(a), q.Free(b), q.FreePinned(p))
	})
	clear(want[from : from+zeros])
	clear(want[512 : 512+16])
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	do(t, d, func(q *Queue) error {
		if _, err := q.Alloc(0); err == nil {
			t.Error("an allocation of 0 bytes succeeds")
		}
		if _, err := q.Pinned(-1); err == nil {
			t.Error("an allocation of -1 bytes succeeds")
		}
		free, total, err := q.MemInfo()
		if free <= 0 || free > total {
			t.Errorf("%d of %d bytes are free", free, total)
		}
		return err
	})
}

func TestEvents(t *testing.T) {
	d := open(t)
	do(t, d, func(q *Queue) error {
		e, err := q.NewEvent()
		if err != nil {
			return err
		}
		if err := errors.Join(e.Record(), e.Sync()); err != nil {
			return err
		}
		reached, err := e.Query()
		if err != nil || !reached {
			t.Errorf("after Sync: %v, %v, want true, nil", reached, err)
		}
		return e.Close()
	})
}

func TestEventNotReached(t *testing.T) {
	d := open(t)
	do(t, d, func(q *Queue) error {
		e, err := q.NewEvent()
		if err != nil {
			return err
		}
		t.Setenv("FAKE_FAIL", "cuEventQuery=600")
		if reached, err := e.Query(); reached || err != nil {
			t.Errorf("not ready: %v, %v, want false, nil", reached, err)
		}
		t.Setenv("FAKE_FAIL", "cuEventQuery=700")
		if reached, err := e.Query(); reached || !errors.Is(err, ErrLost) {
			t.Errorf("illegal address: %v, %v, want false, ErrLost", reached, err)
		}
		return e.Close()
	})
}

// echoParams is the parameter of the fake's kernel, in C's layout.
type echoParams struct {
	out Ptr
	n   int32
	x   float32
}

// launchEcho launches the fake's kernel and returns what it wrote.
func launchEcho(t *testing.T, d *Device, l Launch) (got [10]int32, err error) {
	t.Helper()
	do(t, d, func(q *Queue) error {
		m, err1 := q.Load([]byte(".version 8.0"))
		out, err2 := q.Alloc(40)
		host, err3 := q.Pinned(40)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		f, err4 := m.Function("echo")
		if err4 != nil {
			return err4
		}
		p := echoParams{out, 77, 2}
		if err = f.SetShared(100000); err == nil {
			err = f.Launch(l, unsafe.Pointer(&p))
		}
		if err := errors.Join(q.CopyOut(host, out, 40), q.Sync()); err != nil {
			return err
		}
		got = *(*[10]int32)(host)
		return errors.Join(q.Free(out), q.FreePinned(host), m.Close())
	})
	return got, err
}

func TestLaunch(t *testing.T) {
	d := open(t)
	const two = 0x40000000 // 2 as a float32
	for _, cluster := range []int{0, 1, 8} {
		got, err := launchEcho(t, d, Launch{Grid: [3]int{8, 3, 2}, Block: [3]int{32, 4, 5}, Shared: 99999, Cluster: cluster})
		want := [10]int32{8, 3, 2, 32, 4, 5, 99999, int32(cluster), 77, two}
		if cluster == 1 {
			want[7] = 0
		}
		if err != nil || got != want {
			t.Errorf("cluster %d: %v, got %v, want %v", cluster, err, got, want)
		}
	}
}

func TestLaunchErrors(t *testing.T) {
	for fail, want := range map[string]string{
		"cuLaunchKernel=719":    "driver: cuLaunchKernel: code 719 CUDA_ERROR_LAUNCH_FAILED: grid [1 1 1], block [32 1 1], 0 bytes shared, cluster 0",
		"cuFuncSetAttribute=1":  "driver: cuFuncSetAttribute: code 1 CUDA_ERROR_INVALID_VALUE: 100000 bytes of dynamic shared memory",
		"cuLaunchKernelEx=9999": "driver: cuLaunchKernelEx: code 9999: grid [2 1 1], block [32 1 1], 0 bytes shared, cluster 2",
	} {
		d := open(t)
		l := Launch{Grid: [3]int{1, 1, 1}, Block: [3]int{32, 1, 1}}
		if strings.Contains(fail, "Ex") {
			l.Grid[0], l.Cluster = 2, 2
		}
		t.Setenv("FAKE_FAIL", fail)
		if _, err := launchEcho(t, d, l); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		t.Setenv("FAKE_FAIL", "")
	}
}

func TestLaunchAllocatesNothing(t *testing.T) {
	d := open(t)
	do(t, d, func(q *Queue) error {
		m, err := q.Load([]byte(".version 8.0"))
		if err != nil {
			return err
		}
		f, err := m.Function("echo")
		if err != nil {
			return err
		}
		out, err := q.Alloc(40)
		if err != nil {
			return err
		}
		for _, cluster := range []int{1, 2} {
			l := Launch{Grid: [3]int{2, 1, 1}, Block: [3]int{32, 1, 1}, Shared: 0, Cluster: cluster}
			n := testing.AllocsPerRun(100, func() {
				p := echoParams{out, 1, 1}
				if err := f.Launch(l, unsafe.Pointer(&p)); err != nil {
					t.Error(err)
				}
			})
			if n != 0 {
				t.Errorf("cluster %d: %v allocations per launch, want 0", cluster, n)
			}
		}
		return nil
	})
}

func TestLoadErrors(t *testing.T) {
	d := open(t)
	do(t, d, func(q *Queue) error {
		_, err := q.Load([]byte("nonsense"))
		want := "driver: cuModuleLoadDataEx: code 218 CUDA_ERROR_INVALID_PTX: ptxas application ptx input, line 1; fatal : nonsense"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		t.Setenv("FAKE_FAIL", "cuModuleLoadDataEx=222")
		_, err = q.Load([]byte(".version 99.0"))
		if !errors.Is(err, ErrUnavailable) || !strings.HasSuffix(err.Error(), "(driver for CUDA 12.2)") {
			t.Errorf("got %v, want an ErrUnavailable that names the driver's version", err)
		}
		t.Setenv("FAKE_FAIL", "")
		m, err := q.Load([]byte(".version 8.0"))
		if err != nil {
			return err
		}
		_, err = m.Function("other")
		want = "driver: cuModuleGetFunction: code 500 CUDA_ERROR_NOT_FOUND: kernel other"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		return nil
	})
}

// TestOrder checks that functions run in order on one thread, from several callers.
func TestOrder(t *testing.T) {
	const callers, each = 4, 3 * queued
	d := open(t)
	var threads []int
	seen := make([][]int, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				d.Go(func(*Queue) error {
					threads = append(threads, syscall.Gettid())
					seen[c] = append(seen[c], i)
					return nil
				})
			}
		}()
	}
	wg.Wait()
	if err := d.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(threads) != callers*each || len(slices.Compact(threads)) != 1 {
		t.Errorf("%d functions ran, want %d on one thread", len(threads), callers*each)
	}
	for c := range seen {
		if len(seen[c]) != each || !slices.IsSorted(seen[c]) {
			t.Errorf("caller %d: the order is %v", c, seen[c])
		}
	}
}

func TestSticky(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	d := open(t)
	d.Go(func(*Queue) error { return first })
	ran := false
	d.Go(func(*Queue) error { ran = true; return second })
	for name, err := range map[string]error{
		"Do":    d.Do(func(*Queue) error { ran = true; return nil }),
		"Wait":  d.Wait(),
		"Close": d.Close(),
		"again": d.Close(),
	} {
		if err != first {
			t.Errorf("%s: %v, want the first failure", name, err)
		}
	}
	if ran {
		t.Error("a function ran after a failure")
	}
}

func TestPanic(t *testing.T) {
	d := open(t)
	err := d.Do(func(*Queue) error { panic("boom") })
	if err == nil || err.Error() != "driver: queued function panicked: boom" {
		t.Errorf("got %v", err)
	}
}

func TestClose(t *testing.T) {
	defer goleak.VerifyNone(t)
	d, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for range 10 {
		d.Go(func(*Queue) error { ran++; return nil })
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if ran != 10 {
		t.Errorf("%d queued functions ran before Close, want 10", ran)
	}
	d.Go(func(*Queue) error { t.Error("a function ran after Close"); return nil })
	if err := d.Do(func(*Queue) error { return nil }); err != ErrClosed {
		t.Errorf("Do after Close: %v, want ErrClosed", err)
	}
	if err := d.Wait(); err != ErrClosed {
		t.Errorf("Wait after Close: %v, want ErrClosed", err)
	}
}

// TestFull asks for more than any device has.
func TestFull(t *testing.T) {
	if os.Getenv(keepGiven) == "" {
		t.Setenv("FAKE_FAIL", "cuMemAlloc=2")
	}
	d := open(t)
	do(t, d, func(q *Queue) error {
		free, total, err := q.MemInfo()
		if err != nil {
			return err
		}
		_, err = q.Alloc(1 << 50)
		want := fmt.Sprintf("driver: cuMemAlloc: code 2 CUDA_ERROR_OUT_OF_MEMORY: 1125899906842624 bytes asked for, %d of %d free", free, total)
		if !errors.Is(err, ErrMemory) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		return nil
	})
}

// TestOpenFails checks that nothing is left of a device that does not start.
func TestOpenFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	live := filepath.Join(t.TempDir(), "live")
	t.Setenv("FAKE_LIVE", live)
	for _, call := range []string{"cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem", "cuDeviceGetAttribute", "cuDeviceGetCount", "cuCtxCreate", "cuStreamCreate"} {
		t.Setenv("FAKE_FAIL", call+"=46")
		_, err := Open(0)
		want := "driver: " + call + ": code 46 CUDA_ERROR_DEVICE_UNAVAILABLE"
		if !errors.Is(err, ErrUnavailable) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := readLive(t, live); got != "contexts 0 streams 0" {
		t.Errorf("left: %s", got)
	}
}

// TestCloseFails checks that Close tells what failed in it and still ends the goroutine.
func TestCloseFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	live := filepath.Join(t.TempDir(), "live")
	t.Setenv("FAKE_LIVE", live)
	d, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_FAIL", "cuStreamDestroy=719")
	if err := d.Close(); !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	if got := readLive(t, live); !strings.HasPrefix(got, "contexts 0 ") {
		t.Errorf("left: %s, want 0 contexts", got)
	}
}

func readLive(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestCallsFail fails each call of a queued function with each code that has a class.
func TestCallsFail(t *testing.T) {
	classes := map[error][]int{
		ErrMemory:      {2},
		ErrUnavailable: {3, 34, 46, 100, 222, 802, 803, 804},
		ErrLost:        {214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719},
		nil:            {1, 101, 500, 600, 701, 720, 999, 12345},
	}
	var host [8]byte
	calls := map[string]func(q *Queue, p Ptr, e *Event) error{
		"cuMemAlloc":          func(q *Queue, _ Ptr, _ *Event) error { _, err := q.Alloc(8); return err },
		"cuMemHostAlloc":      func(q *Queue, _ Ptr, _ *Event) error { _, err := q.Pinned(8); return err },
		"cuMemFree":           func(q *Queue, p Ptr, _ *Event) error { return q.Free(p) },
		"cuMemFreeHost":       func(q *Queue, _ Ptr, _ *Event) error { return q.FreePinned(nil) },
		"cuMemGetInfo":        func(q *Queue, _ Ptr, _ *Event) error { _, _, err := q.MemInfo(); return err },
		"cuMemcpyHtoDAsync":   func(q *Queue, p Ptr, _ *Event) error { return q.CopyIn(p, unsafe.Pointer(&host), 8) },
		"cuMemcpyDtoHAsync":   func(q *Queue, p Ptr, _ *Event) error { return q.CopyOut(unsafe.Pointer(&host), p, 8) },
		"cuMemcpyDtoDAsync":   func(q *Queue, p Ptr, _ *Event) error { return q.CopyOn(p, p, 8) },
		"cuMemsetD32Async":    func(q *Queue, p Ptr, _ *Event) error { return q.Zero(p, 8) },
		"cuMemsetD8Async":     func(q *Queue, p Ptr, _ *Event) error { return q.Zero(p, 7) },
		"cuStreamSynchronize": func(q *Queue, _ Ptr, _ *Event) error { return q.Sync() },
		"cuModuleLoadDataEx":  func(q *Queue, _ Ptr, _ *Event) error { _, err := q.Load([]byte("x")); return err },
		"cuEventCreate":       func(q *Queue, _ Ptr, _ *Event) error { _, err := q.NewEvent(); return err },
		"cuEventRecord":       func(_ *Queue, _ Ptr, e *Event) error { return e.Record() },
		"cuEventSynchronize":  func(_ *Queue, _ Ptr, e *Event) error { return e.Sync() },
		"cuEventDestroy":      func(_ *Queue, _ Ptr, e *Event) error { copied := *e; return copied.Close() },
	}
	d := open(t)
	do(t, d, func(q *Queue) error {
		p, err1 := q.Alloc(8)
		e, err2 := q.NewEvent()
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		for name, call := range calls {
			for class, codes := range classes {
				for _, code := range codes {
					t.Setenv("FAKE_FAIL", fmt.Sprintf("%s=%d", name, code))
					err := call(q, p, e)
					var failed *Error
					if !errors.As(err, &failed) || failed.Call != name || failed.Code != code || failed.Class() != class {
						t.Errorf("%s fails with %d: got %v, want class %v", name, code, err, class)
					}
					if class != nil && !errors.Is(err, class) {
						t.Errorf("%s fails with %d: %v is not %v", name, code, err, class)
					}
				}
			}
		}
		t.Setenv("FAKE_FAIL", "")
		return errors.Join(e.Close(), q.Free(p))
	})
}

// TestNoDependency looks at this very program: it is linked like bin/galvani and must start where
// there is no driver.
func TestNoDependency(t *testing.T) {
	f, err := elf.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, lib := range libs {
		if strings.Contains(lib, "cuda") {
			t.Errorf("the program needs %s to start", lib)
		}
	}
	if len(libs) == 0 {
		t.Error("the program is linked with no library at all: the test looks at the wrong thing")
	}
}
