package kernels

import (
	"testing"

	"gorgonia.org/tensor"
)

// A panic inside an operation must come back as an error: it would end the process.
func TestPanicsAreCaught(t *testing.T) {
	f := newField[float64](tensor.Shape{4}, false, 0, []int{2})
	if _, err := f.Do(); err == nil {
		t.Error("no error for a missing input")
	}
}
