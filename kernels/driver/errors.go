//go:build gpu

package driver

// #include "stub/stub.h"
import "C"

import (
	"errors"
	"fmt"
	"reflect"
)

// Sentinels for the kinds of failure that a caller acts on.
var (
	// ErrUnavailable means that there is no GPU that this program can use: another device can
	// do the work.
	ErrUnavailable = errors.New("CUDA is not usable")
	// ErrMemory means that the GPU has not enough free memory.
	ErrMemory = errors.New("out of device memory")
	// ErrLost means that the GPU or the context on it failed: nothing more can be done with it
	// in this process.
	ErrLost = errors.New("device lost")
	// ErrClosed means that the Device was closed.
	ErrClosed = errors.New("driver: device is closed")
)

// Error is a failed call of the CUDA driver. errors.Is tells its class.
type Error struct {
	Call   string // name of the function
	Code   int    // CUresult
	Detail string // what else is known, may be empty
}

func (e *Error) Error() string {
	s := fmt.Sprintf("driver: %s: code %d", e.Call, e.Code)
	if name := codeName(e.Code); name != "" {
		s += " " + name
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the class.
func (e *Error) Unwrap() error { return e.Class() }

// Class returns ErrUnavailable, ErrMemory, ErrLost, or nil for a failure of a single call.
func (e *Error) Class() error {
	switch e.Code {
	case 2: // out of memory
		return ErrMemory
	case 3, 34, 46, 100, 222, 802, 803, 804:
		// not initialised, toolkit's stub library, device unavailable, no device, PTX newer than
		// the driver, system not ready, driver and kernel module differ, forward compatibility
		return ErrUnavailable
	case 214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719:
		// memory error, NVLink error, illegal address, timeout, context destroyed, assert, and
		// the faults of a running kernel; the context stays unusable after each
		return ErrLost
	}
	return nil
}

// NoBinary reports whether err is of an image with code that the GPU or the driver at hand cannot run,
// where another image of the same code may do.
func NoBinary(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == noBinary || e.Code == invalidImage)
}

// CUresults that NoBinary is for.
const (
	invalidImage = 200
	noBinary     = 209
)

// codeName returns the name of a CUresult, "" for a number without one.
func codeName(code int) string { return C.GoString(C.galvani_cuda_name(C.int(code))) }

// check turns the result of package cu into an error. The type of cu's errors is not exported;
// its kind is int and its value the CUresult.
func check(call string, err error) error {
	if err == nil {
		return nil
	}
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Int {
		return fmt.Errorf("driver: %s: %w", call, err)
	}
	return &Error{Call: call, Code: int(v.Int())}
}
