package conform

import (
	"fmt"
	"testing"

	"galvani/kernels"
)

// Spikes holds units that spike, with every surrogate and both resets, in fp32 to a reference that computes
// in float64. Scan has the same cell with smooth spikes, since coarser products decide on spikes that lie near
// the threshold.
func Spikes(t *testing.T, dev, ref kernels.Device) {
	smooth := derived("lif")[0]
	for _, reset := range []float64{0, 1} {
		for _, surrogate := range []float64{0, 1, 2} {
			v := smooth
			v.Name = fmt.Sprintf("lif/%v/%v", surrogate, reset)
			v.Consts = []float64{surrogate, 1, 2, 0.5, 0.2, 0.3, reset, -0.2, 1, 0.7, 0, 0, 0}
			for i, s := range Tails {
				t.Run(fmt.Sprintf("%s/%+v", v.Name, s), func(t *testing.T) { One(t, dev, ref, "fp32", v, s, uint64(i)) })
			}
		}
	}
}
