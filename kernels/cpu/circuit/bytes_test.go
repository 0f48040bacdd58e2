//go:build cgo

package circuit

import (
	"testing"

	"galvani/kernels/conform"
	"galvani/kernels/wiring"
)

// TestBytes wants a plan to take no more memory than is reckoned, of which most lies between the numbers of workers where
// they are many and delays long.
func TestBytes(t *testing.T) {
	c := conform.Balanced(t, 200, 1, true)
	for _, workers := range []int{1, 2, 64} {
		w := wiring.New(c, workers, Apart(workers), true)
		plan, _ := wiring.Bytes(c.Size(), workers, Apart(workers))
		took := float64(4*(len(w.Vars)+len(w.Weights)+len(w.Ints)) + 2*len(w.Brief) + 8*len(w.Bits) + 8*wiring.Stretch*w.Words)
		if took > plan || took < plan/4 {
			t.Errorf("%d workers: a plan of %g bytes, reckoned %g", workers, took, plan)
		}
	}
}
