package safetensors

import (
	"encoding/binary"
	"math"
)

// Numbers returns the elements of a tensor of any type as a new slice. A boolean is 0 or 1.
//
// Accuracy: exact but for integers beyond 2⁵³, which are rounded to the nearest float64.
func (t Tensor) Numbers() []float64 {
	v := make([]float64, len(t.Data)/t.DType.Size())
	for i := range v {
		v[i] = t.Number(i)
	}
	return v
}

// Number returns element i of a tensor as Numbers does.
func (t Tensor) Number(i int) float64 {
	size := t.DType.Size()
	return t.DType.number(t.Data[i*size : (i+1)*size])
}

// number decodes one element.
func (d DType) number(b []byte) float64 {
	le := binary.LittleEndian
	switch d {
	case F64:
		return math.Float64frombits(le.Uint64(b))
	case F32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case F16:
		return half(le.Uint16(b))
	case BF16:
		return float64(math.Float32frombits(uint32(le.Uint16(b)) << 16))
	case I64:
		return float64(int64(le.Uint64(b)))
	case I32:
		return float64(int32(le.Uint32(b)))
	case I16:
		return float64(int16(le.Uint16(b)))
	case I8:
		return float64(int8(b[0]))
	case U64:
		return float64(le.Uint64(b))
	case U32:
		return float64(le.Uint32(b))
	case U16:
		return float64(le.Uint16(b))
	case Bool:
		if b[0] == 0 {
			return 0
		}
		return 1
	}
	return float64(b[0]) // U8
}

// half decodes an IEEE 754 binary16: one bit of sign, 5 of exponent, 10 of fraction.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0: // zero and subnormal numbers
		v = math.Ldexp(fraction, -24)
	case 0x1f:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits&0x8000 != 0 {
		v = -v
	}
	return v
}
