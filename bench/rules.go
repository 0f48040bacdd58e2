package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"galvani/engine/safetensors"
	"galvani/models/layered"
)

// caseRules is a network that is stepped in time while it learns.
const caseRules = "rules"

// stepped is one presentation of patterns to a microcircuit by rule latent-equilibrium.
type stepped struct {
	hidden          []int
	inputs, outputs int
	patterns, steps int
	cost, speedUp   float64 // aims beside the best product and beside PyTorch; 0 for none
}

// steppedNetworks are the bars of Haider et al. (2021), and the network for MNIST of Sacramento et al. (2018).
var steppedNetworks = []stepped{
	{hidden: []int{30}, inputs: 9, outputs: 3, patterns: 1, steps: 100, speedUp: 20},
	{hidden: []int{500, 500}, inputs: 784, outputs: 10, patterns: 64, steps: 10, cost: 1.8, speedUp: 3},
}

// learning is a network with its patterns.
type learning struct {
	stepped
	settings *layered.Microcircuit
	circuit  *layered.Circuit
	params   [][]float32
	x, goal  []float32
}

// learningRate is that of a presentation: so small that a thousand of them change little.
const learningRate = 1e-3

func newLearning(s stepped) (*learning, error) {
	l := &learning{stepped: s, settings: layered.NewMicrocircuit()}
	m := l.settings
	m.Hidden, m.DT = s.hidden, 0.1
	m.TPres = float64(s.steps) * m.DT
	m.GLeak, m.GBasal, m.GApical, m.GDend, m.GSom = 0.03, 0.1, 0.06, 0.1, 0.06
	net, err := m.Bind("microcircuit", s.inputs, s.outputs)
	if err != nil {
		return nil, err
	}
	l.circuit = net.(*layered.Circuit)
	r := rand.New(rand.NewPCG(uint64(s.inputs), 0))
	for _, p := range net.Specs() {
		w := uniform[float32](r, p.Len())
		for i := range w {
			w[i] *= 2 / float32(p.Shape[1])
		}
		l.params = append(l.params, w)
	}
	l.circuit.Prepare(l.params)
	l.x, l.goal = uniform[float32](r, s.patterns*s.inputs), uniform[float32](r, s.patterns*s.outputs)
	return l, nil
}

func (l *learning) shape() Shape {
	h := 0
	for _, n := range l.hidden {
		h += n
	}
	return Shape{T: l.steps, B: l.patterns, I: l.inputs, H: h}
}

// contestant shows the patterns from where the last presentation left the network.
func (l *learning) contestant(r *runner) (contestant, layered.Runner[float32], error) {
	run, err := l.circuit.Start(r.dev, l.patterns, l.params, 1)
	if err != nil {
		return contestant{}, nil, err
	}
	return contestant{name: r.dev.Name(), flops: 2 * float64(l.circuit.Work(l.patterns)*l.steps), run: timed(func() error {
		return run.Learn(l.x, l.goal, nil, learningRate)
	})}, run, nil
}

