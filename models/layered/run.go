package layered

import (
	"galvani/kernels"
)

// timed is a network as a program, and what of it is seen from outside.
type timed struct {
	program        *kernels.Program
	x, pull, share int // arrays, see builder
	answer         int // potentials of the outputs of a step without target
	told           int // what is told of outputs that were taught, times factor
	factor         float64
	train, eval    int       // steps
	quiet          int       // steps of train before weights change
	shown          int       // array of 1 for each pattern that has a target; None where all have one
	clock          int       // array of the number of steps, which goes on through all presentations; None for none
	hidden         []int     // rates of hidden layers
	changes        []int     // weights whose changes may be low-passed
	carried        []carried // what a presentation leaves to the next
}

// carried is an array, or the low-passed change of a weight.
type carried struct {
	array, weight int
	name          string
}

// carry adds arrays to what a presentation leaves to the next.
func (t *timed) carry(arrays ...int) {
	for _, i := range arrays {
		t.carried = append(t.carried, carried{array: i, name: t.program.Arrays[i].Name})
	}
}

// programmed is a network that can be written as a program.
type programmed interface {
	program(width int, seed uint64) timed
}

// Run is a network in time. It implements Runner.
type Run[F kernels.Float] struct {
	timed
	plan   kernels.ProgramPlan[F]
	params [][]F
	out    []F
}

// start returns a network at rest, which draws what it draws by a seed. A device runs its program; without one, and for
// float64, Go does.
func start[F kernels.Float](n programmed, at place, width int, params [][]F, seed uint64) (*Run[F], error) {
	r := &Run[F]{timed: n.program(width, seed), params: params}
	r.out = make([]F, width*r.program.Arrays[r.pull].Units)
	var err error
	if r.plan, err = planned[F](at, r.program); err != nil {
		return nil, err
	}
	r.Reset()
	return r, nil
}

func planned[F kernels.Float](at place, p *kernels.Program) (kernels.ProgramPlan[F], error) {
	if s, ok := at.dev.(kernels.Stepper); ok {
		if _, narrow := any(*new(F)).(float32); narrow {
			own, err := s.NewProgram(p)
			plan, _ := own.(kernels.ProgramPlan[F])
			return plan, err
		}
	}
	return newHost[F](p)
}

// Rebind implements Runner.
func (r *Run[F]) Rebind(params [][]F) { r.params = params }

// Reset implements Runner: it puts all potentials and low-passed changes to rest. Random numbers go on.
func (r *Run[F]) Reset() {
	for i, a := range r.program.Arrays {
		if !a.Kept || i == r.clock {
			continue
		}
		list := r.plan.Array(i)
		for k := range list {
			list[k] = F(a.Rest)
		}
	}
	for _, w := range r.changes {
		clear(r.plan.Trace(w))
	}
}

// State implements Runner.
func (r *Run[F]) State(visit func(name string, shape []int, data []F)) {
	for _, c := range r.carried {
		if c.array != kernels.None {
			visit(c.name, []int{r.program.N, r.program.Arrays[c.array].Units}, r.plan.Array(c.array))
		} else if trace := r.plan.Trace(c.weight); trace != nil {
			w := r.program.Weights[c.weight]
			visit(c.name, []int{w.M, w.K}, trace)
		}
	}
}

// Hidden implements Runner.
func (r *Run[F]) Hidden() (list [][]F) {
	for _, i := range r.hidden {
		list = append(list, r.plan.Array(i))
	}
	return list
}

// Outputs implements Runner.
func (r *Run[F]) Outputs() []F { return r.out }

// Answer implements Runner.
func (r *Run[F]) Answer(x []F) error {
	r.Reset()
	if r.clock != kernels.None { // the same numbers for every answer
		clear(r.plan.Array(r.clock))
	}
	return r.Next(x)
}

// Next implements Runner.
func (r *Run[F]) Next(x []F) error {
	copy(r.plan.Array(r.x), x)
	if err := r.plan.Run(false, r.eval, 0, r.params); err != nil {
		return err
	}
	copy(r.out, r.plan.Array(r.answer))
	return nil
}

// Learn implements Runner.
func (r *Run[F]) Learn(x, targets, weight []F, lr float64) error {
	copy(r.plan.Array(r.x), x)
	copy(r.plan.Array(r.pull), targets)
	n := len(targets) / r.program.Arrays[r.pull].Units
	divide(r.plan.Array(r.share), n, weight)
	if r.shown != kernels.None {
		show(r.plan.Array(r.shown), n, weight)
	}
	if r.quiet > 0 {
		if err := r.plan.Run(true, r.quiet, 0, r.params); err != nil {
			return err
		}
	}
	if n := r.train - r.quiet; n > 0 {
		if err := r.plan.Run(true, n, lr/float64(n), r.params); err != nil {
			return err
		}
	}
	for i, v := range r.plan.Array(r.told) {
		r.out[i] = F(r.factor) * v
	}
	return nil
}
