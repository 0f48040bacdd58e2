package driver

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buildProbe links testdata/probe.c with the stand-in, as the go command links package cu:
// after the flag that names the stand-in's directory comes that of a toolkit.
func buildProbe(t *testing.T) string {
	t.Helper()
	needC(t)
	dir := t.TempDir()
	build := exec.Command("stub/build.sh", filepath.Join(dir, "ours"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("stub/build.sh: %v\n%s", err, out)
	}
	toolkit := filepath.Join(dir, "toolkit")
	for _, sub := range []string{"include", "lib64"} {
		if err := os.MkdirAll(filepath.Join(toolkit, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	header := []byte("#error the header of the toolkit was taken\n")
	if err := os.WriteFile(filepath.Join(toolkit, "include/cuda.h"), header, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := gcc("-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", filepath.Join(toolkit, "lib64/libcuda.so"), "testdata/fake.c"); err != nil {
		t.Fatal(err)
	}
	probe := filepath.Join(dir, "probe")
	if err := gcc("-I"+toolkit+"/include", "-o", probe, "testdata/probe.c", "-L"+dir+"/ours", "-L"+toolkit+"/lib64", "-lcuda"); err != nil {
		t.Fatal(err)
	}
	return probe
}

// runProbe returns what the probe says, by name.
func runProbe(t *testing.T, probe string, env ...string) map[string]string {
	t.Helper()
	cmd := exec.Command(probe)
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("probe with %v: %v", env, err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		said[name] = value
	}
	return said
}

func TestStub(t *testing.T) {
	probe := buildProbe(t)
	lib, err := buildFake(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	use := "GALVANI_CUDA_LIBRARY=" + lib
	none := filepath.Join(t.TempDir(), "none.so")
	failing := func(code, name string) map[string]string {
		return map[string]string{"init": "0", "count": "0,0", "version": "0,12020", "get": "3,-1", "alloc": "3", "synchronize": "3",
			"clamp": "3", "code": code, "library": lib, "reason": strings.TrimSpace(lib + ": cuInit reports " + code + " " + name)}
	}
	libm := runProbe(t, probe, "GALVANI_CUDA_LIBRARY=libm.so.6")["library"]
	for name, c := range map[string]struct {
		env  []string
		want map[string]string
	}{
		"works": {[]string{use}, map[string]string{"init": "0", "count": "0,1", "version": "0,12020", "get": "0,0", "alloc": "0",
			"synchronize": "500", "clamp": "500", "code": "0", "library": lib, "reason": ""}},
		"no library": {[]string{"GALVANI_CUDA_LIBRARY=" + none}, map[string]string{"init": "0", "count": "0,0", "version": "3,-1", "get": "3,-1",
			"alloc": "3", "synchronize": "3", "clamp": "3", "code": "3", "library": none,
			"reason": none + ": cannot open shared object file: No such file or directory"}},
		"not a driver": {[]string{"GALVANI_CUDA_LIBRARY=libm.so.6"}, map[string]string{"init": "0", "count": "0,0", "version": "3,-1",
			"get": "3,-1", "alloc": "3", "synchronize": "3", "clamp": "3", "code": "3", "library": libm,
			"reason": libm + ": not a CUDA driver: no cuInit"}},
		"34":  {[]string{use, "FAKE_FAIL=cuInit=34"}, failing("34", "CUDA_ERROR_STUB_LIBRARY")},
		"46":  {[]string{use, "FAKE_FAIL=cuInit=46"}, failing("46", "CUDA_ERROR_DEVICE_UNAVAILABLE")},
		"100": {[]string{use, "FAKE_FAIL=cuInit=100"}, failing("100", "CUDA_ERROR_NO_DEVICE")},
		"802": {[]string{use, "FAKE_FAIL=cuInit=802"}, failing("802", "CUDA_ERROR_SYSTEM_NOT_READY")},
		"803": {[]string{use, "FAKE_FAIL=cuInit=803"}, failing("803", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")},
		"999": {[]string{use, "FAKE_FAIL=cuInit=999"}, failing("999", "CUDA_ERROR_UNKNOWN")},
		"777": {[]string{use, "FAKE_FAIL=cuInit=777"}, failing("777", "")},
	} {
		if got := runProbe(t, probe, c.env...); !maps.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, c.want)
		}
	}
}

// TestStubDefault finds the driver by its own name, on the loader's path.
func TestStubDefault(t *testing.T) {
	probe := buildProbe(t)
	dir := t.TempDir()
	lib, err := buildFake(dir)
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "libcuda.so.1")
	if err := os.Rename(lib, real); err != nil {
		t.Fatal(err)
	}
	for _, env := range [][]string{{"LD_LIBRARY_PATH=" + dir}, {"LD_LIBRARY_PATH=" + dir, "GALVANI_CUDA_LIBRARY="}} {
		if got := runProbe(t, probe, env...); got["count"] != "0,1" || got["library"] != real {
			t.Errorf("%v: count %s, library %s, want 0,1 and %s", env, got["count"], got["library"], real)
		}
	}
}

// TestStubSymbols holds the stand-in to the list of calls: each is there under the name that the
// driver exports, and none is visible to a library that the program loads.
func TestStubSymbols(t *testing.T) {
	probe := buildProbe(t)
	out, err := exec.Command("nm", probe).Output()
	if err != nil {
		t.Skip("no nm")
	}
	have := strings.Fields(string(out))
	for _, name := range []string{"cuInit", "cuMemAlloc_v2", "cuCtxCreate_v2", "cuLaunchKernel", "cuLaunchKernelEx", "cuTexRefSetAddress2D_v3"} {
		if !slices.Contains(have, name) {
			t.Errorf("the stand-in has no %s", name)
		}
	}
	if err := gcc("-rdynamic", "-o", probe, "testdata/probe.c", "-L"+filepath.Join(filepath.Dir(probe), "ours"), "-lcuda"); err != nil {
		t.Fatal(err)
	}
	dynamic, err := exec.Command("nm", "-D", probe).Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(dynamic), "cuInit") {
		t.Errorf("a loaded library sees the stand-in:\n%s", dynamic)
	}
}
