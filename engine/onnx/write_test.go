package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/engine/safetensors"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields returns the fields of a message by number, in order; varints as their bytes.
func fields(t *testing.T, b []byte) map[protowire.Number][][]byte {
	t.Helper()
	out := map[protowire.Number][][]byte{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var v []byte
		switch kind {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
			if n > 0 {
				v = b[:n]
			}
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		out[number], b = append(out[number], v), b[n:]
	}
	return out
}

// numbered returns a tensor in which row r holds r.
func numbered(name string, shape ...int) safetensors.Tensor {
	columns := 1
	if len(shape) > 1 {
		columns = shape[1]
	}
	v := make([]float32, shape[0]*columns)
	for i := range v {
		v[i] = float32(i / columns)
	}
	return safetensors.Float32(name, shape, v)
}

// lstm returns the parameters of two layers of 1 unit with 2 inputs and 3 outputs.
func lstm() []safetensors.Tensor {
	return []safetensors.Tensor{numbered("cell.weight_ih_l0", 4, 2), numbered("cell.weight_hh_l0", 4, 1), numbered("cell.bias_ih_l0", 4), numbered("cell.bias_hh_l0", 4),
		numbered("cell.weight_ih_l1", 4, 1), numbered("cell.weight_hh_l1", 4, 1), numbered("cell.bias_ih_l1", 4), numbered("cell.bias_hh_l1", 4),
		numbered("readout.weight", 3, 1), numbered("readout.bias", 3)}
}

// TestWrite reads a file back as protocol buffers: operators, inputs, outputs, and the gates of PyTorch in ONNX's order.
func TestWrite(t *testing.T) {
	var b, again bytes.Buffer
	about := map[string]string{"model": "lstm", "task": "adding", "version": "test"}
	if err := Write(&b, "lstm", append(lstm(), numbered("cell.h0", 1, 2), numbered("cell.h0_l1", 1, 2)), about); err != nil {
		t.Fatal(err)
	}
	whole := fields(t, b.Bytes())
	g := fields(t, whole[7][0])
	var ops, tensors []string
	for _, n := range g[1] {
		ops = append(ops, string(fields(t, n)[4][0]))
	}
	want := "Shape Gather Concat Expand Expand LSTM Squeeze Expand Expand LSTM Squeeze Transpose MatMul Add Identity"
	if got := strings.Join(ops, " "); got != want {
		t.Errorf("operators %s, want %s", got, want)
	}
	for _, m := range g[5] {
		f := fields(t, m)
		name := string(f[8][0])
		tensors = append(tensors, name)
		var v []float32
		for at := 0; at+4 <= len(f[9][0]); at += 4 {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(f[9][0][at:])))
		}
		if name == "cell.weight_ih_l0" && !slices.Equal(v, []float32{0, 0, 3, 3, 1, 1, 2, 2}) || name == "cell.bias_l1" && !slices.Equal(v, []float32{0, 3, 1, 2, 0, 3, 1, 2}) {
			t.Errorf("%s is %v", name, v)
		}
	}
	if !slices.Contains(tensors, "cell.weight_ih_l0") || !slices.Contains(tensors, "cell.bias_l1") || len(g[11]) != 1 || len(g[12]) != 2 || len(whole[14]) != 3 {
		t.Errorf("tensors %q, %d inputs, %d outputs, %d notes", tensors, len(g[11]), len(g[12]), len(whole[14]))
	}
	if err := Write(&again, "lstm", append(lstm(), numbered("cell.h0", 1, 2), numbered("cell.h0_l1", 1, 2)), about); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("the second file differs, %v", err)
	}
}

// TestWriteLayers holds the operations of layers without a state, of which the last applies nothing, and what is left out.
func TestWriteLayers(t *testing.T) {
	var b bytes.Buffer
	list := []safetensors.Tensor{numbered("layer1.weight", 3, 2), numbered("layer1.bias", 3), numbered("layer2.weight", 4, 3), numbered("layer2.bias", 4),
		numbered("layer2.feedback", 4, 3)}
	if err := Write(&b, "mlp", list, map[string]string{"activation": "sigmoid"}); err != nil {
		t.Fatal(err)
	}
	var ops []string
	g := fields(t, fields(t, b.Bytes())[7][0])
	for _, n := range g[1] {
		ops = append(ops, string(fields(t, n)[4][0]))
	}
	if got := strings.Join(ops, " "); got != "Gemm Sigmoid Gemm" || len(g[5]) != 4 || len(g[11]) != 1 || len(g[12]) != 1 {
		t.Errorf("operators %s, %d tensors, %d inputs, %d outputs", got, len(g[5]), len(g[11]), len(g[12]))
	}
	for _, wrong := range []string{"", "swish"} {
		if err := Write(&b, "mlp", list, map[string]string{"activation": wrong}); !errors.Is(err, ErrModel) {
			t.Errorf("activation %q: %v", wrong, err)
		}
	}
	if err := Write(&b, "mlp", list[:3], map[string]string{"activation": "tanh"}); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "layer2.bias") {
		t.Errorf("without a bias: %v", err)
	}
}

// TestWriteRefuses holds what is said of another model and of parameters that do not fit.
func TestWriteRefuses(t *testing.T) {
	for model, want := range map[string]string{"crnn": "want one of gru, irnn, lstm, mlp, rnn", "gru": "cell.weight_ih_l0 is [4 2]"} {
		if err := Write(&bytes.Buffer{}, model, lstm(), nil); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", model, err, want)
		}
	}
	for _, missing := range []string{"readout.weight", "readout.bias", "cell.bias_hh_l1"} {
		list := slices.DeleteFunc(lstm(), func(x safetensors.Tensor) bool { return x.Name == missing })
		if err := Write(&bytes.Buffer{}, "lstm", list, nil); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
