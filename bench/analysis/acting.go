package analysis

import (
	"galvani/engine/safetensors"
	"galvani/models"
)

// Acting returns what acts in a network as tensors: signs, masks and scales are applied to the
// stored parameters, and quantities that are made of them follow (models.Network.Effective).
// Parameters come first, in the order of Specs.
//
// Errors: those of Effective.
func Acting(net *models.Network, stored [][]float32) ([]safetensors.Tensor, error) {
	list, err := net.Effective(stored)
	if err != nil {
		return nil, err
	}
	tensors := make([]safetensors.Tensor, len(list))
	for i, a := range list {
		tensors[i] = safetensors.Float32(a.Name, a.Shape, a.Values)
	}
	return tensors, nil
}

// Constants returns the arrays that the wiring of a network fixes (models.Network.Constants).
func Constants(net *models.Network) (list []safetensors.Tensor) {
	net.Constants(func(name string, shape []int, values []int8) {
		list = append(list, safetensors.Int8(name, shape, values))
	})
	return list
}
