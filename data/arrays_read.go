package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/engine/hostmem"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
)

// arrayNames are the arrays that are read.
var arrayNames = []string{"x", "label", "y", "weight", "mask", "lengths"}

// readArrays reads the arrays of a file whose names end in tail, and returns them without it, and the names of other
// arrays with that end, for that of training also of those with neither end.
//
// Errors: ErrCorrupt, or what the file system says.
func readArrays(path, tail string) (arrays map[string]safetensors.Tensor, others []string, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, systemError(err)
	}
	list, err := decodeArrays(f, info.Size(), path, func(name string) bool {
		own, ok := strings.CutSuffix(name, tail)
		known := ok && slices.Contains(arrayNames, own)
		if !known && (ok || tail == "_train" && !strings.HasSuffix(name, "_test")) {
			others = append(others, name)
		}
		return known
	})
	switch {
	case errors.Is(err, safetensors.ErrCorrupt), errors.Is(err, safetensors.ErrUnsupported):
		return nil, nil, fmt.Errorf("data: %s: %w; write it again with numpy.savez or safetensors: %w", path, err, ErrCorrupt)
	case err != nil:
		return nil, nil, systemError(err)
	}
	arrays = map[string]safetensors.Tensor{}
	for _, t := range list {
		arrays[strings.TrimSuffix(t.Name, tail)] = t
	}
	return arrays, others, nil
}

// decodeArrays reads the arrays that are wanted.
func decodeArrays(r io.ReaderAt, size int64, path string, wanted func(string) bool) ([]safetensors.Tensor, error) {
	if filepath.Ext(path) == ".npz" {
		most := int64(1) << 50
		if room, known := hostmem.There(); known {
			most = room.Usable()
		}
		return npz.Select(r, size, most, wanted)
	}
	file, err := safetensors.Read(r, size, path)
	if err != nil {
		return nil, err
	}
	list, bytes := slices.DeleteFunc(file.Tensors, func(t safetensors.Tensor) bool { return !wanted(t.Name) }), 0
	for _, t := range list {
		bytes += len(t.Data)
	}
	for i := range list {
		if 2*bytes < len(file.Data) { // a small part of a file does not keep it all
			list[i].Data = slices.Clone(list[i].Data)
		}
	}
	return list, nil
}

// hasArray reports whether a file holds an array, in whatever case, without the arrays of an NPZ file being read. A file that cannot be read is taken to hold it, so that
// reading it says why.
func hasArray(path, name string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return true
	}
	found := false
	_, err = decodeArrays(f, info.Size(), path, func(n string) bool {
		found = found || strings.EqualFold(n, name) // one that is misspelt is refused when it is read
		return false
	})
	return err != nil || found
}

// numbers are the elements of an array: bytes as they are, others as float32.
type numbers struct {
	f []float32
	b []byte
}

func (v numbers) at(i int) float32 {
	if v.b != nil {
		return float32(v.b[i])
	}
	return v.f[i]
}

// copyTo copies elements from i on.
func (v numbers) copyTo(dst []float32, i int) {
	if v.b == nil {
		copy(dst, v.f[i:])
		return
	}
	for k := range dst {
		dst[k] = float32(v.b[i+k])
	}
}

// field is an array in its place: width numbers for each sequence, or for each step of each.
type field struct {
	numbers
	name      string
	width     int
	each      bool  // for each step
	seq, step int   // how far the next sequence and the next step are away, in elements
	starts    []int // where the sequences begin, in rows, where they stand behind each other
	shape     []int
}

// at returns where the numbers of step t of sequence n begin.
func (f *field) at(n, t int) int {
	if !f.each {
		return n * f.width
	}
	if f.starts != nil {
		return (f.starts[n] + t) * f.width
	}
	return n*f.seq + t*f.step
}

// place names an element of the array as NumPy indexes it.
func (f *field) place(element int) string {
	index := make([]string, len(f.shape))
	for k := len(f.shape) - 1; k >= 0; k-- {
		index[k] = fmt.Sprint(element % f.shape[k])
		element /= f.shape[k]
	}
	return f.name + "[" + strings.Join(index, ",") + "]"
}

// find returns the first element with a value.
func (f *field) find(v float32) int {
	for i := range f.len() {
		if f.numbers.at(i) == v {
			return i
		}
	}
	return 0
}

func (f *field) len() int { return len(f.f) + len(f.b) }

// newNumbers decodes a tensor, whose memory it takes where it can: data may fill most of that of the machine.
func newNumbers(t safetensors.Tensor) numbers {
	if t.DType == safetensors.U8 || t.DType == safetensors.Bool {
		b := slices.Clip(t.Data)
		if b == nil {
			b = []byte{}
		}
		return numbers{b: b}
	}
	if f, err := t.TakeFloat32s(); err == nil {
		return numbers{f: f}
	}
	f := make([]float32, len(t.Data)/t.DType.Size())
	for i := range f {
		f[i] = float32(t.Number(i))
	}
	return numbers{f: f}
}
