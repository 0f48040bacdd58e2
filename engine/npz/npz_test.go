package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

var arrays = []safetensors.Tensor{
	safetensors.Float32("cell.W", []int{2, 3}, []float32{1, -2, 3.5, 0, 1e-30, -0.25}),
	safetensors.Int8("wiring.sign", []int{3}, []int8{1, -1, 1}),
	safetensors.Float32("loss", nil, []float32{0.125}),
	safetensors.Int64("y", []int{2}, []int64{1 << 40, -7}),
	safetensors.Float64("empty", []int{0, 4}, nil),
}

// TestLayout holds the archive to the description of the format.
func TestLayout(t *testing.T) {
	var b, again bytes.Buffer
	if err := Write(&b, arrays); err != nil {
		t.Fatal(err)
	}
	if err := Write(&again, arrays); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("equal arrays give other bytes, error %v", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,), }", "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }",
		"{'descr': '<f8', 'fortran_order': False, 'shape': (0,4,), }"}
	for i, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		n := 10 + int(binary.LittleEndian.Uint16(content[8:]))
		text := string(content[10:n])
		if f.Name != arrays[i].Name+".npy" || string(content[:8]) != "\x93NUMPY\x01\x00" || n%alignment != 0 ||
			strings.TrimRight(text, " \n") != headers[i] || !strings.HasSuffix(text, "\n") || !bytes.Equal(content[n:], arrays[i].Data) {
			t.Errorf("%s: begins with %q, header %q", f.Name, content[:10], text)
		}
	}
	if len(archive.File) != len(arrays) {
		t.Errorf("%d files, want %d", len(archive.File), len(arrays))
	}
}

// TestNumPyReads asks NumPy itself, on machines that have it; TestLayout holds the format on others.
func TestNumPyReads(t *testing.T) {
	if exec.Command("python3", "-c", "import numpy").Run() != nil {
		t.Log("there is no python3 with numpy here")
		return
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	f, err := os.Create(path)
	if err == nil {
		err = Write(f, arrays)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import numpy, sys
a = numpy.load(sys.argv[1], allow_pickle=False)
for n in a.files: print(n, a[n].dtype, a[n].shape, a[n].tolist())`
	out, err := exec.Command("python3", "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := `cell.W float32 (2, 3) [[1.0, -2.0, 3.5], [0.0, 1.0000000031710769e-30, -0.25]]
wiring.sign int8 (3,) [1, -1, 1]
loss float32 () 0.125
y int64 (2,) [1099511627776, -7]
empty float64 (0, 4) []
`
	if string(out) != want {
		t.Errorf("NumPy reads\n%swant\n%s", out, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, bad := range []safetensors.Tensor{
		{Name: "x", DType: safetensors.BF16, Shape: []int{1}, Data: make([]byte, 2)},
		{Name: "x", DType: safetensors.F32, Shape: []int{2}, Data: make([]byte, 4)},
	} {
		if err := Write(io.Discard, []safetensors.Tensor{bad}); err == nil || !strings.HasPrefix(err.Error(), "npz: x: ") {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}
