package analysis

import (
	"math/cmplx"
	"testing"

	"galvani/models"
)

// TestMatrices holds names, values and eigenvalues of recurrent matrices that are known.
func TestMatrices(t *testing.T) {
	w := models.NewWiring()
	w.Dale, w.EIRatio, w.Autapses = true, 0.5, "yes"
	net, err := models.Bind("rate", models.NewRate(), models.Dims{I: 1, H: 2, O: 1}, models.Wired(w))
	if err != nil {
		t.Fatal(err)
	}
	var stored [][]float32
	for _, s := range net.Specs() {
		v := make([]float32, s.Len())
		if s.Name == "cell.W" {
			copy(v, []float32{0, -2, 3, 0}) // acts as 0 -2, 3 0
		}
		stored = append(stored, v)
	}
	list, err := Matrices(net, stored)
	if err != nil || len(list) != 1 || list[0].Name != "cell.W" || list[0].Values[1] != -2 || list[0].Values[2] != 3 {
		t.Fatalf("matrices %+v, %v", list, err)
	}
	if e := list[0].Eigenvalues; len(e) != 2 || cmplx.Abs(e[0]*e[0]+6) > 1e-6 || cmplx.Abs(e[0]+e[1]) > 1e-6 {
		t.Errorf("eigenvalues %v, want ±i√6", e)
	}
	gru, err := models.Bind("gru", &models.GRU{}, models.Dims{I: 1, H: 3, O: 1}, models.Layers(2))
	if err != nil {
		t.Fatal(err)
	}
	stored = nil
	for _, s := range gru.Specs() {
		stored = append(stored, make([]float32, s.Len()))
	}
	if list, err = Matrices(gru, stored); err != nil || len(list) != 6 || list[5].Name != "cell.weight_hh_l1 of gate 2" {
		t.Errorf("matrices %+v, %v", list, err)
	}
}
