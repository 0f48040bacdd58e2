package devices

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"galvani/kernels"
	"galvani/kernels/cpu"
)

var names = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,3})?)$`)

// Known reports whether name is one that Open takes, or auto.
func Known(name string) bool { return names.MatchString(name) }

// Options say how a device computes.
type Options struct {
	Threads   int    // of the CPU; 0 means all that the process may use
	Precision string // of products, one of kernels.Precisions; "" is fp32
}

// Open opens the device of a name: cpu, cuda (the first GPU) or cuda:n.
//
// Errors: another name; wraps kernels.ErrNoDevice where it is not usable here, and says why.
func Open(name string, opt Options) (kernels.Device, error) {
	switch {
	case name == "cpu":
		return opened(cpu.OpenPrecision(opt.Precision, opt.Threads))
	case name == "auto" || !Known(name):
		return nil, fmt.Errorf("kernels: no device %q, want cpu, cuda or cuda:n: %w", name, kernels.ErrNoDevice)
	}
	return opened(OpenCUDA(Index(name), opt.Precision))
}

// Index returns n of cuda:n; without a number it is the first GPU, 0.
func Index(name string) int {
	_, n, _ := strings.Cut(name, ":")
	index, _ := strconv.Atoi(n)
	return index
}

// OpenCPU opens the CPU; threads 0 means all that the process may use.
//
// Errors: wraps kernels.ErrNoDevice in a binary built without cgo.
func OpenCPU(threads int) (kernels.Device, error) { return opened(cpu.Open(threads)) }

// opened returns d as a device, and nothing where it could not be opened.
func opened[D kernels.Device](d D, err error) (kernels.Device, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// GivesWay reports whether a GPU that was not asked for by name gives way to the CPU, after an error of
// Open or of work on it.
func GivesWay(err error) bool {
	return errors.Is(err, kernels.ErrNoDevice) || errors.Is(err, kernels.ErrMemory) || errors.Is(err, kernels.ErrLost)
}
