package conform

import (
	"testing"

	"galvani/kernels/cells"
)

// TestEveryHeader wants a variant of every header: one without is seen by no suite.
func TestEveryHeader(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Variants() {
		seen[v.Header] = true
	}
	for _, name := range cells.Names() {
		if !seen[name] {
			t.Errorf("kernels/cells/%s.h has no variant; add one to Variants", name)
		}
		delete(seen, name)
	}
	for name := range seen {
		t.Errorf("there is a variant of %s, but no kernels/cells/%s.h", name, name)
	}
}
