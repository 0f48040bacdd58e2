package circuits

import (
	"math"
	"strings"
	"testing"

	"galvani/kernels/neurons"
)

// TestConductance: a synapse with a reversal potential is a conductance, whose weights are times, and whose
// sign by Dale's law is that of what it drives V to.
func TestConductance(t *testing.T) {
	b := load(t, "coba", "")
	e := b.Populations[0]
	if to, ok := e.Reversal(1); !ok || to != -80 || e.Synapses[1] != 10 || b.Connections[0].Weight.A != 3 || b.Connections[2].Weight.A != 67 {
		t.Errorf("population %+v, connections %+v", e, b.Connections)
	}
	if s := load(t, "balanced", "").Populations[0]; !math.IsNaN(s.Reversals[0]) {
		t.Errorf("the balanced network has the reversal potentials %v", s.Reversals)
	}
	if len(neurons.All()) == 0 {
		return // nobody knows the potential at rest
	}
	text, err := Text("coba")
	if err != nil {
		t.Fatal(err)
	}
	swapped := strings.Replace(string(text), `reversal = "0 mV"`, `reversal = "-90 mV"`, 1)
	if _, err := Read("my.toml", []byte(swapped)); err == nil || !strings.Contains(err.Error(), "my.toml: line 65: projection[0].weight is 3 ms, which from rest to the reversal potential of -90 mV is -90 mV ms, and population e is excitatory") {
		t.Errorf("error of an excitatory conductance to -90 mV is %v", err)
	}
}
