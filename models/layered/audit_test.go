package layered

import (
	"fmt"
	"testing"

	"galvani/models/rules"
)

// TestAudits holds the audit of every rule in every model, and that of those named to what their sources say; TestReads and TestSynapsesSeeNoOtherWeights hold what they claim.
func TestAudits(t *testing.T) {
	want := map[string]string{
		"backprop": "[{mlp false weights [rate]}]", "feedback-alignment": "[{mlp false none [rate]}]", "direct-feedback-alignment": "[{mlp false none [rate]}]",
		"sign-symmetry": "[{mlp false signs [rate]}]", "kolen-pollack": "[{mlp false none [rate]}]", "weight-mirror": "[{mlp false none [rate]}]",
		"predictive-coding": "[{leaky true weights [leaky]}]", "two-sweeps": "[{microcircuit true none [rate]}]", "sacramento": "[{microcircuit true none [leaky spiking]}]",
		"generalised-latent-equilibrium": "[{leaky true weights [leaky]}]",
		"latent-equilibrium":             "[{microcircuit true none [leaky spiking]} {leaky true weights [leaky]}]",
	}
	for _, r := range rules.All() {
		got, err := Audits(r)
		if err != nil || len(got) != len(r.Models) {
			t.Errorf("%s: %v, %v, want an audit for each of %v", r.Name, got, err, r.Models)
		}
		if w, named := want[r.Name]; named && fmt.Sprint(got) != w {
			t.Errorf("%s: %v, want %s", r.Name, got, w)
		}
	}
}
