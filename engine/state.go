package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
)

const (
	progressKey = "progress" // in State.Extra
	digestKey   = "data"     // likewise
	carriedName = "session.state"
	fixedPrefix = "wiring." // of the arrays of Wired
)

// otherPrefixes begin the names of the tensors of a checkpoint that are no parameters: those of
// Learner.State, of which the second is that of rundir.SlotName, and those of Wired.
var otherPrefixes = []string{"learner.", "optimizer.", "session.", fixedPrefix}

// IsParameter tells whether a tensor of a checkpoint is a parameter, by its name.
func IsParameter(name string) bool {
	return !slices.ContainsFunc(otherPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// binding is a tensor of a checkpoint and the storage it belongs to.
type binding struct {
	name  string
	shape []int
	data  []float32
	spec  *kernels.Spec // of a parameter, nil for other tensors
}

// paramBindings lists the parameters under their own names.
func (s *Session) paramBindings() []binding {
	var list []binding
	for i, spec := range s.params.specs {
		list = append(list, binding{spec.Name, spec.Shape, s.params.slice(i), &spec})
	}
	return list
}

// bindings lists all that training needs to go on.
func (s *Session) bindings() []binding {
	list := s.paramBindings()
	for _, t := range s.learner.State() {
		list = append(list, binding{t.Name, t.Shape, t.Data, nil})
	}
	return list
}

// State returns a copy of all that training needs to go on bit for bit, as a checkpoint.
func (s *Session) State() (*rundir.State, error) {
	if err := s.steps.pull(); err != nil {
		return nil, err
	}
	progress, err := json.Marshal(s.progress)
	if err != nil {
		return nil, fmt.Errorf("engine: progress: %w", err)
	}
	p := s.progress
	st := &rundir.State{
		Step: int64(p.Step), Epoch: int64(p.Epoch), Cursor: int64(p.Batch), Seed: s.cfg.Options.Seed,
		Config: s.cfg.Source, Version: s.cfg.Version, Device: s.DeviceName(),
		Model: s.cfg.Net.Name(), Task: s.cfg.Task.Name,
		Extra: map[string]string{progressKey: string(progress)},
	}
	if digest, err := s.digest(); err != nil {
		return nil, err
	} else if digest != "" {
		st.Extra[digestKey] = digest
	}
	if p.Best != nil {
		st.Best = p.Best.Watched()
	}
	for _, b := range s.bindings() {
		st.Tensors = append(st.Tensors, safetensors.Float32(b.name, b.shape, b.data))
	}
	st.Tensors = append(st.Tensors, s.fixed()...)
	return st, nil
}

// fixed returns the arrays of the network that are not learned.
func (s *Session) fixed() (list []safetensors.Tensor) {
	if net, ok := s.cfg.Net.(Wired); ok {
		net.Constants(func(name string, shape []int, values []int8) {
			list = append(list, safetensors.Int8(name, shape, values))
		})
	}
	return list
}

// checkFixed refuses a checkpoint of a network that is wired in another way. Checkpoints without
// these arrays are taken: those of networks that have none, and older ones.
func (s *Session) checkFixed(st *rundir.State) error {
	own := s.fixed()
	for _, t := range st.Tensors {
		if !strings.HasPrefix(t.Name, fixedPrefix) {
			continue
		}
		i := slices.IndexFunc(own, func(o safetensors.Tensor) bool { return o.Name == t.Name })
		if i < 0 || own[i].DType != t.DType || !slices.Equal(own[i].Shape, t.Shape) || !bytes.Equal(own[i].Data, t.Data) {
			return fmt.Errorf("engine: %s in checkpoint is not that of this network, which comes from dale, ei_ratio, autapses, rec_density, rec_blocks, rec_between, wiring_seed, readout_from and the file of rec_mask; put back what has changed: %w",
				t.Name, ErrState)
		}
	}
	return nil
}

// digest returns the hash of the data files as they were when it was first asked for.
func (s *Session) digest() (string, error) {
	if s.files == nil {
		d, err := s.cfg.Task.Digest()
		if err != nil {
			return "", err
		}
		s.files = &d
	}
	return *s.files, nil
}

// DataChanged reports whether the data files are others than when the checkpoint was saved; false
// for a checkpoint that does not tell.
//
// Errors: those of the files.
func (s *Session) DataChanged(st *rundir.State) (bool, error) {
	then, told := st.Extra[digestKey]
	if !told {
		return false, nil
	}
	now, err := s.digest()
	return err == nil && now != then, err
}

// DeviceName returns the name of the device; "graph" for the unrolled graph.
func (s *Session) DeviceName() string {
	if s.cfg.Device == nil {
		return "graph"
	}
	return s.cfg.Device.Name()
}

// Restore puts the session where it was when State was called. On an error nothing has
// changed.
//
// Errors: ErrState for the state of another network, task, optimiser or length of run, and for parameters
// out of their bounds.
func (s *Session) Restore(st *rundir.State) error {
	if err := s.open(); err != nil {
		return err
	}
	if st.Model != s.cfg.Net.Name() || st.Task != s.cfg.Task.Name {
		return fmt.Errorf("engine: checkpoint is of model %q and task %q, want %q and %q: %w", st.Model, st.Task, s.cfg.Net.Name(), s.cfg.Task.Name, ErrState)
	}
	var p Progress
	if err := json.Unmarshal([]byte(st.Extra[progressKey]), &p); err != nil {
		return fmt.Errorf("engine: progress in checkpoint: %v: %w", err, ErrState)
	}
	if p.Step < 0 || p.Epoch < 0 || p.Batch < 0 || p.Batch > s.BatchesPerEpoch() || p.Stale < 0 || p.Flat < 0 || p.Drops < 0 {
		return fmt.Errorf("engine: checkpoint stands at update %d, epoch %d, batch %d of %d: %w", p.Step, p.Epoch, p.Batch, s.BatchesPerEpoch(), ErrState)
	}
	if n := len(s.cfg.Curriculum.Levels); p.Level < 0 || p.Level > n || p.BestLevel < 0 || p.BestLevel > p.Level {
		return fmt.Errorf("engine: checkpoint stands at level %d, best %d, of a curriculum with %d before the task itself: %w", p.Level, p.BestLevel, n, ErrState)
	}
	if err := s.checkFixed(st); err != nil {
		return err
	}
	bindings := s.bindings()
	for _, t := range st.Tensors {
		if !strings.HasPrefix(t.Name, fixedPrefix) && !slices.ContainsFunc(bindings, func(b binding) bool { return b.name == t.Name }) {
			return fmt.Errorf("engine: checkpoint holds %s, which this run does not have: %w", t.Name, ErrState)
		}
	}
	if err := store(bindings, st); err != nil {
		return err
	}
	s.progress = p
	return s.steps.push()
}

// LoadParams takes the parameters alone from a checkpoint, for evaluation. On an error
// nothing has changed.
//
// Errors: ErrState where a parameter is missing, of another shape, out of its bounds or unknown; ErrClosed.
func (s *Session) LoadParams(st *rundir.State) error {
	if err := s.open(); err != nil {
		return err
	}
	if err := s.checkFixed(st); err != nil {
		return err
	}
	bindings := s.paramBindings()
	for _, t := range st.Tensors {
		if IsParameter(t.Name) && !slices.ContainsFunc(bindings, func(b binding) bool { return b.name == t.Name }) {
			return fmt.Errorf("engine: checkpoint holds %s, which model %s does not have: %w", t.Name, s.cfg.Net.Name(), ErrState)
		}
	}
	if err := store(bindings, st); err != nil {
		return err
	}
	return s.params.held.push()
}

// Assign gives parameters other values, by name. On an error nothing has changed.
//
// Errors: ErrState for a name or a number of elements that the network does not have, and for values out of their bounds; ErrClosed.
func (s *Session) Assign(values map[string][]float32) error {
	if err := s.open(); err != nil {
		return err
	}
	bindings := s.paramBindings()
	for name, v := range values {
		i := slices.IndexFunc(bindings, func(b binding) bool { return b.name == name })
		if i < 0 || len(bindings[i].data) != len(v) {
			return fmt.Errorf("engine: %d numbers for %s, which model %s does not have: %w", len(v), name, s.cfg.Net.Name(), ErrState)
		}
		if err := within(*bindings[i].spec, v); err != nil {
			return err
		}
	}
	for _, b := range bindings {
		copy(b.data, values[b.name])
		leaveOut(*b.spec, b.data)
	}
	return s.params.held.push()
}

// within refuses values outside the bounds of a parameter, such as a negative time constant.
func within(spec kernels.Spec, v []float32) error {
	for _, r := range bounded(spec) {
		for i, x := range v[r.at : r.at+r.n] {
			if x := float64(x); !(x >= r.Lo && x <= r.Hi) {
				return fmt.Errorf("engine: element %d of %s in checkpoint is %v, want at least %v and at most %v: %w",
					r.at+i, spec.Name, x, r.Lo, r.Hi, ErrState)
			}
		}
	}
	return nil
}

// store copies tensors to where they belong, all of them or none.
func store(bindings []binding, st *rundir.State) error {
	values := make([][]float32, len(bindings))
	for i, b := range bindings {
		t, ok := st.Tensor(b.name)
		if !ok {
			return fmt.Errorf("engine: checkpoint lacks %s %v: %w", b.name, b.shape, ErrState)
		}
		v, err := t.Float32s()
		if err != nil {
			return fmt.Errorf("engine: checkpoint: %w: %w", err, ErrState)
		}
		if !slices.Equal(t.Shape, b.shape) || len(v) != len(b.data) {
			return fmt.Errorf("engine: %s in checkpoint is %v, want %v: %w", b.name, t.Shape, b.shape, ErrState)
		}
		if b.spec != nil {
			if err := within(*b.spec, v); err != nil {
				return err
			}
		}
		values[i] = v
	}
	for i, b := range bindings {
		copy(b.data, values[i])
		if b.spec != nil {
			leaveOut(*b.spec, b.data)
		}
	}
	return nil
}
