package neurons

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// dimension is a kind of quantity: the unit that the code computes in and what others are in it.
type dimension struct {
	unit    string // of the code, as a reader writes it
	factors map[string]float64
}

// The quantities of descriptions. Units are spelled as plain does.
var (
	voltage       = dimension{"mV", map[string]float64{"mV": 1, "V": 1e3, "uV": 1e-3}}
	duration      = dimension{"ms", map[string]float64{"ms": 1, "s": 1e3, "us": 1e-3}}
	rate          = dimension{"1/ms", map[string]float64{"1/ms": 1, "/ms": 1, "1/s": 1e-3, "/s": 1e-3, "kHz": 1, "Hz": 1e-3}}
	perVoltage    = dimension{"1/mV", map[string]float64{"1/mV": 1, "/mV": 1, "1/V": 1e-3, "/V": 1e-3}}
	density       = dimension{"S/cm2", map[string]float64{"S/cm2": 1, "mS/cm2": 1e-3, "uS/cm2": 1e-6, "nS/cm2": 1e-9, "S/m2": 1e-4, "nS/um2": 0.1, "pS/um2": 1e-4}}
	capacity      = dimension{"uF/cm2", map[string]float64{"uF/cm2": 1, "nF/cm2": 1e-3, "F/cm2": 1e6, "F/m2": 100, "pF/um2": 100}}
	resistivity   = dimension{"ohm cm", map[string]float64{"ohmcm": 1, "kohmcm": 1e3, "ohmm": 100}}
	length        = dimension{"um", map[string]float64{"um": 1, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}}
	conductance   = dimension{"uS", map[string]float64{"uS": 1, "nS": 1e-3, "pS": 1e-6, "mS": 1e3, "S": 1e6}}
	concentration = dimension{"mM", map[string]float64{"mM": 1, "uM": 1e-3, "nM": 1e-6, "M": 1e3}}
	gain          = dimension{"mM cm2/(mA ms)", map[string]float64{"mMcm2/(mAms)": 1, "mMcm2/mA/ms": 1, "mMcm2/ms/mA": 1, "uMcm2/(uAms)": 1, "uMcm2/ms/uA": 1, "uMcm2/uA/ms": 1}}
	temperature   = dimension{"degC", map[string]float64{"degC": 1, "C": 1}}
	// A current is in nA, one of an area in nA/um2.
	current        = dimension{"nA", map[string]float64{"nA": 1, "pA": 1e-3, "uA": 1e3, "mA": 1e6}}
	currentDensity = dimension{"uA/cm2", map[string]float64{"uA/cm2": 1, "mA/cm2": 1e3, "nA/cm2": 1e-3, "A/m2": 100, "pA/um2": 100}}
)

// plain spells a unit with the letters of factors: µ and μ as u, ² as 2, Ω as ohm, without spaces, dots,
// stars and powers' hats.
var plain = strings.NewReplacer("µ", "u", "μ", "u", "²", "2", "Ω", "ohm", "Ω", "ohm", "°", "deg", " ", "", "\t", "", "·", "", "*", "", "^", "")

// in reads text such as "120 mS/cm2" as a number in the unit of the dimension.
func (d dimension) in(text string) (float64, error) {
	number, unit := split(text)
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("want a finite number and a unit, such as %q", "1 "+d.unit)
	}
	spelled := plain.Replace(unit)
	if spelled == "" {
		return 0, fmt.Errorf("without a unit; want one such as %q", number+" "+d.unit)
	}
	factor, ok := d.factors[spelled]
	if !ok {
		return 0, fmt.Errorf("in an unknown unit; want one of %s", strings.Join(d.units(), ", "))
	}
	if factor < 1 {
		return x / math.Round(1/factor), nil // 36 mS are 0.036 S, to the last bit
	}
	return x * factor, nil
}

// split separates a number from its unit.
func split(text string) (number, unit string) {
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
func (d dimension) units() []string {
	var list []string
	for u := range d.factors {
		if !strings.HasPrefix(u, "/") && u != plain.Replace(d.unit) {
			list = append(list, u)
		}
	}
	slices.Sort(list)
	return append([]string{d.unit}, list...)
}

// text writes a number with its unit.
func (d dimension) text(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) + " " + d.unit }
