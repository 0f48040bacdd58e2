package adopt

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// tensor returns one of zeros.
func tensor(name string, shape ...int) safetensors.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return safetensors.Float32(name, shape, make([]float32, n))
}

var network = []Parameter{{"cell.weight_ih_l0", []int{4, 2}, true}, {"cell.weight_ih_l1", []int{4, 4}, true}, {"cell.tau", []int{4}, false},
	{"readout.weight", []int{3, 4}, true}, {"readout.bias", []int{3}, true}}

// TestMatch holds which tensors are taken for the parameters of a network of two layers.
func TestMatch(t *testing.T) {
	ih := []safetensors.Tensor{tensor("rnn.weight_ih_l0", 4, 2), tensor("rnn.weight_ih_l1", 4, 4)}
	fc := []safetensors.Tensor{tensor("fc.bias", 3), tensor("fc.weight", 3, 4)}
	for name, tt := range map[string]struct {
		tensors []safetensors.Tensor
		named   map[string]string
		want    string // the tensors in the order of the network
		left    string
		says    string // of an error
	}{
		"own names": {tensors: []safetensors.Tensor{tensor("cell.weight_ih_l0", 4, 2), tensor("cell.weight_ih_l1", 4, 4), tensor("cell.tau", 4),
			tensor("readout.bias", 3), tensor("readout.weight", 3, 4), tensor("cell.tau_s", 4)},
			want: "cell.weight_ih_l0 cell.weight_ih_l1 cell.tau readout.weight readout.bias", left: "cell.tau_s"},
		"a module": {tensors: slices.Concat(ih, fc), want: "rnn.weight_ih_l0 rnn.weight_ih_l1 fc.weight fc.bias"},
		"of a step": {tensors: slices.Concat([]safetensors.Tensor{tensor("weight_ih", 4, 2), ih[1]}, fc),
			want: "weight_ih rnn.weight_ih_l1 fc.weight fc.bias"},
		"with other weights": {tensors: slices.Concat([]safetensors.Tensor{tensor("embed.weight", 9, 4), tensor("embed.bias", 3)}, ih, fc),
			want: "rnn.weight_ih_l0 rnn.weight_ih_l1 fc.weight fc.bias", left: "embed.weight embed.bias"},
		"named": {tensors: slices.Concat(ih, fc, []safetensors.Tensor{tensor("other", 3)}), named: map[string]string{"readout.bias": "other"},
			want: "rnn.weight_ih_l0 rnn.weight_ih_l1 fc.weight other", left: "fc.bias"},
		"two modules": {tensors: slices.Concat(ih, fc, []safetensors.Tensor{tensor("decoder.weight_ih_l0", 4, 2)}),
			says: "cell.weight_ih_l0 may be any of rnn.weight_ih_l0 [4 2], decoder.weight_ih_l0 [4 2]; say which with init_map"},
		"two read-outs": {tensors: slices.Concat(ih, fc, []safetensors.Tensor{tensor("value.weight", 3, 4)}), says: "readout.weight may be any of fc.weight"},
		"no bias":       {tensors: slices.Concat(ih, fc[1:]), says: "no tensor for readout.bias [3], and left is nothing; leave it"},
		"another size":  {tensors: slices.Concat(ih, []safetensors.Tensor{tensor("fc.weight", 2, 4), fc[0]}), says: "tensor fc.weight is [2 4], and readout.weight of the network is [3 4]"},
		"turned":        {tensors: slices.Concat([]safetensors.Tensor{tensor("weight_ih_l0", 2, 4), ih[1]}, fc), says: "weight_ih_l0 is [2 4]"},
		"one layer":     {tensors: slices.Concat(ih[:1], fc), says: "no tensor for cell.weight_ih_l1 [4 4], and left is "},
		"named wrongly": {tensors: slices.Concat(ih, fc), named: map[string]string{"readout.bias": "none"}, says: "no tensor none to take for readout.bias, only"},
		"no parameter":  {tensors: slices.Concat(ih, fc), named: map[string]string{"cell.b": "fc.bias"}, says: "no parameter cell.b to take fc.bias for, want one of cell.weight_ih_l0"},
	} {
		pairs, left, err := Match(network, tt.tensors, tt.named)
		if tt.says != "" {
			if !errors.Is(err, ErrMatch) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: error %v, want %q", name, err, tt.says)
			}
			continue
		}
		var got []string
		for _, p := range pairs {
			got = append(got, p.Tensor.Name)
		}
		if err != nil || strings.Join(got, " ") != tt.want || strings.Join(left, " ") != tt.left {
			t.Errorf("%s: %v, left %v, error %v; want %s, left %s", name, got, left, err, tt.want, tt.left)
		}
	}
}
