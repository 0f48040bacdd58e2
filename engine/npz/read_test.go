package npz

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"galvani/engine/safetensors"

	"github.com/google/go-cmp/cmp"
)

func all(string) bool { return true }

// archive makes an archive of members as they are, compressed.
func archive(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i] + ".npy")
		if err == nil {
			_, err = w.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npy is an array with a header of version 1.
func npy(header, elements string) string {
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) + header + elements
}

func TestRead(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, arrays); err != nil {
		t.Fatal(err)
	}
	got, err := Select(bytes.NewReader(b.Bytes()), int64(b.Len()), 1<<20, func(name string) bool { return name != "loss" })
	want := append(arrays[:2:2], arrays[3:]...)
	for i := range got {
		if len(got[i].Data) == 0 {
			got[i].Data = []byte{}
		}
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("error %v: %s", err, d)
	}
	turned := archive(t, "a", npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n", "\x00\x01\x00\x04\x00\x02\x00\x05\x00\x03\x00\x06"))
	got, err = Select(bytes.NewReader(turned), int64(len(turned)), 1<<20, all)
	if err != nil || len(got) != 1 || fmt.Sprint(got[0].Numbers()) != "[1 2 3 4 5 6]" || fmt.Sprint(got[0].Shape) != "[2 3]" {
		t.Errorf("read %v, error %v", got, err)
	}
}

// TestReadNumPy reads what NumPy writes, on machines that have it; TestRead holds the forms on others.
func TestReadNumPy(t *testing.T) {
	if exec.Command("python3", "-c", "import numpy").Run() != nil {
		t.Log("there is no python3 with numpy here")
		return
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	const script = `
import numpy as np, sys
a = np.arange(24).reshape(2, 3, 4)
np.savez_compressed(sys.argv[1], c=a, f=np.asfortranarray(a), big=a.astype(">f4"), half=a.astype("f2"), view=a.transpose(1, 2, 0),
    flag=a > 3, one=np.float64(2.5), u=a.astype("u2"))`
	if out, err := exec.Command("python3", "-c", script, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Select(bytes.NewReader(b), int64(len(b)), 1<<20, all)
	if err != nil || len(list) != 8 {
		t.Fatalf("%d arrays, error %v", len(list), err)
	}
	for _, x := range list {
		v := x.Numbers()
		switch x.Name {
		case "one":
			if len(x.Shape) != 0 || v[0] != 2.5 {
				t.Errorf("%s is %v %v", x.Name, x.Shape, v)
			}
		case "flag":
			if v[3] != 0 || v[4] != 1 || x.DType != safetensors.Bool {
				t.Errorf("%s is %v", x.Name, v)
			}
		case "view":
			if fmt.Sprint(x.Shape) != "[3 4 2]" || v[1] != 12 || v[2] != 1 || v[8] != 4 {
				t.Errorf("%s is %v %v", x.Name, x.Shape, v)
			}
		default:
			for i := range v {
				if v[i] != float64(i) {
					t.Errorf("%s holds %v", x.Name, v)
					break
				}
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "12345678")
	header := func(descr, shape string) string {
		return npy("{'descr': "+descr+", 'fortran_order': False, 'shape': "+shape+", }", "12345678")
	}
	for says, file := range map[string][]byte{
		"no zip archive":                              []byte("PK\x03\x04"),
		"is there twice":                              archive(t, "x", good, "x", good),
		`begins with "no array", want`:                archive(t, "x", "no array at all"),
		"cut in its header":                           archive(t, "x", good[:9]),
		"9 bytes or more, want 8":                     archive(t, "x", good+"9 and more"),
		"7 bytes or more, want 8":                     archive(t, "x", good[:len(good)-1]),
		"holds Python objects; save it with a type":   archive(t, "x", header("'|O'", "(2,)")),
		"its elements are '<c8', want real":           archive(t, "x", header("'<c8'", "(2,)")),
		"its elements are [('a', '<f4')], want real":  archive(t, "x", header("[('a', '<f4')]", "(2,)")),
		"is too large":                                archive(t, "x", header("'<f4'", "(4611686018427387904, 4)")),
		"4000000 bytes of [1000000], and memory for ": archive(t, "x", header("'<f4'", "(1000000,)")),
		"is no dictionary of descr":                   archive(t, "x", npy("{'shape': (2,)}", "")),
		"version 9 of the format":                     archive(t, "x", "\x93NUMPY\x09\x00....."),
	} {
		if _, err := Read(file); !errors.Is(err, ErrFormat) {
			t.Errorf("of a file in memory: error %v, want ErrFormat", err)
		}
		_, err := Select(bytes.NewReader(file), int64(len(file)), 1<<20, all)
		if !errors.Is(err, safetensors.ErrCorrupt) && !errors.Is(err, safetensors.ErrUnsupported) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// FuzzRead: whatever the file, there is an error or arrays whose elements fit their shapes.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, arrays); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(archive(f, "x", npy("{'descr': '>f8', 'fortran_order': True, 'shape': (1, 2), }", "1234567812345678")))
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := Select(bytes.NewReader(file), int64(len(file)), 1<<16, all)
		if err != nil {
			return
		}
		for _, x := range list {
			n := x.DType.Size()
			for _, d := range x.Shape {
				n *= d
			}
			if n != len(x.Data) {
				t.Fatalf("%d bytes for %v of %s", len(x.Data), x.Shape, x.DType)
			}
		}
	})
}

// TestReadMemory holds that an array takes its own memory and little more while it is read: data may fill a machine.
func TestReadMemory(t *testing.T) {
	const n = 8 << 20
	var b bytes.Buffer
	if err := Write(&b, []safetensors.Tensor{safetensors.Uint8("x", []int{n}, make([]byte, n))}); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	list, err := Read(b.Bytes())
	runtime.ReadMemStats(&after)
	if err != nil || len(list[0].Data) != n {
		t.Fatal(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > n+n/8 {
		t.Errorf("%d bytes were allocated for an array of %d", took, n)
	}
}
