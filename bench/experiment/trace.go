package experiment

import (
	"fmt"
	"slices"

	"galvani/engine/safetensors"
)

// Traced returns the values of a tensor by its name.
func Traced(all []safetensors.Tensor, name string) ([]float32, error) {
	i := slices.IndexFunc(all, func(t safetensors.Tensor) bool { return t.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no tensor %s", name)
	}
	return all[i].Float32s()
}
