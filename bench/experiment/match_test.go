package experiment

import (
	"math"
	"testing"

	"galvani/models"
)

// TestMatchingUnits holds that no neighbouring number of units comes nearer to the parameters.
func TestMatchingUnits(t *testing.T) {
	training := func(name string, units int) Training {
		m, err := models.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		return Training{Model: name, Cell: m.New(), Hidden: units, ReadoutScale: 1}
	}
	const inputs, outputs = 28, 10
	count := func(tr Training, units int) int {
		n, err := learnedParameters(tr, models.Dims{I: inputs, H: units, O: outputs})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	reference := training("lstm", 128)
	want := 4*128*(inputs+128+2) + 128*outputs + outputs
	if got := count(reference, 128); got != want {
		t.Fatalf("lstm has %d parameters, want %d", got, want)
	}
	distance := func(tr Training, units int) float64 { return math.Abs(float64(count(tr, units) - want)) }
	for _, name := range []string{"lstm", "rnn", "irnn", "gru", "crnn-simple", "crnn"} {
		tr := training(name, 1)
		units, err := MatchingUnits(reference, tr, inputs, outputs)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(tr, units); d > distance(tr, units-1) || d > distance(tr, units+1) {
			t.Errorf("%s: %d units", name, units)
		}
	}
	broken := training("crnn", 1)
	broken.Cell.(*models.CRNN).TauS = -1
	if _, err := MatchingUnits(reference, broken, inputs, outputs); err == nil {
		t.Error("settings that the cell refuses are accepted")
	}
}
