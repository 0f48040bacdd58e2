package neurons

import (
	"math"

	"galvani/models/description"
)

// The quantities of descriptions.
var (
	voltage       = description.Voltage
	duration      = description.Duration
	rate          = description.Dimension{Unit: "1/ms", Factors: map[string]float64{"1/ms": 1, "/ms": 1, "1/s": 1e-3, "/s": 1e-3, "kHz": 1, "Hz": 1e-3}}
	perVoltage    = description.Dimension{Unit: "1/mV", Factors: map[string]float64{"1/mV": 1, "/mV": 1, "1/V": 1e-3, "/V": 1e-3}}
	density       = description.Dimension{Unit: "S/cm2", Factors: map[string]float64{"S/cm2": 1, "mS/cm2": 1e-3, "uS/cm2": 1e-6, "nS/cm2": 1e-9, "S/m2": 1e-4, "nS/um2": 0.1, "pS/um2": 1e-4}}
	capacity      = description.Dimension{Unit: "uF/cm2", Factors: map[string]float64{"uF/cm2": 1, "nF/cm2": 1e-3, "F/cm2": 1e6, "F/m2": 100, "pF/um2": 100}}
	resistivity   = description.Dimension{Unit: "ohm cm", Factors: map[string]float64{"ohmcm": 1, "kohmcm": 1e3, "ohmm": 100}}
	length        = description.Dimension{Unit: "um", Factors: map[string]float64{"um": 1, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}}
	conductance   = description.Dimension{Unit: "uS", Factors: map[string]float64{"uS": 1, "nS": 1e-3, "pS": 1e-6, "mS": 1e3, "S": 1e6}}
	concentration = description.Dimension{Unit: "mM", Factors: map[string]float64{"mM": 1, "uM": 1e-3, "nM": 1e-6, "M": 1e3}}
	gain          = description.Dimension{Unit: "mM cm2/(mA ms)", Factors: map[string]float64{"mMcm2/(mAms)": 1, "mMcm2/mA/ms": 1, "mMcm2/ms/mA": 1, "uMcm2/(uAms)": 1, "uMcm2/ms/uA": 1, "uMcm2/uA/ms": 1}}
	angle         = description.Dimension{Unit: "deg", Factors: map[string]float64{"deg": 1, "rad": 180 / math.Pi}}
	angularSpeed  = description.Dimension{Unit: "deg/s", Factors: map[string]float64{"deg/s": 1, "deg/ms": 1000}}
	temperature   = description.Dimension{Unit: "degC", Factors: map[string]float64{"degC": 1, "C": 1}}
	// A current is in nA, one of an area in nA/um2.
	current        = description.Dimension{Unit: "nA", Factors: map[string]float64{"nA": 1, "pA": 1e-3, "uA": 1e3, "mA": 1e6}}
	currentDensity = description.Dimension{Unit: "uA/cm2", Factors: map[string]float64{"uA/cm2": 1, "mA/cm2": 1e3, "nA/cm2": 1e-3, "A/m2": 100, "pA/um2": 100}}
)
