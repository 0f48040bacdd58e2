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

// EtaPeak returns when the response η of the looming detector peaks, the product of expansion and
// size-dependent suppression, delayed by delta. The time is counted back from collision; a negative
// value is a peak after it.
//
//	η = θ'(t−δ) exp(−α θ(t−δ)),  θ' = 2L/(τ² + L²)
//	t = αL − δ, as stationarity θ”/θ' = αθ' gives τ = αL at the seen time, whatever the gain
//
// Units: L, delta and t in ms; alpha per rad.
// Source: Hatsopoulos, Gabbiani and Laurent (1995), doi:10.1126/science.270.5238.1000;
// Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122.
func EtaPeak(L, alpha, delta float64) float64 { return alpha*L - delta }
