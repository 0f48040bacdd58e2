//go:build cgo

package neurons

import (
	"slices"
	"strings"
	"testing"
)

// inRegion is good with channel na in the dendrite, too, where it has a reversal potential of its own.
var inRegion = strings.NewReplacer("cal = \"1 mS/cm2\"", "na = \"20 mS/cm2\"\ncal = \"1 mS/cm2\"",
	"[channel.cal]", "[region.dendrite.reversal]\nna = \"30 mV\"\n\n[channel.cal]").Replace(good)

// TestReversalByRegion: a channel that reverses elsewhere in a region is two channels with the same gates, to the last
// bit; its numbers are those of regions, and a region without one of its own keeps that of the channel.
func TestReversalByRegion(t *testing.T) {
	apart := strings.NewReplacer("cal = \"1 mS/cm2\"", "na2 = \"20 mS/cm2\"\ncal = \"1 mS/cm2\"",
		"[channel.cal]", "[channel.na2]\nuse = \"na\"\nreversal = \"30 mV\"\n\n[channel.cal]").Replace(good)
	same := strings.Replace(inRegion, `na = "30 mV"`, `na = "50 mV"`, 1)
	whole := strings.Replace(good, "cal = \"1 mS/cm2\"", "na = \"20 mS/cm2\"\ncal = \"1 mS/cm2\"", 1)
	run := func(text string) (*Neuron, []float64) {
		t.Helper()
		n, err := readGood(text, other)
		if err != nil {
			t.Fatal(err)
		}
		n.RecordAll()
		return n, slices.Concat(simulate(t, n, Options{}, 20, "step 5 1:20").V...)
	}
	n, v := run(inRegion)
	if _, want := run(apart); !slices.Equal(v, want) {
		t.Error("V is not that of two channels")
	}
	m, v50 := run(same)
	if _, want := run(whole); !slices.Equal(v50, want) || slices.Equal(v50, v) {
		t.Error("with the potential of the channel in a region V is not that without one")
	}
	for _, names := range [][]string{{"e_na"}, {"soma.e_na", "dendrite.e_na"}} {
		var got []float64
		for _, name := range names {
			if !slices.Contains(n.Learnable(), name) {
				t.Errorf("%s is not learnable", name)
			}
			got = append(got, n.Numbers(name)...)
		}
		if !slices.Equal(got, []float64{50, 30}) {
			t.Errorf("%q are %v", names, got)
		}
	}
	if slices.Contains(n.Learnable(), "soma.e_mine") || n.Written("dendrite.e_na").Unit != "mV" || n.Unit("dendrite.e_na") != "mV" {
		t.Errorf("learnable are %q", n.Learnable())
	}
	if err := m.Set("dendrite.e_na", []float64{30}); err != nil {
		t.Fatal(err)
	}
	if got := slices.Concat(simulate(t, m, Options{}, 20, "step 5 1:20").V...); !slices.Equal(got, v) {
		t.Error("V with a number that was set is not that of the file")
	}
	if copied := n.Clone(); copied.Set("e_na", []float64{1, 2}) != nil || !slices.Equal(n.Numbers("e_na"), []float64{50, 30}) {
		t.Error("a copy shares reversal potentials")
	}
}
