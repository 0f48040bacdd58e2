package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"galvani/bench/rows"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/kernels/monitor"
)

// Config says what to measure.
type Config struct {
	Threads int  // 0 means all that the process may use
	Quick   bool // tiny shapes, to see that everything works
	// Only leaves out the cases whose names (Case.String) it does not match; nil takes all.
	Only *regexp.Regexp
	// Python is the interpreter that runs the peers; empty leaves them out.
	Python string
	// NumPy is the interpreter whose NumPy may have a faster matrix product than the packed one; empty
	// for none.
	NumPy   string
	Program rows.Program
	// Log takes words for people, Each every row as soon as it is measured.
	Log  func(format string, args ...any)
	Each func(Row) error
}

// The efforts of a run. Twenty alternations are what the interval needs; a block is long
// against a time slice of the operating system.
var (
	full  = effort{quads: 10, block: 60 * time.Millisecond, calm: 40 * time.Millisecond, wake: 20 * time.Millisecond}
	brief = effort{quads: 2, block: time.Millisecond}
)

// runner is a run under way.
type runner struct {
	Config
	effort
	head  Row // what all rows share
	dev   kernels.Device
	half  kernels.Device // the same with products of bfloat16, from openHalf on
	one   kernels.Device // the same on one thread, from onOne on
	peers []*peer
	gemm  contestant // the fastest product
	sizes []int      // of the products that gemm is chosen from
	rate  float64    // of gemm, operations per second
	gated map[gateKey]float64

	closers []func() // of libraries and further devices
}

type gateKey struct {
	model string
	shape Shape
}

// start opens the CPU for a run and describes it. Stop frees it.
//
// Errors: kernels.ErrNoDevice in a binary without cgo.
func start(cfg Config) (r *runner, stop func(), err error) {
	dev, err := devices.OpenCPU(cfg.Threads) // 0: of small circuits fewer than there may be, as users have it
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	if cfg.Threads <= 0 {
		cfg.Threads = monitor.Cores()
	}
	r = &runner{Config: cfg, effort: full, dev: dev, gated: map[gateKey]float64{}, sizes: []int{128, 256, 512, 1024}}
	if cfg.Quick {
		r.effort, r.sizes = brief, []int{64}
	}
	r.head.Head = rows.Head{Schema: rows.Schema, Date: time.Now().UTC().Format(time.RFC3339), Machine: rows.ThisMachine(cfg.Threads),
		Program: cfg.Program, Quick: cfg.Quick}
	before := monitor.Use(cfg.Threads)
	return r, func() {
		for _, f := range slices.Backward(r.closers) {
			f()
		}
		monitor.Use(before)
		dev.Close()
	}, nil
}

// Run measures the whole suite.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong; the cause of ctx when
// cancelled between two cases; those of Each.
func Run(ctx context.Context, cfg Config) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	defer r.openPeers(onCPU)()
	if cfg.Only != nil && cfg.Only.MatchString(caseGemm+" product") {
		if err := r.bestProduct(); err != nil {
			return err
		}
	}
	done := map[Case]bool{}
	for _, c := range Suite(r.forms()) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if cfg.Only != nil && !cfg.Only.MatchString(c.String()) {
			continue
		}
		if cfg.Quick {
			c = c.quick()
		}
		if done[c] { // quick shapes are all the same
			continue
		}
		done[c] = true
		if c.Kind == caseThreads && r.Threads == 1 {
			continue
		}
		if c.Kind == caseHalf {
			if err := r.openHalf(); err != nil {
				r.Log("without %s: %v", c, err)
				continue
			}
		}
		if err := r.measure(c); err != nil {
			if ctx.Err() != nil { // whoever stopped this may have stopped the peers too
				return context.Cause(ctx)
			}
			return err
		}
	}
	return nil
}

// openPeers starts the frameworks that there are, if any are asked for. What it returns ends them.
func (r *runner) openPeers(at place) (stop func()) {
	before := len(r.peers)
	for _, framework := range frameworks {
		if r.Python == "" {
			break
		}
		p, err := openPeer(r.Python, framework, r.Threads, at)
		if err != nil {
			r.Log("without %s: %v", framework, err)
			continue
		}
		r.peers = append(r.peers, p)
		if strings.Contains(p.name, "reference blas") {
			r.Log("%s: apt-get install libopenblas0-pthread for its best speed", p.name)
		}
	}
	return func() {
		for _, p := range r.peers[before:] {
			p.close()
		}
		r.peers = r.peers[:before]
	}
}

// forms returns the forms of all peers.
func (r *runner) forms() []string {
	var all []string
	for _, p := range r.peers {
		all = append(all, p.forms...)
	}
	return all
}

// peer returns the one that has a form.
func (r *runner) peer(form string) *peer {
	return r.peers[slices.IndexFunc(r.peers, func(p *peer) bool { return slices.Contains(p.forms, form) })]
}

