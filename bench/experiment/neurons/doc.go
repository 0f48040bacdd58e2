// Package neurons tests the neurons of models/neurons against what is known in closed form: cable.
//
// Only command galvani imports it, for its registration. It imports the frame, models/neurons and
// bench/rows, and no other claim.
package neurons
