// Package headers lists the C headers of a folder, for the programs that write its list.h and for the tests that hold
// the list to the folder.
//
// It imports nothing of the project. Only tests and generators import it.
package headers

import (
	"io/fs"
	"slices"
	"strings"
)

// generated are headers that tell of the others.
var generated = []string{"list", "limits"}

// Names returns the names of the headers in a folder, sorted and without their ending, but for those that list the others.
func Names(folder fs.FS) ([]string, error) {
	names, err := fs.Glob(folder, "*.h")
	for i, n := range names {
		names[i] = strings.TrimSuffix(n, ".h")
	}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(generated, n) }), err
}
