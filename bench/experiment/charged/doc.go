// Package charged tests what the notes on the charged RNN claim: bounds, rest, energy, jacobian, range
// and looming, a file or a few for each.
//
// Only command galvani imports it, for its registration. It imports the frame, package probe,
// bench/rows, models, data and engine/chart, and no other claim.
package charged
