package models

import (
	"math"

	"galvani/kernels"
)

// referenced is a cell with a reference: one step of one sequence of one batch column, written from the
// equations with plain loops, that shares no code with the cell. State planes lie behind each other in
// state, [S·H]. The file NAME_reference_test.go of a cell has it.
type referenced interface {
	Cell
	reference(p map[string][]float64, x, state []float64, i, h int)
}

// varied is a cell with settings that are worth a test of their own.
type varied interface{ variants() []variant }

func logistic(v float64) float64 { return 0.5 + 0.5*math.Tanh(v/2) }

// row returns Σ_j w[r,j] v_j.
func row(w []float64, r int, v []float64) float64 {
	sum := 0.0
	for j, a := range v {
		sum += w[r*len(v)+j] * a
	}
	return sum
}

// stepLength and excitatoryUnits are the keys under which a reference finds the mask and the number
// of units that excite.
const (
	stepLength      = "length of the step"
	excitatoryUnits = "number of excitatory units"
)

// reference returns what a network uses in place of a parameter of a layer.
func (w Wiring) reference(s kernels.Spec, layer int, stored []float64, h int) []float64 {
	excitatory := int(math.Round(w.EIRatio * float64(h)))
	used := append([]float64(nil), stored...)
	for k := range used {
		i, j := k/h%h, k%h
		switch {
		case s.Name == "readout.weight":
			if w.Dale && w.ReadoutFrom != "all" && excitatory > 0 && j >= excitatory {
				used[k] = 0
			}
			continue
		case s.Role != kernels.Rec:
			continue
		case w.Dale && w.DaleForm == "abs":
			used[k] = math.Abs(stored[k])
		case w.Dale && w.DaleForm == "relu":
			used[k] = math.Max(0, stored[k])
		}
		mask, _ := w.mask(h, layer)
		if s.Leak && i == j {
			if w.Dale {
				used[k] = math.Abs(used[k])
			}
			continue
		}
		if w.Dale && w.DaleForm != "clamp" && j >= excitatory {
			used[k] = -used[k]
		}
		if s.Leak && w.Dale {
			used[k] = -used[k]
		}
		used[k] *= mask[i*h+j]
	}
	return used
}
