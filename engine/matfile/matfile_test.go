package matfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// TestWrite holds the bytes of a small file to the format: tags, class, sizes, name, elements column by column.
func TestWrite(t *testing.T) {
	var b bytes.Buffer
	list := []safetensors.Tensor{safetensors.Float32("cell.W", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}), safetensors.Float32("1", nil, []float32{7})}
	if err := Write(&b, list); err != nil {
		t.Fatal(err)
	}
	f := b.Bytes()
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(f[at:]) }
	if string(f[:19]) != "MATLAB 5.0 MAT-file" || string(f[124:128]) != "\x00\x01IM" {
		t.Errorf("head %q", f[:128])
	}
	at := 128
	if word(at) != 14 || word(at+4) != 16+16+16+32 || word(at+8) != 6 || word(at+16) != 7 || word(at+24) != 5 || word(at+28) != 8 ||
		word(at+32) != 2 || word(at+36) != 3 || word(at+40) != 1 || word(at+44) != 6 || string(f[at+48:at+54]) != "cell_W" || word(at+56) != 7 || word(at+60) != 24 {
		t.Errorf("array % x", f[at:at+64])
	}
	for k, want := range []float32{1, 4, 2, 5, 3, 6} {
		if got := math.Float32frombits(word(at + 64 + 4*k)); got != want {
			t.Errorf("element %d is %v, want %v", k, got, want)
		}
	}
	if next := at + 8 + int(word(at+4)); word(next) != 14 || len(f) != next+8+int(word(next+4)) || len(f)%8 != 0 {
		t.Errorf("the second array begins with %d, file of %d bytes", word(next), len(f))
	}
	if err := Write(&b, []safetensors.Tensor{{Name: "h", DType: safetensors.BF16, Shape: []int{1}, Data: []byte{0, 0}}}); err == nil || !strings.Contains(err.Error(), "which MATLAB lacks") {
		t.Errorf("BF16: %v", err)
	}
}

// TestNames holds that variables are names of MATLAB, and all different.
func TestNames(t *testing.T) {
	var list []safetensors.Tensor
	for _, name := range []string{"cell.|W|A", "cell_.W_A", "cell..W.A", "0", strings.Repeat("a", 70), strings.Repeat("a", 71)} {
		list = append(list, safetensors.Float32(name, nil, []float32{0}))
	}
	var got []string
	seen := map[string]bool{}
	for _, tensor := range list {
		got = append(got, name(tensor.Name, seen))
	}
	want := []string{"cell__W_A", "cell__W_A_2", "cell__W_A_3", "x0", strings.Repeat("a", 63), strings.Repeat("a", 61) + "_2"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s is %s, want %s", list[i].Name, got[i], want[i])
		}
	}
}
