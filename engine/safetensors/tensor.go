package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

var (
	// ErrCorrupt marks a file that breaks a rule of the format.
	ErrCorrupt = errors.New("corrupt file")
	// ErrUnsupported marks a file that holds an element type which this package does not read.
	ErrUnsupported = errors.New("unsupported element type")
	// ErrInvalid marks tensors or metadata that cannot be written.
	ErrInvalid = errors.New("cannot be written as safetensors")
)

// DType is the element type of a tensor, as the format spells it.
type DType string

// The element types that this package reads and writes.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16" // the upper half of an F32
	I64  DType = "I64"
	I32  DType = "I32"
	I16  DType = "I16"
	I8   DType = "I8"
	U64  DType = "U64"
	U32  DType = "U32"
	U16  DType = "U16"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// known names the types in messages.
const known = "F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8 or BOOL"

// Size returns the bytes per element, 0 for a type this package does not know.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case U8, I8, Bool:
		return 1
	}
	return 0
}

// Tensor is a named array of numbers, row-major.
type Tensor struct {
	Name  string
	DType DType
	Shape []int  // empty for a scalar
	Data  []byte // little-endian, product of Shape times DType.Size() bytes
}

// Float32 returns a tensor with a copy of v. Shape is checked when it is written.
func Float32(name string, shape []int, v []float32) Tensor {
	return encode(name, F32, shape, v, func(b []byte, x float32) {
		binary.LittleEndian.PutUint32(b, math.Float32bits(x))
	})
}

// Float64 returns a tensor with a copy of v. Shape is checked when it is written.
func Float64(name string, shape []int, v []float64) Tensor {
	return encode(name, F64, shape, v, func(b []byte, x float64) {
		binary.LittleEndian.PutUint64(b, math.Float64bits(x))
	})
}

// Int64 returns a tensor with a copy of v. Shape is checked when it is written.
func Int64(name string, shape []int, v []int64) Tensor {
	return encode(name, I64, shape, v, func(b []byte, x int64) {
		binary.LittleEndian.PutUint64(b, uint64(x))
	})
}

// Int32 returns a tensor with a copy of v. Shape is checked when it is written.
func Int32(name string, shape []int, v []int32) Tensor {
	return encode(name, I32, shape, v, func(b []byte, x int32) {
		binary.LittleEndian.PutUint32(b, uint32(x))
	})
}

// Uint8 returns a tensor with a copy of v. Shape is checked when it is written.
func Uint8(name string, shape []int, v []uint8) Tensor {
	return encode(name, U8, shape, v, func(b []byte, x uint8) { b[0] = x })
}

// Int8 returns a tensor with a copy of v. Shape is checked when it is written.
func Int8(name string, shape []int, v []int8) Tensor {
	return encode(name, I8, shape, v, func(b []byte, x int8) { b[0] = byte(x) })
}

// Float32s returns the elements of an F32 tensor as a new slice.
func (t Tensor) Float32s() ([]float32, error) {
	return decode(t, F32, func(b []byte) float32 {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	})
}

// TakeFloat32s returns the elements of an F32 tensor in the memory of Data, which is not to be used any more, or as a new slice
// on a machine that has numbers in another way.
func (t Tensor) TakeFloat32s() ([]float32, error) {
	p := unsafe.Pointer(unsafe.SliceData(t.Data))
	little := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	if t.DType != F32 || !little || len(t.Data) == 0 || uintptr(p)%unsafe.Alignof(float32(0)) != 0 {
		return t.Float32s()
	}
	return unsafe.Slice((*float32)(p), len(t.Data)/F32.Size()), nil
}

// Float64s returns the elements of an F64 tensor as a new slice.
func (t Tensor) Float64s() ([]float64, error) {
	return decode(t, F64, func(b []byte) float64 {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	})
}

// Int64s returns the elements of an I64 tensor as a new slice.
func (t Tensor) Int64s() ([]int64, error) {
	return decode(t, I64, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
}

// Int32s returns the elements of an I32 tensor as a new slice.
func (t Tensor) Int32s() ([]int32, error) {
	return decode(t, I32, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
}

func encode[E any](name string, d DType, shape []int, v []E, put func([]byte, E)) Tensor {
	size := d.Size()
	b := make([]byte, len(v)*size)
	for i, x := range v {
		put(b[i*size:(i+1)*size], x)
	}
	return Tensor{Name: name, DType: d, Shape: append([]int{}, shape...), Data: b}
}

func decode[E any](t Tensor, want DType, get func([]byte) E) ([]E, error) {
	if t.DType != want {
		return nil, fmt.Errorf("safetensors: tensor %q is %s, want %s", t.Name, t.DType, want)
	}
	size := want.Size()
	v := make([]E, len(t.Data)/size)
	for i := range v {
		v[i] = get(t.Data[i*size : (i+1)*size])
	}
	return v, nil
}

// span returns the bytes that shape takes up, false when the number does not fit an int64. A
// zero among the dimensions does not excuse the others from fitting.
func span(d DType, shape []int) (int64, bool) {
	n, empty := uint64(d.Size()), false
	for _, s := range shape {
		if s == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(s))
		if s < 0 || hi != 0 || lo > math.MaxInt64 {
			return 0, false
		}
		n = lo
	}
	if empty {
		n = 0
	}
	return int64(n), true
}
