package ptx

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// ErrTooOld means that there is no code for a GPU.
var ErrTooOld = errors.New("GPU too old")

// Image is a module compiled for a compute capability.
type Image struct {
	Name    string // MODULE.smCOMPUTE.ptx or MODULE.smCOMPUTE.cubin
	Compute int    // 75 for 7.5
	Machine bool   // machine code, not PTX
	Data    []byte
}

// fileName is the name of an image.
var fileName = regexp.MustCompile(`^(\w+)\.sm(\d+)\.(ptx|cubin)$`)

// Modules returns the names of all modules in order: one per cell and number format of products,
// CELL_FORMAT, and those that all share.
func Modules() []string {
	var names []string
	for _, group := range groups {
		modules, err := group()
		if err != nil {
			panic(err) // the archives are part of the program
		}
		names = slices.AppendSeq(names, maps.Keys(modules))
	}
	slices.Sort(names)
	return names
}

// Images returns the code of a module for a GPU of a compute capability, in the order in which to try
// it: machine code, where there is any that the GPU can run, and the newest PTX that it can run.
//
// Errors: ErrTooOld, and a name that is no module.
func Images(name string, compute int) ([]Image, error) {
	all, err := unpack(name)
	if err != nil {
		return nil, err
	}
	var machine, text *Image
	least := all[0].Compute
	for i := range all {
		m := &all[i]
		least = min(least, m.Compute)
		switch {
		case m.Compute > compute:
		case !m.Machine && (text == nil || m.Compute > text.Compute):
			text = m
		case m.Machine && m.Compute/10 == compute/10 && (machine == nil || m.Compute > machine.Compute):
			machine = m
		}
	}
	if text == nil {
		return nil, fmt.Errorf("ptx: module %s: compute capability %d.%d, want at least %d.%d: %w",
			name, compute/10, compute%10, least/10, least%10, ErrTooOld)
	}
	if machine == nil {
		return []Image{*text}, nil
	}
	return []Image{*machine, *text}, nil
}

// image returns what a file is by its name.
func image(name string, data []byte) (Image, error) {
	m := fileName.FindStringSubmatch(name)
	if m == nil {
		return Image{}, fmt.Errorf("ptx: %s is no name of compiled code", name)
	}
	compute, err := strconv.Atoi(m[2])
	return Image{Name: name, Compute: compute, Machine: m[3] == "cubin", Data: data}, err
}
