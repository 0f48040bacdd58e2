//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels/driver"
)

// Rule is a family of optimisers, by the number of its kernel.
type Rule int

const (
	Adam    Rule = C.RULE_ADAM
	RMSProp Rule = C.RULE_RMSPROP
	SGD     Rule = C.RULE_SGD
)

// Coefs are the factors of one update; see update_params.
type Coefs struct {
	Rate, Root, Beta1, Beta2, C1, C2, Eps, Decay, Keep, Momentum float32
	Nesterov                                                     bool
}

// UpdateConfig fixes updates of the first Learned elements of Params. Lo and Hi, [Learned], are
// nil where every parameter is free.
type UpdateConfig struct {
	Rule    Rule
	Clip    float64 // largest norm of the gradient, 0 for none
	Learned int
	Params  *Array
	Slots   []*Array
	Lo, Hi  []float32
	Parts   []Part // Learned elements in all
}

// Part is a run of parameters on which weight decay acts or not. Parts follow each other.
type Part struct {
	Len    int
	Decays bool
}

// Capacity is the number of updates whose reports wait on the device.
const Capacity = 256

// Update clips a gradient, updates parameters and projects them. Reports of Capacity updates go
// round in a ring.
type Update struct {
	d                                           *Device
	cfg                                         UpdateConfig
	flat, lo, hi, backup, bad, train, scale     driver.Ptr
	partial, reports                            driver.Ptr
	host                                        []C.struct_report
	done                                        [Capacity]*driver.Event
	first, queued                               int // updates reported so far and queued so far
	gather, normPartial, normSum, update, ended *kernel
}

// NewUpdate allocates updates.
func (d *Device) NewUpdate(cfg UpdateConfig) (*Update, error) {
	u := &Update{d: d, cfg: cfg}
	n := cfg.Learned
	err := d.build("update", func(b *builder) {
		u.flat, u.backup = b.floats(n), b.floats(n)
		u.lo, u.hi = upload(b, cfg.Lo), upload(b, cfg.Hi)
		u.bad = upload(b, make([]int32, C.MAX_BLOCKS)) // the kernels take as many as they have blocks
		u.train = upload(b, make([]int32, C.sizeof_struct_train_state/4))
		u.scale = b.bytes(C.sizeof_double)
		u.partial = b.bytes(int64(C.norm_launch(C.longlong(n)).x) * C.sizeof_double)
		u.reports = b.bytes(Capacity * C.sizeof_struct_report)
		u.gather, u.normPartial, u.normSum = b.kernel("update", "gather"), b.kernel("update", "norm_partial"), b.kernel("update", "norm_sum")
		u.update, u.ended = b.kernel("update", "update"), b.kernel("update", "update_end")
		if rows := b.host(Capacity * C.sizeof_struct_report); rows != nil {
			u.host = unsafe.Slice((*C.struct_report)(rows), Capacity)
		}
		for i := range u.done {
			u.done[i] = b.event()
		}
	})
	return u, err
}

// Apply queues update number step. The gradients follow each other in the order of the
// parameters; loss is the plan whose last Forward they belong to.
// Errors: gradients of another length in all; more than Capacity updates without a report.
func (u *Update) Apply(grads []*Array, loss *Loss, c Coefs, step int) error {
	if u.queued-u.first == Capacity {
		return fmt.Errorf("cuda: %d updates are queued without a report", Capacity)
	}
	pieces, err := u.pieces(grads)
	if err != nil {
		return err
	}
	row := u.queued % Capacity
	u.queued++
	u.d.queue(fmt.Sprintf("update %d", step), func(w *work) {
		u.apply(w, pieces, loss, c, step, row)
		w.copyOut(unsafe.Pointer(&u.host[row]), u.report(row), C.sizeof_struct_report)
		w.record(u.done[row])
	})
	return nil
}

// pieces lists where each gradient goes, in as many launches of gather as it takes.
func (u *Update) pieces(grads []*Array) ([]C.struct_gather_params, error) {
	var all []C.struct_gather_params
	at := 0
	for i, g := range grads {
		k := i % C.MAX_PLANES
		if k == 0 {
			all = append(all, C.struct_gather_params{flat: ptr(u.flat)})
		}
		p := &all[len(all)-1]
		p.from[k], p.at[k], p.len[k] = ptr(g.ptr), C.longlong(at), C.longlong(g.Size())
		p.pieces++
		at += g.Size()
	}
	if at != u.cfg.Learned {
		return nil, fmt.Errorf("cuda: update: gradients have %d elements, want %d", at, u.cfg.Learned)
	}
	return all, nil
}

