package group

import (
	"errors"
	"fmt"
	"math"
)

// link is how two ranks exchange bytes. All calls of a rank are made one after the other.
type link interface {
	rank() int
	size() int
	local() (rank, size int)
	// near reports whether a peer is reached through memory, as the peer reaches this rank.
	near(peer int) bool
	// swap sends to a peer and receives from it at most so many bytes, either of which may be nothing.
	swap(peer int, send, receive []byte) error
	// direct reports whether swapOn may be called.
	direct() bool
	// swapOn is swap for memory of a device.
	swapOn(peer int, send, receive []byte) error
	// aside runs what uses no link in the midst of a call.
	aside(f func() error) error
	// begin sends a header to a peer, and numbers right behind it, and receives the peer's header as swap does. The
	// numbers are those of end, which is called next.
	begin(peer int, head, other []byte, numbers []float32) error
	// end receives n numbers that the peer has sent behind its header, and adds them to sum, which is nil or has n.
	end(peer int, numbers, sum []float32, n int) error
}

// ranks makes a Group of a link. Every call begins with a header, by which all ranks learn whether they
// make the same call and whether one of them leaves instead.
type ranks struct {
	link
	do   func(func() error) error // runs what uses the link
	code func(error) int          // exit code of what a rank leaves for
	// cause returns what a rank of this process left for; nil for ranks that are processes.
	cause func(rank int) error
	over  error // of all calls from now on

	out, in []byte // of exchange
}

// call is the number of a kind of call.
type call float64

const (
	callSum call = iota
	callSumOn
	callBcast
	callGather
	callLeave
)

// header is what ranks exchange at the beginning of a call. All its fields are float64, so that it is
// sent as it is.
type header struct {
	call, nx, ny float64
	left         float64 // lowest rank that leaves, +Inf for none
	odd          float64 // not 0 where ranks make different calls
	y            [headerSums]float64
}

// headerSums is the number of sums that travel with the header.
const headerSums = 16

// add takes in the header of other ranks.
func (h *header) add(o *header) {
	if math.IsInf(h.left, 1) && math.IsInf(o.left, 1) && (h.call != o.call || h.nx != o.nx || h.ny != o.ny) {
		h.odd = 1
	}
	h.left, h.odd = min(h.left, o.left), max(h.odd, o.odd)
	Add(h.y[:], o.y[:])
}

// mostText is the number of bytes of the text of a Left, beside its code and length.
const mostText = 2000

func (r *ranks) Rank() int               { return r.rank() }
func (r *ranks) Size() int               { return r.size() }
func (r *ranks) Local() (rank, size int) { return r.local() }
func (r *ranks) Direct() bool            { return r.direct() }

// sums reports whether a rank that sends this header sends numbers behind it.
func (h *header) sums() bool {
	return h.call == float64(callSum) && math.IsInf(h.left, 1) && h.odd == 0
}

// run makes a call, unless a rank has left. Notes and numbers are what travels with the headers (exchange).
func (r *ranks) run(h header, notes []byte, x []float32, rest func(h *header) error) error {
	if r.over != nil {
		return r.over
	}
	h.left = math.Inf(1)
	r.over = r.do(func() error {
		if err := r.meet(&h, notes, x); err != nil {
			return err
		}
		return rest(&h)
	})
	return r.over
}

// meet exchanges headers.
func (r *ranks) meet(h *header, notes []byte, x []float32) error {
	if err := r.exchange(h, notes, x); err != nil {
		return err
	}
	if !math.IsInf(h.left, 1) {
		return r.hear(int(h.left), nil)
	}
	if h.odd != 0 {
		return errors.New("group: the ranks make different calls, or bring different numbers of elements")
	}
	return nil
}

// hear returns the error of a rank that has left; own is what this rank leaves for.
func (r *ranks) hear(left int, own error) error {
	var note struct {
		code, n int64
		text    [mostText]byte
	}
	if left == r.rank() && own != nil {
		note.code = int64(r.code(own))
		note.n = int64(copy(note.text[:], own.Error()))
	}
	if err := r.tell(left, bytesOf(&note)); err != nil {
		return err
	}
	l := &Left{Rank: left, Text: string(note.text[:note.n]), Code: int(note.code)}
	if r.cause != nil {
		l.cause = r.cause(left)
	}
	return l
}

func (r *ranks) Sum(x []float32, y []float64) error {
	return r.sum(callSum, x, x, y, func() error { return r.sumRest(x) })
}

func (r *ranks) SumOn(x, room []float32, y []float64, add func(lo, hi int) error) error {
	return r.sum(callSumOn, x, nil, y, func() error { return r.sumOn(x, room, add) })
}

// sum adds y over all ranks, and x of Sum as far as it travels with the headers; rest does what is left of x.
func (r *ranks) sum(as call, x, travels []float32, y []float64, rest func() error) error {
	h := header{call: float64(as), nx: float64(len(x)), ny: float64(len(y))}
	brief := len(y) <= headerSums
	if brief {
		copy(h.y[:], y)
	}
	return r.run(h, nil, travels, func(h *header) error {
		if brief {
			copy(y, h.y[:])
		} else if err := r.sumAll(y); err != nil {
			return err
		}
		return rest()
	})
}

func (r *ranks) Bcast(x []float64) error {
	return r.run(header{call: float64(callBcast), nx: float64(len(x))}, nil, nil, func(*header) error { return r.tell(0, bytesOfAll(x)) })
}

func (r *ranks) Gather(b []byte) (all [][]byte, err error) {
	notes := r.note(b)
	err = r.run(header{call: float64(callGather)}, notes, nil, func(*header) error {
		all, err = r.gather(b, notes)
		return err
	})
	return all, err
}

func (r *ranks) Abort(cause error) {
	if r.over != nil {
		return
	}
	h := header{call: float64(callLeave), left: float64(r.rank())}
	r.over = r.do(func() error {
		if err := r.exchange(&h, nil, nil); err != nil {
			return err
		}
		return r.hear(int(h.left), cause)
	})
	if r.over == nil {
		r.over = fmt.Errorf("group: left for: %w", cause)
	}
}