// RunRules measures steps of networks that learn in every step, beside the machine's best matrix product for as many
// multiplications and beside the same dynamics in PyTorch, operation by operation, where cfg.Python has it.
// PyTorch is timed after all its weights were held to those here.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong; the cause of ctx when cancelled between two networks;
// those of cfg.Each.
func RunRules(ctx context.Context, cfg Config) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	if err := r.bestProduct(); err != nil {
		return err
	}
	var p *peer
	if r.Python != "" {
		if p, err = openPeer(r.Python, "torch", r.Threads, onCPU); err != nil {
			r.Log("without torch: %v", err)
		} else {
			defer p.close()
		}
	}
	for _, s := range steppedNetworks {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if cfg.Quick {
			s.hidden, s.inputs, s.patterns, s.steps, s.cost, s.speedUp = []int{8, 8}, 5, min(s.patterns, 4), 3, 0, 0
		}
		if err := r.rule(s, p); err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

// rule times one network.
func (r *runner) rule(s stepped, p *peer) error {
	l, err := newLearning(s)
	if err != nil {
		return err
	}
	list := make([]contestant, 2, 3)
	kinds, aims, gate := []string{"", Cost, SpeedUp}, []float64{0, s.cost, s.speedUp}, 0.0
	if p != nil {
		var c contestant
		if c, gate, err = p.circuit(l, r); err != nil {
			return err
		}
		list = append(list, c)
	}
	if list[0], _, err = l.contestant(r); err != nil {
		return err
	}
	list[1] = r.gemm
	samples, err := interleave(r.effort, list)
	if err != nil {
		return err
	}
	row := r.head
	row.Case, row.Model, row.What, row.Shape = caseRules, "microcircuit", "steps of learning", l.shape()
	row.Subject = list[0].timing(samples[0])
	for i := range list[1:] {
		ref := list[i+1].timing(samples[i+1])
		row.Reference, row.Ratio, row.Gate = &ref, compare(kinds[i+1], aims[i+1], list[0], list[i+1], samples[0], samples[i+1]), nil
		if kinds[i+1] == SpeedUp {
			row.Gate = &gate
		}
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}

// circuit hands a network to the peer, with its weights after a presentation from rest.
//
// Errors: ErrWrong where the peer finds other weights than its precision allows.
func (p *peer) circuit(l *learning, r *runner) (contestant, float64, error) {
	path := filepath.Join(p.dir, "circuit.safetensors")
	list := []safetensors.Tensor{safetensors.Float32("x", []int{l.patterns, l.inputs}, l.x), safetensors.Float32("goal", []int{l.patterns, l.outputs}, l.goal)}
	before := make([][]float32, len(l.params))
	for i, w := range l.params {
		before[i] = append([]float32(nil), w...)
	}
	_, run, err := l.contestant(r)
	if err == nil {
		err = run.Learn(l.x, l.goal, nil, learningRate)
	}
	if err != nil {
		return contestant{}, 0, err
	}
	for i, s := range l.circuit.Specs() {
		list = append(list, safetensors.Float32("before."+s.Name, s.Shape, before[i]), safetensors.Float32("after."+s.Name, s.Shape, l.params[i]))
	}
	f, err := os.Create(path)
	if err != nil {
		return contestant{}, 0, fmt.Errorf("bench: %w", err)
	}
	if err := errors.Join(safetensors.Write(f, list, nil), f.Close()); err != nil {
		return contestant{}, 0, fmt.Errorf("bench: %w", err)
	}
	m := l.settings
	a, err := p.ask(request{Do: "circuit", File: path, Circuit: &circuitRequest{Layers: len(l.hidden) + 1, Steps: l.steps, DT: m.DT, Rate: learningRate,
		Leak: m.GLeak, Basal: m.GBasal, Apical: m.GApical, Dend: m.GDend, Som: m.GSom}})
	if err != nil {
		return contestant{}, 0, err
	}
	if most := gateBounds[p.precision]; !(a.Gate <= most) {
		return contestant{}, 0, fmt.Errorf("bench: weights of %s and %s differ by %.2g of their change, want at most %g: %w", p.name, r.dev.Name(), a.Gate, most, ErrWrong)
	}
	return contestant{name: p.name + " eager", run: p.time}, a.Gate, nil
}

// circuitRequest says how a microcircuit moves.
type circuitRequest struct {
	Layers int     `json:"layers"`
	Steps  int     `json:"steps"`
	DT     float64 `json:"dt"`
	Rate   float64 `json:"rate"`
	Leak   float64 `json:"leak"`
	Basal  float64 `json:"basal"`
	Apical float64 `json:"apical"`
	Dend   float64 `json:"dend"`
	Som    float64 `json:"som"`
}

// ruleRows tell the newest row of each network that learns in every step, against a product and against a program.
var ruleRows = versus{
	of: caseRules, head: []string{"inputs", "hidden cells", "patterns"},
	about: func(r Row) []string {
		return []string{fmt.Sprint(r.Shape.I), fmt.Sprint(r.Shape.H), fmt.Sprint(r.Shape.B)}
	},
	time: func(r Row, t Timing) string {
		if t.Name == r.Reference.Name && r.Ratio.Kind == Cost {
			return "-" // of other matrices
		}
		step := t.Median / float64(r.Shape.T)
		if step >= 1e-3 {
			return fmt.Sprintf("%.3g ms", step*1e3)
		}
		return fmt.Sprintf("%.3g µs", step*1e6)
	},
	aim: aimOf,
	brief: func(r Row) string {
		return fmt.Sprintf("a step of a `%s`, %d hidden cells, batch %d", r.Model, r.Shape.H, r.Shape.B)
	},
}
