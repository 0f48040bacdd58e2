//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"math"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/optimisers"

	"gorgonia.org/gorgonia"
)

// capacity is the number of updates whose reports wait on the device.
const capacity = 256

// Update clips a gradient, updates parameters and projects them. Reports of capacity updates go
// round in a ring. It implements kernels.UpdatePlan.
type Update struct {
	d                                           *Device
	cfg                                         kernels.UpdateConfig
	rule                                        int // number of the header
	params                                      *Array
	slots                                       []*Array
	flat, lo, hi, backup, bad, train            driver.Ptr
	scale                                       driver.Ptr // of all counted parts, and then of each part alone
	one                                         driver.Ptr // the scale of parts that are not clipped
	partial, reports                            driver.Ptr
	counted                                     int // elements of the norm
	host                                        []C.struct_report
	done                                        [capacity]*driver.Event
	first, queued                               int        // updates reported so far and queued so far
	sums                                        driver.Ptr // of the loss whose gradient is in flat; 0 before the first
	terms                                       int        // values of penalties of an update
	flatTerms                                   driver.Ptr // [terms] of the gradient in flat
	hostTerms                                   []float32  // [capacity,terms]
	gather, normPartial, normSum, update, ended *kernel
}

// NewUpdate implements kernels.Resident.
func (d *Device) NewUpdate(cfg kernels.UpdateConfig) (kernels.UpdatePlan, error) {
	u, names := &Update{d: d, cfg: cfg, rule: optimisers.Number(cfg.Rule.Header)}, cfg.Rule.Slots
	n := cfg.Learned
	if u.rule < 0 || len(names) > C.MAX_SLOTS {
		return nil, fmt.Errorf("kernels: update: no kernel for the optimiser kernels/optimisers/%s.h with %d slots: %w", cfg.Rule.Header, len(names), kernels.ErrShape)
	}
	var err error
	if u.params, err = d.mirrored("update: parameters", cfg.Params, n); err != nil {
		return nil, err
	}
	if len(cfg.Slots) != len(names) {
		return nil, fmt.Errorf("kernels: update: %d slots, want %v: %w", len(cfg.Slots), names, kernels.ErrShape)
	}
	for i, m := range cfg.Slots {
		s, err := d.mirrored("update: "+names[i], m, n)
		if err != nil {
			return nil, err
		}
		u.slots = append(u.slots, s)
	}
	lo, hi, err := bounds(cfg.Bounds, n)
	if err != nil {
		return nil, err
	}
	if u.cfg.Parts, err = decays(cfg.Parts, n); err != nil {
		return nil, err
	}
	if u.counted, err = kernels.CountedLen(u.cfg.Parts); err != nil {
		return nil, err
	}
	err = d.build("update", func(b *builder) {
		u.flat, u.backup = b.floats(n), b.floats(n)
		u.lo, u.hi = upload(b, lo), upload(b, hi)
		u.bad = upload(b, make([]int32, C.MAX_BLOCKS)) // the kernels take as many as they have blocks
		u.train = upload(b, make([]int32, C.sizeof_struct_train_state/4))
		u.scale = b.bytes(int64(1+len(u.cfg.Parts)) * C.sizeof_double)
		u.one = upload(b, []float64{1})
		longest := u.counted
		for _, part := range u.cfg.Parts {
			longest = max(longest, part.Len)
		}
		u.partial = b.bytes(int64(C.norm_launch(C.longlong(longest)).x) * C.sizeof_double)
		u.reports = b.bytes(capacity * C.sizeof_struct_report)
		u.gather, u.normPartial, u.normSum = b.kernel("update", "gather"), b.kernel("update", "norm_partial"), b.kernel("update", "norm_sum")
		u.update, u.ended = b.kernel("update", "update"), b.kernel("update", "update_end")
		if rows := b.host(capacity * C.sizeof_struct_report); rows != nil {
			u.host = unsafe.Slice((*C.struct_report)(rows), capacity)
		}
		for i := range u.done {
			u.done[i] = b.event()
		}
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// bounds spreads spans over n elements; it returns nils where there are none.
func bounds(spans []kernels.Span, n int) (lo, hi []float32, err error) {
	if len(spans) == 0 {
		return nil, nil, nil
	}
	lo, hi = make([]float32, n), make([]float32, n)
	for i := range lo {
		lo[i], hi[i] = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	for _, s := range spans {
		if s.Offset < 0 || s.Len < 0 || s.Len > n-s.Offset {
			return nil, nil, fmt.Errorf("kernels: update: bounds of elements [%d,%d), there are %d: %w", s.Offset, s.Offset+s.Len, n, kernels.ErrShape)
		}
		for i := s.Offset; i < s.Offset+s.Len; i++ {
			lo[i], hi[i] = s.Lo, s.Hi
		}
	}
	return lo, hi, nil
}

// decays returns the parts of an update; nil is one that decays.
func decays(parts []kernels.Part, learned int) ([]kernels.Part, error) {
	if parts == nil {
		return []kernels.Part{{Len: learned, Decays: true}}, nil
	}
	n := 0
	for _, p := range parts {
		n += p.Len
	}
	if n != learned {
		return nil, fmt.Errorf("kernels: update: parts have %d elements, want %d: %w", n, learned, kernels.ErrShape)
	}
	return parts, nil
}

// Gather implements kernels.UpdatePlan.
//
// Errors: gradients of another length in all.
func (u *Update) Gather(grads []gorgonia.Value, loss gorgonia.Value, terms ...gorgonia.Value) error {
	mean, ok := loss.(*Mean)
	if !ok {
		return fmt.Errorf("kernels: update: the loss is a %T, want one of %s", loss, u.d.Name())
	}
	pieces, err := u.pieces("gradients", grads, u.flat, u.cfg.Learned)
	if err != nil {
		return err
	}
	if err := u.reserve(len(terms) * int(kernels.Penalties)); err != nil {
		return err
	}
	more, err := u.pieces("penalties", terms, u.flatTerms, u.terms)
	if err != nil {
		return err
	}
	pieces = append(pieces, more...)
	u.sums = mean.loss.sums
	u.d.queue("gather the gradient", func(w *work) { u.collect(w, pieces) })
	return nil
}

// collect copies pieces to where they go.
func (u *Update) collect(w *work, pieces []C.struct_gather_params) {
	for i := range pieces {
		p := &pieces[i]
		longest := C.longlong(0)
		for _, n := range p.len {
			longest = max(longest, n)
		}
		w.launch(u.gather, of(C.gather_launch(p.pieces, longest)), unsafe.Pointer(p))
	}
}

// reserve makes room for values of penalties, as many in every update.
func (u *Update) reserve(terms int) error {
	if u.terms > 0 || terms == 0 {
		return nil
	}
	return u.d.build("update: penalties", func(b *builder) {
		u.flatTerms = b.floats(terms)
		if host := b.host(capacity * terms * C.sizeof_float); host != nil {
			u.terms, u.hostTerms = terms, unsafe.Slice((*float32)(host), capacity*terms)
		}
	})
}

// Apply implements kernels.UpdatePlan.
//
// Errors: no gradient so far; more than capacity updates without a report.
func (u *Update) Apply(lr float64, step int) error {
	if u.sums == 0 {
		return fmt.Errorf("kernels: update: there is no gradient to apply; call Gather first")
	}
	if u.queued-u.first == capacity {
		return fmt.Errorf("kernels: cuda: %d updates are queued without a report", capacity)
	}
	c, sums := u.cfg.Rule.At(lr, step), u.sums
	row := u.queued % capacity
	u.queued++
	u.d.queue(fmt.Sprintf("update %d", step), func(w *work) {
		u.apply(w, sums, c, step, row)
		w.copyOut(unsafe.Pointer(&u.host[row]), u.report(row), C.sizeof_struct_report)
		if u.terms > 0 {
			w.copyOut(unsafe.Pointer(&u.hostTerms[row*u.terms]), u.flatTerms, int64(u.terms)*C.sizeof_float)
		}
		w.record(u.done[row])
	})
	return nil
}

// pieces lists where each value goes in n numbers at flat, in as many launches of gather as it takes.
func (u *Update) pieces(what string, values []gorgonia.Value, flat driver.Ptr, n int) ([]C.struct_gather_params, error) {
	var all []C.struct_gather_params
	at := 0
	for i, v := range values {
		g, err := u.d.anyArray("update: "+what, v)
		if err != nil {
			return nil, err
		}
		k := i % C.MAX_PLANES
		if k == 0 {
			all = append(all, C.struct_gather_params{flat: ptr(flat)})
		}
		p := &all[len(all)-1]
		p.from[k], p.at[k], p.len[k] = ptr(g.ptr), C.longlong(at), C.longlong(g.Size())
		p.pieces++
		at += g.Size()
	}
	if at != n {
		return nil, fmt.Errorf("kernels: cuda: update: %s have %d elements, want %d", what, at, n)
	}
	return all, nil
}

// report returns the place of a row of the ring.
func (u *Update) report(row int) driver.Ptr {
	return u.reports + driver.Ptr(row)*C.sizeof_struct_report
}

func (u *Update) apply(w *work, sums driver.Ptr, c kernels.Coefs, step, row int) {
	n := C.longlong(u.cfg.Learned)
	report := ptr(u.report(row))
	norm := C.struct_norm_params{n: C.longlong(u.counted), step: C.int(step), clip: C.double(u.cfg.Clip), g: ptr(u.flat),
		partial: ptr(u.partial), sums: ptr(sums), report: report, train: ptr(u.train), scale: ptr(u.scale)}
	u.norm(w, norm)
	p := C.struct_update_params{n: n, rule: C.int(u.rule), slots: C.int(len(u.slots)), step: C.int(step),
		rate: C.float(c.Rate), decay: C.float(c.Decay), keep: C.float(c.Keep), p: ptr(u.params.ptr), g: ptr(u.flat), lo: ptr(u.lo), hi: ptr(u.hi), scale: ptr(u.scale), backup: ptr(u.backup),
		bad: ptr(u.bad), train: ptr(u.train), report: report}
	for i, s := range u.slots {
		p.slot[i] = ptr(s.ptr)
	}
	for i, v := range c.Own {
		p.coefs[i] = C.float(v)
	}
	at := 0
	for i, part := range u.cfg.Parts {
		q := u.part(p, at, part)
		if part.Alone && part.Clip != kernels.Apart {
			q.scale = ptr(u.scale + driver.Ptr(1+i)*C.sizeof_double)
			u.norm(w, C.struct_norm_params{n: q.n, clip: norm.clip, g: q.g, partial: norm.partial, scale: q.scale})
		}
		w.launch(u.update, of(C.each_launch(q.n)), unsafe.Pointer(&q))
		at += part.Len
	}
	w.launch(u.ended, of(C.each_launch(n)), unsafe.Pointer(&p))
}

// norm makes the scale that a norm asks for and, with sums, the report.
func (u *Update) norm(w *work, p C.struct_norm_params) {
	l := C.norm_launch(p.n)
	p.blocks = l.x
	w.launch(u.normPartial, of(l), unsafe.Pointer(&p))
	w.launch(u.normSum, of(C.sum_launch()), unsafe.Pointer(&p))
}

// part returns the arguments of the update of a part that begins at an element.
func (u *Update) part(p C.struct_update_params, at int, part kernels.Part) C.struct_update_params {
	shift := driver.Ptr(at) * C.sizeof_float
	p.n = C.longlong(part.Len)
	p.p, p.g, p.backup = ptr(u.params.ptr+shift), ptr(u.flat+shift), ptr(u.backup+shift)
	if u.lo != 0 {
		p.lo, p.hi = ptr(u.lo+shift), ptr(u.hi+shift)
	}
	for i, s := range u.slots {
		p.slot[i] = ptr(s.ptr + shift)
	}
	if !part.Decays {
		p.decay, p.keep = 0, 1
	}
	if part.Clip == kernels.Apart {
		p.scale = ptr(u.one)
	}
	return p
}

// Capacity implements kernels.UpdatePlan.
func (u *Update) Capacity() int { return capacity }

// Reports implements kernels.UpdatePlan.
func (u *Update) Reports(wait bool) ([]kernels.Report, error) {
	done := u.first
	err := u.d.drv.Do(func(*driver.Queue) error {
		for ; done < u.queued; done++ {
			e := u.done[done%capacity]
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
		return nil, sentinel(err)
	}
	var out []kernels.Report
	for ; u.first < done; u.first++ {
		row := u.first % capacity
		r := &u.host[row]
		out = append(out, kernels.Report{Step: int(r.step), LossSums: sums(&r.sums), GradNorm: float64(r.grad_norm), State: kernels.UpdateState(r.state)})
		for i, v := range u.hostTerms[row*u.terms:][:u.terms] {
			out[len(out)-1].Penalised[i%int(kernels.Penalties)] += float64(v)
		}
	}
	return out, nil
}
