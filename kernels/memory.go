package kernels

import (
	"errors"
	"fmt"

	"galvani/kernels/segments"
)

// ErrMemory means that something does not fit the memory that it may use: the device's, or
// ScanConfig.Memory.
var ErrMemory = errors.New("not enough memory")

// MemoryError says what a scan keeps for Backward where that does not fit ScanConfig.Memory. It
// wraps ErrMemory.
func (c ScanConfig) MemoryError(short *segments.MemoryError) error {
	return fmt.Errorf("kernels: scan: %w: T=%d B=%d H=%d keeps %d bytes for backward, at least %d with recomputation, and may keep %d",
		ErrMemory, c.T, c.B, c.H, short.All, short.Least, short.Memory)
}
