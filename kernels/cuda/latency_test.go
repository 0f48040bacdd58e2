//go:build gpu

package cuda

import "testing"

// TestLatency does some rounds of every signal; the kernels count them.
func TestLatency(t *testing.T) {
	d := openGPU(t, Options{})
	for i, s := range d.signals() {
		rounds, err := d.Rounds(i)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		for _, n := range []int{1, 2, 7} {
			if err := rounds(n); err != nil && s.cluster <= d.limits.Cluster { // not every GPU has room for more
				t.Errorf("%s, %d rounds: %v", s.name, n, err)
			}
		}
	}
	if err := d.Wait(); err != nil {
		t.Errorf("after what the GPU refused: %v", err)
	}
}
