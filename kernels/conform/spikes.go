package conform

import (
	"fmt"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cells"
)

// Spikes holds units that spike, with every surrogate and both resets, in fp32 to a reference that computes
// in float64. Scan has the same cell with smooth spikes, since coarser products decide on spikes that lie near
// the threshold.
func Spikes(t *testing.T, dev, ref kernels.Device) {
	tables, err := cells.TablesOf("lif")
	if err != nil {
		t.Fatal(err)
	}
	for _, reset := range []float64{0, 1} {
		for _, surrogate := range []float64{0, 1, 2} {
			v := VariantOf("lif/0")
			v.Name, v.Consts = fmt.Sprintf("lif/%v/%v", surrogate, reset), slices.Clone(v.Consts)
			for k, c := range tables.Consts {
				if x, ok := map[string]float64{"surrogate": surrogate, "hard": 1, "kappa": 0.3, "value": reset, "refractory": 1}[c.Name]; ok {
					v.Consts[k] = x
				}
			}
			for i, s := range Tails {
				t.Run(fmt.Sprintf("%s/%+v", v.Name, s), func(t *testing.T) { One(t, dev, ref, "fp32", v, s, uint64(i)) })
			}
		}
	}
}
