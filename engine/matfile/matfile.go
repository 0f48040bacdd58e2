package matfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"galvani/engine/safetensors"
)

// Types of elements of the file, and classes of arrays.
const (
	miINT8   = 1
	miINT32  = 5
	miUINT32 = 6
	miMATRIX = 14

	mostName = 63 // characters of a variable in MATLAB
)

// kinds gives for types of tensors that of the elements in the file and the class of the array.
var kinds = map[safetensors.DType]struct{ element, class uint32 }{
	safetensors.F32: {7, 7}, safetensors.F64: {9, 6}, safetensors.I8: {1, 8}, safetensors.U8: {2, 9},
	safetensors.I16: {3, 10}, safetensors.U16: {4, 11}, safetensors.I32: {5, 12}, safetensors.U32: {6, 13},
	safetensors.I64: {12, 14}, safetensors.U64: {13, 15},
}

// Write writes each tensor as an array of its shape and type: vectors [n] as [n,1], numbers as [1,1]. What no name of
// MATLAB has becomes '_', and a name that was there before gets a number. Equal tensors give equal bytes.
//
// Errors: a type that MATLAB lacks, a shape that does not match its data, an array of 2 GiB or more; otherwise what w
// returns.
func Write(w io.Writer, tensors []safetensors.Tensor) error {
	head := make([]byte, 128)
	copy(head, fmt.Sprintf("%-116s", "MATLAB 5.0 MAT-file, written by galvani"))
	binary.LittleEndian.PutUint16(head[124:], 0x0100)
	copy(head[126:], "IM")
	if _, err := w.Write(head); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, t := range tensors {
		b, err := array(t, name(t.Name, seen))
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// name returns the variable of a tensor.
func name(tensor string, seen map[string]bool) string {
	base := strings.Map(func(r rune) rune {
		if r < 128 && (r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, tensor)
	if base == "" || base[0] == '_' || base[0] >= '0' && base[0] <= '9' {
		base = "x" + base
	}
	base = base[:min(len(base), mostName)]
	made := base
	for k := 2; seen[made]; k++ {
		suffix := fmt.Sprintf("_%d", k)
		made = base[:min(len(base), mostName-len(suffix))] + suffix
	}
	seen[made] = true
	return made
}

// array returns a tensor as an element of the file.
func array(t safetensors.Tensor, name string) ([]byte, error) {
	kind, ok := kinds[t.DType]
	if !ok {
		return nil, fmt.Errorf("matfile: %s holds %s, which MATLAB lacks", t.Name, t.DType)
	}
	size, n := t.DType.Size(), 1
	for _, d := range t.Shape {
		n *= d
	}
	if len(t.Data) != n*size {
		return nil, fmt.Errorf("matfile: %s of shape %v has %d bytes, want %d", t.Name, t.Shape, len(t.Data), n*size)
	}
	dims := append([]int{}, t.Shape...)
	for len(dims) < 2 {
		dims = append(dims, 1)
	}
	var extents []byte
	for _, d := range dims {
		if d > math.MaxInt32 {
			return nil, fmt.Errorf("matfile: %s has shape %v, and MATLAB's files hold sizes below 2³¹", t.Name, t.Shape)
		}
		extents = binary.LittleEndian.AppendUint32(extents, uint32(d))
	}
	var body []byte
	body = element(body, miUINT32, binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind.class), 0))
	body = element(body, miINT32, extents)
	body = element(body, miINT8, []byte(name))
	body = element(body, kind.element, columns(t.Data, dims, size))
	if len(body) > math.MaxInt32 {
		return nil, fmt.Errorf("matfile: %s has %d bytes, and MATLAB's files of level 5 hold arrays below 2 GiB", t.Name, len(t.Data))
	}
	b := binary.LittleEndian.AppendUint32(nil, miMATRIX)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(body))), body...), nil
}

// element adds an element with its tag, filled up to 8 bytes.
func element(b []byte, kind uint32, data []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, (8-len(data)%8)%8)...)
}

// columns returns row-major elements in the order in which the first index is the fastest.
func columns(data []byte, dims []int, size int) []byte {
	out := make([]byte, 0, len(data))
	at := make([]int, len(dims))
	for range len(data) / size {
		from := 0
		for k, d := range dims {
			from = from*d + at[k]
		}
		out = append(out, data[from*size:(from+1)*size]...)
		for k := range at {
			if at[k]++; at[k] < dims[k] {
				break
			}
			at[k] = 0
		}
	}
	return out
}