// measure times one case and reports it: a row for each contestant that its subject is compared with.
func (r *runner) measure(c Case) (err error) {
	worst, err := r.gate(c)
	if err != nil {
		return err
	}
	subject, against, err := r.contestants(c)
	all := []contestant{subject}
	for _, a := range against {
		all = append(all, a.contestant)
	}
	defer func() {
		for _, x := range all {
			err = errors.Join(err, x.free())
		}
	}()
	if err != nil {
		return err
	}
	e := r.effort
	if c.Rounds > 0 {
		e.quads = max(2, int(math.Round(c.Rounds*float64(e.quads))))
	}
	samples, err := interleave(e, all)
	if err != nil {
		return err
	}
	for i, a := range against {
		row := r.head
		row.Case, row.Model, row.What, row.Shape, row.Gate = a.Kind, c.Model, c.What, c.Shape, &worst
		row.Subject = subject.timing(samples[0])
		ref := a.timing(samples[i+1])
		row.Reference = &ref
		if a.Kind == caseForm { // which is of all that the form adds, products too
			row.Ratio = compare(Cost, a.Bound, contestant{}, contestant{}, samples[0], samples[i+1])
		} else if a.ratio != Cost || subject.flops > 0 {
			row.Ratio = compare(a.ratio, a.Bound, subject, a.contestant, samples[0], samples[i+1])
		}
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}

// gate checks the numbers of a case once for all that is timed of it.
func (r *runner) gate(c Case) (float64, error) {
	key := gateKey{c.Model, c.Shape}
	if d, ok := r.gated[key]; ok {
		return d, nil
	}
	d, err := gate(c.Model, c.Shape, r.dev)
	if err == nil {
		r.gated[key] = d
	}
	return d, err
}

// rival is what a subject is compared with, by a kind of ratio, in a row of a case.
type rival struct {
	contestant
	Case
	ratio string
}

// contestants makes the subject of a case and what it is compared with. After an error those there are have to be freed.
func (r *runner) contestants(c Case) (subject contestant, against []rival, err error) {
	rivals := func(x contestant, kind string) []rival { return []rival{{x, c, kind}} }
	switch c.Kind {
	case caseTrain:
		if err = r.bestProduct(); err != nil {
			return
		}
		subject, err = trainStep(c.Model, c.Shape, r.dev)
		return subject, rivals(r.gemm, Cost), err
	case caseForm:
		if c.What != step {
			return r.layersAndPeer(c)
		}
		if subject, err = trainStep(c.Model, c.Shape, r.dev); err != nil {
			return
		}
		reference, err := trainStep(plain(c.Model), c.Shape, r.dev)
		reference.name = plain(c.Model)
		return subject, rivals(reference, Cost), err
	case caseHalf:
		return r.halfAndSingle(c)
	case caseThreads:
		return r.allAndOne(c)
	case caseGraph:
		if subject, err = graphRun(c.Model, c.What, c.Shape, r.dev); err != nil {
			return
		}
		reference, err := graphRun(c.Model, c.What, c.Shape, nil)
		return subject, rivals(reference, SpeedUp), err
	}
	p, subject, err := r.passes(c.Model, c)
	if err != nil {
		return
	}
	if c.Kind == casePeer {
		reference, err := r.peer(c.Peer).cell(c, p, r.dev)
		return subject, rivals(reference, SpeedUp), err
	}
	err = r.bestProduct()
	return subject, rivals(r.gemm, Cost), err
}

// passes returns the scan of a model at the shape of a case, forward or forward and backward.
func (r *runner) passes(model string, c Case) (*problem[float32], contestant, error) {
	p, err := newProblem[float32](model, c.Shape)
	if err != nil {
		return nil, contestant{}, err
	}
	run, err := p.open(r.dev)
	if err != nil {
		return nil, contestant{}, err
	}
	x := contestant{name: r.dev.Name(), flops: p.flops(c.What != forward), run: timed(run.both)}
	if c.What == forward {
		x.run = timed(run.forward)
	}
	return p, x, nil
}

// openHalf opens the CPU for products of bfloat16, once.
//
// Errors: kernels.ErrNoDevice where it has none.
func (r *runner) openHalf() (err error) {
	if r.half == nil {
		if r.half, err = devices.Open("cpu", devices.Options{Threads: r.Threads, Precision: "bf16"}); err == nil {
			r.closers = append(r.closers, func() { r.half.Close() })
		}
	}
	return err
}

// halfAndSingle compares the scan of a model with products of bfloat16 with that of float32. Its numbers are held to those of
// float64 as those of a GPU are.
func (r *runner) halfAndSingle(c Case) (subject contestant, against []rival, err error) {
	p, reference, err := r.passes(c.Model, c)
	if err != nil {
		return
	}
	if _, err = gateIn("bf16", c.Model, c.Shape, r.half, r.dev); err != nil {
		return
	}
	run, err := p.open(r.half)
	if err != nil {
		return
	}
	subject = contestant{name: r.half.Name(), flops: p.flops(true), run: timed(run.both)}
	return subject, []rival{{reference, c, SpeedUp}}, nil
}

// allAndOne compares the scan of a model on all threads with that on one. The aim is for two.
func (r *runner) allAndOne(c Case) (subject contestant, against []rival, err error) {
	if r.one == nil {
		if r.one, err = devices.OpenCPU(1); err != nil {
			return subject, nil, fmt.Errorf("bench: %w", err)
		}
		r.closers = append(r.closers, func() { r.one.Close() })
	}
	p, subject, err := r.passes(c.Model, c)
	if err != nil {
		return
	}
	run, err := p.open(r.one)
	if err != nil {
		return
	}
	if r.Threads != 2 {
		c.Bound = 0
	}
	reference := contestant{name: oneThread + " thread, " + r.one.Name(), flops: subject.flops, run: timed(run.both)}
	return subject, []rival{{reference, c, SpeedUp}}, nil
}

// layersAndPeer compares the scans of a form with those of the model without it and, in turns with both, with the form in
// another framework.
func (r *runner) layersAndPeer(c Case) (subject contestant, against []rival, err error) {
	p, subject, err := r.passes(c.Model, c)
	if err != nil {
		return
	}
	_, reference, err := r.passes(plain(c.Model), c)
	if err != nil {
		return
	}
	reference.name = plain(c.Model)
	against = []rival{{reference, c, Cost}}
	if !slices.Contains(r.forms(), c.Peer) {
		return
	}
	other, err := r.peer(c.Peer).cell(c, p, r.dev)
	c.Kind, c.Bound = casePeer, peerBound(c)
	return subject, append(against, rival{other, c, SpeedUp}), err
}
