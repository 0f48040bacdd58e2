// Package conductance tests what the notes on conductance-based networks and on rate networks with time
// constants claim: spectrum, a-relaxation and tau-recovery.
//
// Only command galvani imports it, for its registration. It imports the frame, package probe,
// bench/rows, models, kernels, data and engine, and no other claim.
package conductance
