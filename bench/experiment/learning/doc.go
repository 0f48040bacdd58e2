// Package learning compares what cells of equal size learn, and how stably.
//
// Only command galvani imports it, for its registration. It imports the frame and bench/rows, and no
// other claim.
package learning
