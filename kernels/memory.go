package kernels

import "errors"

// ErrMemory means that something does not fit the memory that it may use: the device's, or
// ScanConfig.Memory.
var ErrMemory = errors.New("not enough memory")
