package circuits

import (
	"fmt"

	"galvani/engine/hostmem"
	"galvani/kernels"
)

// ErrRecorded is kernels.ErrMemory for want of memory for what is recorded, of which other storage of connections is no cure.
var ErrRecorded = fmt.Errorf("%w to record it all", kernels.ErrMemory)

// Recorded returns the bytes of what is recorded in so many steps besides spikes: potentials, and currents and weights, of
// which a picture takes two further numbers each.
func (b *Blueprint) Recorded(steps float64) float64 {
	bytes := 4 * float64(len(b.Probes)) * steps
	for _, q := range b.Inputs {
		numbers := float64(len(b.Populations[q.Population].Synapses) + 2) // and the constant currents and the sum
		bytes += 3 * 8 * numbers * (steps/float64(q.Every) + 1)
	}
	for _, q := range b.Samples {
		bytes += 3 * 8 * 2 * (steps/float64(q.Every) + 1)
	}
	return bytes
}

// Fits refuses a network that needs more memory on each of some ranks than there is, before anything of it is drawn, with
// what is recorded in so many steps. room is that of the host for a rank, where known.
//
// Errors: kernels.ErrMemory, with the bytes wanted and there, and what makes the network smaller.
func (b *Blueprint) Fits(dev kernels.Device, ranks int, steps float64, room hostmem.Room, known bool) error {
	recorded := b.Recorded(steps)
	if known && recorded > float64(room.Usable())/2 {
		return fmt.Errorf("circuits: %w: what is recorded needs %s (%.0f bytes), and half of %s (%d bytes) is there for it, by %s; record fewer units, less often or for a shorter time",
			ErrRecorded, hostmem.Text(int64(min(recorded, 1<<62))), recorded, hostmem.Text(room.Usable()), room.Usable(), room.Limit)
	}
	d, ok := dev.(kernels.Simulator)
	if !ok {
		return nil // what is wrong is said where the circuit is made
	}
	size := b.SizeOn(ranks)
	plan, device := d.CircuitBytes(size)
	if host := size.Bytes() + plan + recorded; known && host > float64(room.Usable()) {
		return fmt.Errorf("circuits: %w: the network needs %s (%.0f bytes; %.3g synapses), and %s (%d bytes) of %s are there for it, by %s; give it fewer neurons or connections",
			kernels.ErrMemory, hostmem.Text(int64(min(host, 1<<62))), host, size.Entries, hostmem.Text(room.Usable()), room.Usable(), hostmem.Text(room.Bytes), room.Limit)
	}
	if r, ok := dev.(kernels.Resident); ok {
		if free := r.Usage().Free; device > float64(free) {
			return fmt.Errorf("circuits: %w: the network needs %s (%.0f bytes; %.3g synapses) of GPU memory, and %s (%d bytes) are free; give it fewer neurons or connections, or compute on the CPU",
				kernels.ErrMemory, hostmem.Text(int64(min(device, 1<<62))), device, size.Entries, hostmem.Text(free), free)
		}
	}
	return nil
}
