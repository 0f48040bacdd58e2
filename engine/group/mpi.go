//go:build mpi || mpich

package group

// #cgo CFLAGS: -O3
// #include <stdlib.h>
// #include "link.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Built says with which MPI this program was built.
const Built = true

// startLimit is the longest time that MPI may take to start, on thousands of ranks, too.
const startLimit = 5 * time.Minute

// exitLost is the exit code of a job that has lost a rank: it may be started again and goes on from its last
// checkpoint.
const exitLost = 75

// silence is how long a rank may be silent until it is taken for lost.
const silence = C.galvani_link_silence * time.Second

// open starts MPI on a thread of its own and returns this process as a rank.
func open(code func(error) int) (*Launched, error) {
	p := &process{calls: make(chan func()), at: new(C.struct_galvani_place)}
	begun := make(chan error, 1)
	go p.serve(begun)
	select {
	case err := <-begun:
		if err != nil {
			return nil, err
		}
	case <-time.After(startLimit): // beats begin when MPI has
		sayLost(fmt.Errorf("group: MPI has not started within %v: %w", startLimit, ErrLost))
		os.Exit(exitLost)
	}
	if err := p.settle(os.Getenv(DevicePointers)); err != nil {
		return nil, errors.Join(err, p.close())
	}
	r := &ranks{link: p, do: p.do, code: code}
	return &Launched{Group: r, process: p, Library: C.GoString(&p.at.library[0])}, nil
}

// settle decides whether memory of a device is passed to the library: where it says that it takes it, and any thread may
// call it, as memory belongs to the context of a device's own thread; or as its user says.
//
// Errors: ErrLauncher for another word of the user than yes and no.
func (p *process) settle(word string) error {
	p.devices = p.at.devices == 1 && p.at.any_thread != 0
	switch word {
	case "":
	case "yes", "no":
		p.devices = word == "yes" && p.at.any_thread != 0
	default:
		return fmt.Errorf("group: %s is %q, want yes, no or nothing, for what the library says: %w", DevicePointers, word, ErrLauncher)
	}
	return nil
}

// process is the link of a rank that is a process. MPI begins and ends on one thread. Other calls come from any
// thread where the library allows it, one after the other, as to change threads takes longer than a short
// message; otherwise from that thread, too.
type process struct {
	calls chan func()
	one   sync.Mutex // held in a call from another thread
	at    *C.struct_galvani_place
	ended bool           // MPI is, as the thread of MPI knows
	sent  runtime.Pinner // what begin sends

	devices bool // swapOn may be called
}

// serve is the thread of MPI. Between two calls it tells the next rank that this one lives.
func (p *process) serve(begun chan error) {
	runtime.LockOSThread()
	begun <- p.check(C.galvani_link_open(p.at))
	beats := time.NewTicker(time.Second / C.galvani_link_beats)
	defer beats.Stop()
	for {
		select {
		case f, more := <-p.calls:
			if !more {
				return
			}
			f()
		case <-beats.C:
			if p.ended || !p.one.TryLock() { // a call under way sends beats itself
				continue
			}
			err := p.check(C.galvani_link_beat())
			p.one.Unlock()
			if err != nil {
				p.abort(err)
			}
		}
	}
}

// abort ends the job with all its ranks where a rank is lost, which the others cannot hear of in another way: they wait in
// calls that it does not make.
func (p *process) abort(err error) {
	sayLost(err)
	C.galvani_link_abort(exitLost)
}

// sayLost tells of a lost rank, before the job is ended: the rank that notices may be any.
func sayLost(err error) {
	fmt.Fprintf(os.Stderr, "galvani: %v; the job ends, and goes on from its last checkpoint when it is started again with --resume\n", err)
}

// do runs what uses the link.
func (p *process) do(f func() error) (err error) {
	if p.at.any_thread == 0 {
		return p.there(func() error { return p.complete(f()) })
	}
	p.one.Lock()
	defer p.one.Unlock()
	return p.complete(f())
}

// complete waits for what begin has sent, unless a call has failed, and ends the job where a rank is lost.
func (p *process) complete(err error) error {
	if err == nil {
		err = p.check(C.galvani_link_settle())
	}
	p.sent.Unpin()
	if errors.Is(err, ErrLost) {
		p.abort(err)
	}
	return err
}

// aside runs what uses no link in the midst of a call, and lets beats be sent meanwhile: a device may take seconds. On the
// thread of MPI none are.
func (p *process) aside(f func() error) error {
	if p.at.any_thread == 0 {
		return f()
	}
	p.one.Unlock()
	defer p.one.Lock()
	return f()
}

// there runs what uses the link on the thread of MPI.
func (p *process) there(f func() error) (err error) {
	done := make(chan struct{})
	p.calls <- func() {
		defer close(done)
		err = f()
	}
	<-done
	return err
}

// close ends MPI.
func (p *process) close() error {
	defer close(p.calls)
	return p.there(func() error {
		p.ended = true
		return p.check(C.galvani_link_close())
	})
}

// check makes an error of what a call of link.h returns.
//
// Errors: ErrLost.
func (p *process) check(code C.int) error {
	switch {
	case code == 0:
		return nil
	case code < 0:
		return fmt.Errorf("group: rank %d has not answered for %v: %w", -1-code, silence, ErrLost)
	}
	text := (*C.char)(C.malloc(512))
	defer C.free(unsafe.Pointer(text))
	C.galvani_link_error(code, text)
	return fmt.Errorf("group: MPI: %s: %w", C.GoString(text), ErrLost)
}

func (p *process) rank() int               { return int(p.at.rank) }
func (p *process) size() int               { return int(p.at.size) }
func (p *process) local() (rank, size int) { return int(p.at.local), int(p.at.locals) }

func (p *process) near(peer int) bool { return C.galvani_link_near(C.int(peer)) != 0 }

func (p *process) swap(peer int, send, receive []byte) error {
	return p.check(C.galvani_link_swap(C.int(peer), unsafe.Pointer(unsafe.SliceData(send)), C.long(len(send)),
		unsafe.Pointer(unsafe.SliceData(receive)), C.long(len(receive))))
}

func (p *process) direct() bool { return p.devices }

func (p *process) swapOn(peer int, send, receive []byte) error {
	return p.check(C.galvani_link_swap_on(C.int(peer), unsafe.Pointer(unsafe.SliceData(send)), C.long(len(send)),
		unsafe.Pointer(unsafe.SliceData(receive)), C.long(len(receive))))
}

func (p *process) begin(peer int, head, other []byte, numbers []float32) error {
	if len(numbers) > 0 {
		p.sent.Pin(unsafe.SliceData(numbers)) // the library reads them until the call is complete
	}
	return p.check(C.galvani_link_begin(C.int(peer), unsafe.Pointer(unsafe.SliceData(head)), C.int(len(head)),
		unsafe.Pointer(unsafe.SliceData(other)), C.int(len(other)), (*C.float)(unsafe.SliceData(numbers)), C.long(len(numbers))))
}

func (p *process) end(peer int, numbers, sum []float32, n int) error {
	if len(numbers) == 0 && n == 0 {
		return nil
	}
	return p.check(C.galvani_link_end(C.int(peer), (*C.float)(unsafe.SliceData(numbers)), C.long(len(numbers)),
		(*C.float)(unsafe.SliceData(sum)), C.long(n)))
}

// LibrarySum adds x over all ranks by the library's own sum, in the order that it takes.
func (l *Launched) LibrarySum(x []float32) error {
	p := l.process
	return p.do(func() error {
		return p.check(C.galvani_link_allreduce((*C.float)(unsafe.SliceData(x)), C.long(len(x))))
	})
}
