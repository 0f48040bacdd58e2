package neurons

import (
	"math"
	"strings"

	"galvani/models/description"
)

// Written is the unit in which the file of a neuron has a number, where it is another than that of the parameter.
type Written struct {
	Unit   string
	factor float64 // of the parameter's unit in one of it
}

// SiemensPerArea is the unit of densities as parameters have them.
var SiemensPerArea = Written{"S/cm²", 1}

// Written returns the unit of the numbers of a name of Learnable as the file of the neuron writes the first of them.
func (n *Neuron) Written(name string) Written {
	_, of, _ := strings.Cut(name, ".")
	for _, key := range []string{name, of} { // of REGION.NAME
		if w, ok := n.written[key]; ok {
			return w
		}
	}
	return Written{n.Unit(name), 1}
}

// In is x of the unit in that of the parameter, and Of the reverse. Both divide by whole numbers, not by inverses of
// them, so that 36 mS are 0.036 S and back, to the last bit.
func (w Written) In(x float64) float64 {
	if w.factor < 1 {
		return x / inverse(w.factor)
	}
	return x * w.factor
}

// Of is what a number of the parameter is in the unit.
func (w Written) Of(x float64) float64 {
	if w.factor < 1 {
		return x * inverse(w.factor)
	}
	return x / w.factor
}

// inverse is 1/x, a whole number where x is one part of so many.
func inverse(x float64) float64 {
	if near := math.Round(1 / x); math.Abs(near*x-1) < 1e-12 {
		return near
	}
	return 1 / x
}

// pretty spells a unit of a file as reports do.
var pretty = strings.NewReplacer("u", "µ", "cm2", "cm²", "um2", "µm²", "m2", "m²")

// wrote notes the unit of a key of a table as that of numbers by some names, which have none yet. One is
// what the parameter is for 1 of the unit that the dimension is computed in.
func (r *reader) wrote(t table, key string, d description.Dimension, one float64, names ...string) {
	text, ok := t.Value(key).(string)
	if !ok {
		return
	}
	_, unit := description.Split(text)
	x, err := d.In("1 " + unit)
	if err != nil { // which the reader of the key tells
		return
	}
	if r.n.written == nil {
		r.n.written = map[string]Written{}
	}
	for _, name := range names {
		if _, ok := r.n.written[name]; !ok {
			r.n.written[name] = Written{pretty.Replace(strings.TrimSpace(unit)), x * one}
		}
	}
}
