//go:build !cgo

package bench

import "galvani/kernels"

// packedProducts fails: the products are C, and this binary was built without cgo.
func packedProducts(int, int) ([]contestant, error) {
	_, err := kernels.OpenCPU(1)
	return nil, err
}
