package npz

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"galvani/engine/safetensors"
)

// descriptions name the element types as NumPy does: little-endian, kind, bytes.
var descriptions = map[safetensors.DType]string{
	safetensors.F64: "<f8", safetensors.F32: "<f4", safetensors.F16: "<f2",
	safetensors.I64: "<i8", safetensors.I32: "<i4", safetensors.I16: "<i2", safetensors.I8: "|i1",
	safetensors.U64: "<u8", safetensors.U32: "<u4", safetensors.U16: "<u2", safetensors.U8: "|u1", safetensors.Bool: "|b1",
}

// alignment is that of the first element in its file, by spaces after the header.
const alignment = 64

// Write writes tensors as one archive. Equal tensors give equal bytes.
//
// Errors: a type that NumPy lacks (BF16), a shape that does not match its data; otherwise what w
// returns.
func Write(w io.Writer, tensors []safetensors.Tensor) error {
	archive := zip.NewWriter(w)
	for _, t := range tensors {
		header, err := header(t)
		if err != nil {
			return err
		}
		file, err := archive.CreateHeader(&zip.FileHeader{Name: t.Name + ".npy", Method: zip.Store})
		if err == nil {
			_, err = file.Write(header)
		}
		if err == nil {
			_, err = file.Write(t.Data)
		}
		if err != nil {
			return fmt.Errorf("npz: %s: %w", t.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	return nil
}

// header returns what stands before the elements of an array.
func header(t safetensors.Tensor) ([]byte, error) {
	description, ok := descriptions[t.DType]
	if !ok {
		return nil, fmt.Errorf("npz: %s: NumPy has no type %s", t.Name, t.DType)
	}
	n := t.DType.Size()
	var shape strings.Builder
	for _, d := range t.Shape {
		n *= d
		fmt.Fprintf(&shape, "%d,", d) // a comma behind one number makes it a tuple, too
	}
	if n != len(t.Data) {
		return nil, fmt.Errorf("npz: %s: %d bytes of data for shape %v of %s, want %d", t.Name, len(t.Data), t.Shape, t.DType, n)
	}
	b := []byte("\x93NUMPY\x01\x00\x00\x00")
	b = fmt.Appendf(b, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", description, shape.String())
	for (len(b)+1)%alignment != 0 {
		b = append(b, ' ')
	}
	b = append(b, '\n')
	binary.LittleEndian.PutUint16(b[8:], uint16(len(b)-10))
	return b, nil
}
