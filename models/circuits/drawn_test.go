package circuits

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/neurons"
)

// TestRegenerate draws the connections of networks again in each step: those that can be, in hardly any memory, and with
// the rates of those that are stored.
func TestRegenerate(t *testing.T) {
	rates := func(b *Blueprint) (hz []float64) {
		r, err := planOf(t, b).Run(5000)
		if err != nil {
			t.Fatal(err)
		}
		hz = make([]float64, len(b.Populations))
		for _, s := range r.Spikes {
			hz[s.Population] += 2 / float64(b.Populations[s.Population].N)
		}
		return hz
	}
	for name, settings := range map[string]string{"balanced": "n=2000", "microcircuit": "scale=0.02 degree=0.05"} {
		kept, drawn := load(t, name, settings), load(t, name, settings)
		if name == "balanced" {
			for _, b := range []*Blueprint{kept, drawn} { // from so many of each, with weights of both kinds that are drawn
				for i, q := range b.Connections {
					q.Rule, q.Degree = InDegree, b.Populations[q.From].N/10
					q.Weight = Spread{Form: Lognormal, A: q.Weight.A, B: math.Abs(q.Weight.A) / 2}
					b.Connections[i] = q
				}
			}
		}
		if !drawn.Regenerate() {
			t.Fatalf("no connection of %s is drawn again", name)
		}
		stored, none := kept.Size(), drawn.Size()
		if entries := none.Entries; entries > stored.Entries/20 || none.Bytes() > stored.Bytes()/4 {
			t.Errorf("%s keeps %g entries in %g bytes, %g in %g where they are stored", name, entries, none.Bytes(), stored.Entries, stored.Bytes())
		}
		if len(neurons.All()) == 0 {
			continue
		}
		want, got := rates(kept), rates(drawn)
		for i, hz := range got {
			if n := float64(kept.Populations[i].N); math.Abs(hz-want[i]) > 0.1*want[i]+5*math.Sqrt(want[i]/n) {
				t.Errorf("%s: population %s fires at %.3g Hz, %.3g where the entries are stored", name, kept.Populations[i].Name, hz, want[i])
			}
		}
	}
	isp := load(t, "isp", "")
	if isp.Regenerate(); slices.ContainsFunc(isp.Connections, func(q Connection) bool { return q.Regenerated == (q.Plasticity != nil) }) {
		t.Error("of isp others are drawn again than those whose weights stay")
	}
	if b := load(t, "rates-isp", ""); b.Regenerate() {
		t.Error("connections of rate units are drawn again")
	}
	c, err := isp.Draw(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Projections {
		if d := p.Drawn; d != nil && d.Expected > 0 && d.Weight.Form == kernels.SpreadSame && p.Counts() {
			return
		}
	}
	t.Error("isp has no projection that is drawn again and counts spikes")
}
