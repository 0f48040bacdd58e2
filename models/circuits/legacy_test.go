package circuits

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/kernels/neurons"
)

// demo is one neuron that an excitatory and an inhibitory train reach, the demonstration of a synapse in Zhu (2020).
const demo = `[population.post]
neuron = "eif"
start = "-72 mV"
synapse = { e = "4 ms", i = "6 ms" }
numbers = { tau_m = "10 ms", D_T = "2 mV", V_th = "10 mV", V_re = "-72 mV" }
[population.e]
neuron = "trains"
file = "trains.csv"
[population.i]
neuron = "trains"
file = "trains.csv"
[[projection]]
from = "e"
to = "post"
all_to_all = true
weight = "80 mV ms"
[[projection]]
from = "i"
to = "post"
all_to_all = true
weight = "-80 mV ms"
[[record]]
population = "post"
`

// TestLegacy holds one neuron under two trains to the potentials and to the peak of the excitatory current that the
// source gives, with weights that are areas and with those that are divided by the time constant a second time.
func TestLegacy(t *testing.T) {
	folder := t.TempDir()
	trains := "time_ms,population,unit\n"
	for name, times := range map[string][]float64{"e": {50, 60, 65, 100, 175}, "i": {20, 40, 150, 180}} {
		for _, ms := range times {
			trains += fmt.Sprintf("%g,%s,0\n", ms, name)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "trains.csv"), []byte(trains), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "demo.toml")
	read := func(text string) (*Blueprint, error) {
		n, err := Read(file, []byte(text))
		if err != nil {
			return nil, err
		}
		return n.Blueprint(n.Step)
	}
	legacy := strings.ReplaceAll(demo, "all_to_all = true", "all_to_all = true\nlegacy = true")
	for _, c := range []struct {
		text             string
		e, i             float64 // weights
		least, most, top float64 // of V, and of the current from e
	}{
		{demo, 80, -80, -76.86, -63.08, 26.09},
		{legacy, 20, -80. / 6, -72.81, -69.68, 6.52},
	} {
		b, err := read(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if e, i := b.Connections[0], b.Connections[1]; e.Weight.A != c.e || i.Weight.A != c.i || e.Legacy != (c.e == 20) {
			t.Errorf("weights %v and %v, legacy %v, want %v and %v", e.Weight, i.Weight, e.Legacy, c.e, c.i)
		}
		if len(neurons.All()) == 0 {
			continue
		}
		plan := planOf(t, b)
		least, most, top := math.Inf(1), math.Inf(-1), 0.0
		for range 2500 {
			r, err := plan.Run(1)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Spikes) > 0 && r.Spikes[0].Population == 0 {
				t.Fatal("the neuron spikes")
			}
			s, err := plan.State()
			if err != nil {
				t.Fatal(err)
			}
			v := float64(r.V[0][0])
			least, most, top = min(least, v), max(most, v), max(top, float64(s.Populations[0].Currents[0][0]))
		}
		// The source steps its synapses by Euler's method, whose current is 1.3 % larger after a spike.
		if math.Abs(least-c.least) > 0.15 || math.Abs(most-c.most) > 0.15 || math.Abs(top/c.top-1) > 0.02 {
			t.Errorf("V is from %.2f to %.2f mV and the current up to %.2f mV, want %v, %v and %v", least, most, top, c.least, c.most, c.top)
		}
	}
	for change, want := range map[string]string{
		"legacy = 1": "legacy is 1, want true or false",
		"legacy = true\nplasticity = { rule = \"isp\" }": "legacy stands beside plasticity",
	} {
		if _, err := read(strings.Replace(demo, "all_to_all = true", "all_to_all = true\n"+change, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", change, err, want)
		}
	}
}
