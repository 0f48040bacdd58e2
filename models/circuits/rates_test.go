package circuits

import (
	"strings"
	"testing"

	"galvani/models/rates"
)

// TestRates reads a network of rate units, and refuses in one what rate units have not.
func TestRates(t *testing.T) {
	text, err := Text("rates-isp")
	if err != nil {
		t.Fatal(err)
	}
	n, err := Read("my.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.Blueprint(n.Step)
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Populations[0]; p.Header != rates.Header || p.Potentials.A != 10 || p.StartUnit().Unit != "Hz" || len(p.Params) != len(rates.Unit().Params) {
		t.Errorf("population %+v", p)
	}
	if q := b.Connections[2]; q.Name() != "i-to-e" || q.Learning.Name != "isp-additive" || q.Plasticity.Sign != -1 {
		t.Errorf("connection %+v", q)
	}
	for change, want := range map[string]string{
		"start = \"10 Hz\"|start = \"10 mV\"": `start is "10 mV", in an unknown unit; want one of`,
		"synapse = { e = \"1 ms\", i = \"1 ms\" }|synapse = { e = { tau = \"1 ms\", reversal = \"0 mV\" }, i = \"1 ms\" }": "rate units have no potential",
		"synapse = { e|numbers = { tau = \"0.5 ms\" }\nsynapse = { e":                                                      "tau 0.5 ms, shorter than the step",
		"synapse = { e|numbers = { r_min = \"3 Hz\", r_max = \"2 Hz\" }\nsynapse = { e":                                    "r_max is 2, not above r_min, 3",
		"synapse = { e|numbers = { width = \"3 mV\" }\nsynapse = { e":                                                      "e has a width and no r_max",
		"synapse = { e|numbers = { width = \"3 mV\", r_max = \"9 Hz\", power = 2 }\nsynapse = { e":                         "e has a width beside a gain or a power",
		"all_to_all = true|all_to_all = true\ndelay = \"3 ms\"":                                                            "e-to-e has a delay, and rates act at once",
		"[[current]]|[population.s]\nneuron = \"lif\"\n[[current]]":                                                        "has rate units, e, and spiking neurons, s",
	} {
		old, replacement, _ := strings.Cut(change, "|")
		if _, err := Read("my.toml", []byte(strings.Replace(string(text), old, replacement, 1))); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want %s", replacement, err, want)
		}
	}
}
