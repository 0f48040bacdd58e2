// Package event evaluates charged RNNs from events, (time, input, weight), in place of frames.
//
// The parts of a cell differ in what events can save:
//
//   - The input product U x of a clocked step costs P·H·I multiply-adds for P conductances. An
//     event costs one column of U, without its zeros.
//   - The synaptic traces are linear, so they decay in closed form over any time, and only the
//     units that an event reaches are moved (Traces).
//   - The voltage h has no closed form: leak, channels and conductances act on each other at every
//     moment, and axial or recurrent coupling carries a change to units that no event reached. It
//     is stepped on the grid of the clocked cell, but only where something can change: a unit
//     sleeps while its conductances stay zero and neither its h nor that of the units that act on
//     it moved in the last step, all up to rounding (Net.Still).
//
// On a common grid all states equal those of the clocked cell up to rounding. How much is saved is
// another matter: input product and traces cost in proportion to the events, h costs the clocked
// price until it rests, which takes some hundred steps without events at the default leaks.
//
// It imports models, the contract (kernels) and kernels/sparse. Bench and command galvani import it.
package event
