package npz

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// TestReadBack wants back what was written.
func TestReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, arrays); err != nil {
		t.Fatal(err)
	}
	got, err := Read(b.Bytes())
	if err != nil || len(got) != len(arrays) {
		t.Fatalf("%d arrays, %v", len(got), err)
	}
	for i, a := range arrays {
		g := got[i]
		if g.Name != a.Name || g.DType != a.DType || len(g.Shape) != len(a.Shape) || !bytes.Equal(g.Data, a.Data) ||
			len(a.Shape) > 0 && !reflect.DeepEqual(g.Shape, a.Shape) {
			t.Errorf("%+v, want %+v", g, a)
		}
	}
}

// file is an archive, compressed, of one array x of a version of the format.
func file(t *testing.T, version byte, header, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("x.npy")
	if err == nil {
		size := string([]byte{byte(len(header)), byte(len(header) >> 8)})
		if version > 1 {
			size += "\x00\x00"
		}
		_, err = fmt.Fprintf(f, "\x93NUMPY%c\x00%s%s%s", version, size, header, data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReadAsNumPy reads the headers that NumPy writes, and refuses in one line what is no array or another.
func TestReadAsNumPy(t *testing.T) {
	for _, version := range []byte{1, 2} {
		got, err := Read(file(t, version, "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }     \n", "\x01\x00\x02\x00\xff\xff"))
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].Numbers(), []float64{1, 2, -1}) {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	if got, err := Read(file(t, 1, "{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }\n", strings.Repeat("\x00", 8))); err != nil || got[0].DType != safetensors.F64 {
		t.Errorf("one dimension has the same order either way: %v", err)
	}
	for want, b := range map[string][]byte{
		"zip":                            []byte(Magic + "and more"),
		`type ">f8", want little-endian`: file(t, 1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }\n", "12345678"),
		"Fortran":                        file(t, 1, "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1), }\n", "12345678"),
		"not understood":                 file(t, 1, "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }\n", "12345678"),
		"want 16":                        file(t, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", "12345678"),
		"want 4":                         file(t, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", "12345678"),
		"is too large":                   file(t, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 99999), }\n", ""),
	} {
		if _, err := Read(b); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzRead holds that no bytes panic.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, arrays); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Read(b); err != nil && !errors.Is(err, ErrFormat) {
			t.Error(err)
		}
	})
}
