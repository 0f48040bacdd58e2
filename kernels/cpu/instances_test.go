//go:build cgo

package cpu

import (
	"io/fs"
	"strings"
	"testing"

	"galvani/kernels/cells"
)

// TestInstances wants every cell header compiled in: instances.h is generated from the list.
func TestInstances(t *testing.T) {
	headers, err := fs.Glob(cells.Headers, "*.h")
	if err != nil {
		t.Fatal(err)
	}
	compiled := Cells()
	for _, h := range headers {
		if _, ok := compiled[strings.TrimSuffix(h, ".h")]; !ok {
			t.Errorf("kernels/cells/%s is not compiled in; run: go generate ./kernels/cpu", h)
		}
	}
	if len(headers) != len(compiled) {
		t.Errorf("%d headers, %d compiled cells; run: go generate ./kernels/cpu", len(headers), len(compiled))
	}
}