// report returns the place of a row of the ring.
func (u *Update) report(row int) driver.Ptr {
	return u.reports + driver.Ptr(row)*C.sizeof_struct_report
}

func (u *Update) apply(w *work, pieces []C.struct_gather_params, loss *Loss, c Coefs, step, row int) {
	for i := range pieces {
		p := &pieces[i]
		longest := C.longlong(0)
		for _, n := range p.len {
			longest = max(longest, n)
		}
		w.launch(u.gather, of(C.gather_launch(p.pieces, longest)), unsafe.Pointer(p))
	}
	n := C.longlong(u.cfg.Learned)
	l := C.norm_launch(n)
	report := ptr(u.report(row))
	norm := C.struct_norm_params{n: n, blocks: l.x, step: C.int(step), clip: C.double(u.cfg.Clip), g: ptr(u.flat),
		partial: ptr(u.partial), sums: ptr(loss.sums), report: report, train: ptr(u.train), scale: ptr(u.scale)}
	w.launch(u.normPartial, of(l), unsafe.Pointer(&norm))
	w.launch(u.normSum, of(C.sum_launch()), unsafe.Pointer(&norm))
	p := C.struct_update_params{n: n, rule: C.int(u.cfg.Rule), nesterov: flag(c.Nesterov), step: C.int(step),
		rate: C.float(c.Rate), root: C.float(c.Root), beta1: C.float(c.Beta1), beta2: C.float(c.Beta2), c1: C.float(c.C1),
		c2: C.float(c.C2), eps: C.float(c.Eps), decay: C.float(c.Decay), keep: C.float(c.Keep), momentum: C.float(c.Momentum),
		p: ptr(u.cfg.Params.ptr), g: ptr(u.flat), lo: ptr(u.lo), hi: ptr(u.hi), scale: ptr(u.scale), backup: ptr(u.backup),
		bad: ptr(u.bad), train: ptr(u.train), report: report}
	for i, s := range u.cfg.Slots {
		p.slot[i] = ptr(s.ptr)
	}
	at := 0
	for _, part := range u.cfg.Parts {
		q := u.part(p, at, part)
		w.launch(u.update, of(C.each_launch(q.n)), unsafe.Pointer(&q))
		at += part.Len
	}
	w.launch(u.ended, of(C.each_launch(n)), unsafe.Pointer(&p))
}

// part returns the arguments of the update of a part that begins at an element.
func (u *Update) part(p C.struct_update_params, at int, part Part) C.struct_update_params {
	shift := driver.Ptr(at) * C.sizeof_float
	p.n = C.longlong(part.Len)
	p.p, p.g, p.backup = ptr(u.cfg.Params.ptr+shift), ptr(u.flat+shift), ptr(u.backup+shift)
	if u.lo != 0 {
		p.lo, p.hi = ptr(u.lo+shift), ptr(u.hi+shift)
	}
	for i, s := range u.cfg.Slots {
		p.slot[i] = ptr(s.ptr + shift)
	}
	if !part.Decays {
		p.decay, p.keep = 0, 1
	}
	return p
}

// Report tells of one update. State is that of struct report.
type Report struct {
	Step     int
	Sums     Sums
	GradNorm float64
	State    int
}

// Reports returns what the updates since the last call tell, in order: with wait of all that
// were queued, otherwise of those that are done.
func (u *Update) Reports(wait bool) ([]Report, error) {
	done := u.first
	err := u.d.drv.Do(func(*driver.Queue) error {
		for ; done < u.queued; done++ {
			e := u.done[done%Capacity]
			if wait {
				if err := e.Sync(); err != nil {
					return err
				}
			} else if ready, err := e.Query(); err != nil || !ready {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Report
	for ; u.first < done; u.first++ {
		r := &u.host[u.first%Capacity]
		out = append(out, Report{Step: int(r.step), Sums: sums(&r.sums), GradNorm: float64(r.grad_norm), State: int(r.state)})
	}
	return out, nil
}
