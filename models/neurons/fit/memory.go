package fit

import (
	"fmt"

	"galvani/engine/hostmem"
	"galvani/kernels"
)

// fits refuses a batch that needs more memory than there is: room, where it is known.
//
// Errors: kernels.ErrMemory, with the bytes and what makes them fewer.
func (f *Fit) fits(dev kernels.Device, room hostmem.Room, known bool) error {
	d, ok := dev.(kernels.Planner)
	if !ok {
		return nil
	}
	g := &f.cfg
	remedy := fmt.Sprintf("%d starts on %d recordings of %d steps; take fewer --starts, shorter recordings or longer steps", f.settings.Starts, len(f.recordings), g.T)
	scan, err := d.ScanBytes(*g)
	if err != nil {
		return fmt.Errorf("%s: %w", remedy, err)
	}
	own := 8 * int64(g.T*g.B) * int64(g.I+2*g.H) // input, V and its gradient
	if bytes := scan + own; known && bytes > room.Usable() {
		return fmt.Errorf("%s: %w: they take %s (%d bytes), and %s (%d bytes) of %s are there, by %s", remedy, kernels.ErrMemory,
			hostmem.Text(bytes), bytes, hostmem.Text(room.Usable()), room.Usable(), hostmem.Text(room.Bytes), room.Limit)
	}
	return nil
}
