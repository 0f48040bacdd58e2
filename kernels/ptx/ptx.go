// Package ptx holds the CUDA kernels as PTX, which the driver translates for the GPU at hand.
//
// build.sh makes the files from kernels/cuda and kernels/cells; manifest.json says from which
// sources and with which compiler, and the tests of this package compare. PTX of a compute
// capability runs on every newer GPU.
package ptx

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// ErrTooOld means that there is no code for a GPU.
var ErrTooOld = errors.New("GPU too old")

//go:embed *.ptx manifest.json
var files embed.FS

// fileName is MODULE.smCOMPUTE.ptx.
var fileName = regexp.MustCompile(`^(\w+)\.sm(\d+)\.ptx$`)

// computes holds the compute capabilities that each module has code for, in ascending order.
var computes = list()

func list() map[string][]int {
	found := map[string][]int{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil {
			compute, err := strconv.Atoi(m[2])
			if err != nil {
				panic(err) // its digits are matched above
			}
			found[m[1]] = append(found[m[1]], compute)
		}
	}
	for _, c := range found {
		slices.Sort(c)
	}
	return found
}

// Modules returns the names of all modules in order: one per cell, and those that all share.
func Modules() []string {
	names := make([]string, 0, len(computes))
	for name := range computes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Module returns the PTX of a module for a GPU of a compute capability, 75 for 7.5: the newest
// that it can run.
//
// Errors: ErrTooOld, and a name that is no module.
func Module(name string, compute int) ([]byte, error) {
	have := computes[name]
	if have == nil {
		return nil, fmt.Errorf("ptx: no module %q, want one of %v", name, Modules())
	}
	for _, c := range slices.Backward(have) {
		if c <= compute {
			return files.ReadFile(fmt.Sprintf("%s.sm%d.ptx", name, c))
		}
	}
	return nil, fmt.Errorf("ptx: module %s: compute capability %d.%d, want at least %d.%d: %w",
		name, compute/10, compute%10, have[0]/10, have[0]%10, ErrTooOld)
}

// Hash returns the SHA-256 of the manifest, which holds that of every file and source, in
// hexadecimal.
func Hash() string {
	data, err := files.ReadFile("manifest.json")
	if err != nil {
		panic(err) // the file is part of the program
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
