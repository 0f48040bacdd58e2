package data

import "math"

// AngularSize returns the angle that an object on a collision course subtends at the eye.
//
//	θ = 2 atan(L/τ),  L = l/|v|
//
// Units: L (half-size over speed) and tau (time to collision, positive before it) in ms; θ in
// rad. At tau = 0 the object fills the half-space, θ = π.
// Source: Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122.
func AngularSize(L, tau float64) float64 { return 2 * math.Atan2(L, tau) }

// AngularSpeed returns the rate of expansion of the same object.
//
//	θ' = 2L/(τ² + L²)
//
// Units: L and tau in ms; θ' in rad/ms.
// Source: as AngularSize.
func AngularSpeed(L, tau float64) float64 { return 2 * L / (tau*tau + L*L) }

// Eta returns the response of the looming detector per unit gain, the product of expansion
// and size-dependent suppression, delayed by delta.
//
//	η = θ'(t−δ) exp(−α θ(t−δ))
//
// It peaks αL − δ before collision, whatever the gain (EtaPeak).
//
// Units: L, tau (time to collision now) and delta in ms; alpha per rad; η in rad/ms.
// Source: Hatsopoulos, Gabbiani and Laurent (1995), doi:10.1126/science.270.5238.1000;
// Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122.
func Eta(L, tau, alpha, delta float64) float64 {
	seen := tau + delta
	return AngularSpeed(L, seen) * math.Exp(-alpha*AngularSize(L, seen))
}

// EtaPeak returns when Eta peaks, counted back from collision; a negative value is a peak
// after it. Stationarity θ”/θ' = αθ' gives τ = αL at the seen time.
//
//	t = αL − δ
//
// Units: L, delta and t in ms; alpha per rad.
func EtaPeak(L, alpha, delta float64) float64 { return alpha*L - delta }
