package cells

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// TestList wants every header in list.h, which is generated, and in its order.
func TestList(t *testing.T) {
	headers, err := fs.Glob(Headers, "*.h")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, h := range headers {
		if h != "list.h" {
			want = append(want, strings.TrimSuffix(h, ".h"))
		}
	}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("list.h has %v, the folder %v; run: go generate ./kernels/cells", got, want)
	}
}
