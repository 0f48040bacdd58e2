package description

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Dimension is a kind of quantity: the unit that the code computes in and what others are in it.
type Dimension struct {
	Unit    string // of the code, as a reader writes it
	Factors map[string]float64
}

// The quantities that descriptions of several kinds have. Units are spelled as plain does.
var (
	Voltage  = Dimension{"mV", map[string]float64{"mV": 1, "V": 1e3, "uV": 1e-3}}
	Duration = Dimension{"ms", map[string]float64{"ms": 1, "s": 1e3, "us": 1e-3}}
)

// plain spells a unit with the letters of Factors: µ and μ as u, ² as 2, Ω as ohm, without spaces, dots,
// stars and powers' hats.
var plain = strings.NewReplacer("µ", "u", "μ", "u", "²", "2", "Ω", "ohm", "Ω", "ohm", "°", "deg", " ", "", "\t", "", "·", "", "*", "", "^", "")

// In reads text such as "120 mS/cm2" as a number in the unit of the dimension.
func (d Dimension) In(text string) (float64, error) {
	number, unit := Split(text)
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("want a finite number and a unit, such as %q", "1 "+d.Unit)
	}
	return d.scale(x, number, unit)
}

// scale brings a number of a unit into that of the dimension.
func (d Dimension) scale(x float64, number, unit string) (float64, error) {
	spelled := plain.Replace(unit)
	if spelled == "" {
		return 0, fmt.Errorf("without a unit; want one such as %q", number+" "+d.Unit)
	}
	factor, ok := d.Factors[spelled]
	if !ok {
		return 0, fmt.Errorf("in an unknown unit; want one of %s", strings.Join(d.units(), ", "))
	}
	if factor < 1 {
		return x / math.Round(1/factor), nil // 36 mS are 0.036 S, to the last bit
	}
	return x * factor, nil
}

// Split separates a number from its unit.
func Split(text string) (number, unit string) {
	text = strings.TrimSpace(text)
	if number, unit, ok := strings.Cut(text, " "); ok {
		return number, unit
	}
	end := strings.LastIndexAny(text, "0123456789.") + 1
	for _, u := range []string{"cm2", "um2", "m2", "cm²", "um²", "µm²", "m²", "cm^2", "um^2", "m^2"} { // units that end in a digit
		if rest, ok := strings.CutSuffix(text, u); ok {
			end = strings.LastIndexAny(rest, "0123456789.") + 1
		}
	}
	return text[:end], text[end:]
}

// units returns the spellings of the units, that of the code first.
func (d Dimension) units() []string {
	var list []string
	for u := range d.Factors {
		if !strings.HasPrefix(u, "/") && u != plain.Replace(d.Unit) {
			list = append(list, u)
		}
	}
	slices.Sort(list)
	return append([]string{d.Unit}, list...)
}

// Text writes a number with its unit.
func (d Dimension) Text(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) + " " + d.Unit }
