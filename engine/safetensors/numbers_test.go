package safetensors

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// TestNumbers decodes bytes written out by hand, of every type.
func TestNumbers(t *testing.T) {
	u16 := func(v ...uint16) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint16(b, x)
		}
		return b
	}
	for _, c := range []struct {
		t    DType
		data []byte
		want []float64
	}{
		// 1, -2, the largest, the smallest normal and subnormal number, 1/3, -0, infinities.
		{F16, u16(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x8000, 0x7c00, 0xfc00),
			[]float64{1, -2, 65504, 0x1p-14, 0x1p-24, 0.333251953125, 0, math.Inf(1), math.Inf(-1)}},
		{BF16, u16(0x3f80, 0xc040, 0x7f80), []float64{1, -3, math.Inf(1)}},
		{F32, []byte{0, 0, 0xc0, 0x3f}, []float64{1.5}},
		{F64, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, []float64{-1.5}},
		{I64, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []float64{-2}},
		{I32, []byte{0xfe, 0xff, 0xff, 0xff}, []float64{-2}},
		{I16, u16(0xfffe, 7), []float64{-2, 7}},
		{I8, []byte{0xfe, 7}, []float64{-2, 7}},
		{U64, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []float64{0x1p64}},
		{U32, []byte{0xfe, 0xff, 0xff, 0xff}, []float64{0xfffffffe}},
		{U16, u16(0xfffe), []float64{0xfffe}},
		{U8, []byte{0xfe, 7}, []float64{254, 7}},
		{Bool, []byte{0, 1, 2}, []float64{0, 1, 1}},
	} {
		got := Tensor{Name: "x", DType: c.t, Shape: []int{len(c.want)}, Data: c.data}.Numbers()
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.t, got, c.want)
		}
	}
	for _, c := range []Tensor{{DType: F16, Data: u16(0x7c01)}, {DType: BF16, Data: u16(0x7fc0)}} {
		if got := c.Numbers(); !math.IsNaN(got[0]) {
			t.Errorf("%s: %v, want NaN", c.DType, got)
		}
	}
}

// TestMetadataNull reads what some writers put in place of no metadata.
func TestMetadataNull(t *testing.T) {
	for _, header := range []string{`{"__metadata__":null}`, `{"__metadata__": null ,"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`} {
		f, err := Decode(build(header, 2*min(1, len(header)-21)), "x")
		if err != nil || f.Metadata != nil {
			t.Errorf("%s: metadata %v, error %v", header, f, err)
		}
	}
	if _, err := Decode(build(`{"__metadata__":nul}`, 0), "x"); err == nil {
		t.Error("half a word is taken for null")
	}
}
