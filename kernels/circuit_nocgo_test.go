//go:build !cgo

package kernels

import (
	"errors"
	"testing"
)

// TestCircuitWithoutCgo wants a circuit to be refused for want of a device, not for its neurons.
func TestCircuitWithoutCgo(t *testing.T) {
	c := Circuit{Step: 0.1, Populations: []Population{{Name: "e", Header: "lif", N: 1}}}
	if err := c.Check(); !errors.Is(err, ErrNoDevice) {
		t.Errorf("got the error %v", err)
	}
}
