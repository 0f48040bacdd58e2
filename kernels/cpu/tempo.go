//go:build cgo

package cpu

import (
	"sync"
	"time"

	"galvani/kernels/cpu/pace"
)

// tempo tells the plans of a device whether one thread does what is at hand or all do. What each takes is measured from update
// to update, with all that lies between its operations, as one reads what another wrote: an update begins with the first Forward
// behind a Backward. Several goroutines may ask it, as ranks that one process plays do. The nil tempo has all threads do everything.
type tempo struct {
	mu    sync.Mutex
	pace  pace.Pace
	began time.Time // when this update did
	back  bool      // it had a Backward
}

func newTempo() *tempo { return &tempo{pace: pace.New(false, pace.First)} }

// forward notes that a scan that trains runs forward.
func (t *tempo) forward() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.back && !t.began.IsZero() {
		return
	}
	now := time.Now()
	if t.back {
		t.pace.Note(now.Sub(t.began).Seconds())
	}
	t.began, t.back = now, false
}

// backward notes that a scan goes back.
func (t *tempo) backward() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.back = true
	t.mu.Unlock()
}

// alone tells whether one thread does what is at hand.
func (t *tempo) alone() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pace.Alone()
}
