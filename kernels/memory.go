package kernels

import (
	"errors"
	"fmt"
)

// ErrMemory means that something does not fit the memory that it may use: the device's, or
// ScanConfig.Memory.
var ErrMemory = errors.New("not enough memory")

// memoryError says what a scan keeps for Backward in bytes: all without recomputation, least
// with the best division into segments.
func (c ScanConfig) memoryError(all, least, memory int64) error {
	return fmt.Errorf("kernels: scan: T=%d B=%d H=%d keeps %d bytes for backward, at least %d with recomputation; memory is %d: %w",
		c.T, c.B, c.H, all, least, memory, ErrMemory)
}
