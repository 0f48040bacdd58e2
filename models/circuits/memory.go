package circuits

import (
	"fmt"

	"galvani/engine/hostmem"
	"galvani/kernels"
)

// Fits refuses a network that needs more memory on each of some ranks than there is, before anything of it is drawn. room
// is that of the host for a rank, where known.
//
// Errors: kernels.ErrMemory, with the bytes wanted and there, and what makes the network smaller.
func (b *Blueprint) Fits(dev kernels.Device, ranks int, room hostmem.Room, known bool) error {
	d, ok := dev.(kernels.Simulator)
	if !ok {
		return nil // what is wrong is said where the circuit is made
	}
	size := b.SizeOn(ranks)
	plan, device := d.CircuitBytes(size)
	if host := size.Bytes() + plan; known && host > float64(room.Usable()) {
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
