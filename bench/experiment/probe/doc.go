// Package probe runs cells with parameters of its user's own in float64, by the fused scan: courses and
// their adjoints, random ensembles of charged networks, their conductances, Lyapunov exponents.
//
// The claims below bench/experiment import it. It imports models, kernels and engine.
package probe
