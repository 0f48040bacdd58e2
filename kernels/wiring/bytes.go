package wiring

import "galvani/kernels"

// Bytes returns the memory of a plan on a number of workers, whose numbers are so many words apart: what lives as long as it,
// and the most that New takes besides for a moment.
func Bytes(s kernels.CircuitSize, workers, apart int) (plan, moment float64) {
	words := s.Units/64 + 1
	cuts := float64(workers+1) * s.Columns
	state := s.State + s.Arrays*float64(64*(1+apart*workers)) // and the last words of units, filled up
	plan = 4*(s.Entries+s.Own+s.Late+cuts+state) + 8*Stretch*words
	if s.Plastic > 0 {
		plan += 4 * (2*s.Plastic + s.Rows) // the entries of the targets
	}
	return plan, 8*s.Largest + 4*state // a matrix by its sources, and a state that grows
}
