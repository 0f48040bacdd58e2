package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine"
	"galvani/engine/adopt"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
)

// initialise gives the network the weights of --init-from, and says which tensor each parameter has.
func (j *job) initialise(show display) error {
	path := j.size.InitFrom
	if path == "" {
		return nil
	}
	want, err := j.wanted()
	if err != nil {
		return fmt.Errorf("%w: init_parts: %w", config.ErrConfig, err)
	}
	named, err := tensorNames(j.size.InitMap)
	if err != nil {
		return err
	}
	source, err := j.readWeights(path)
	if err != nil {
		return err
	}
	pairs, left, err := adopt.Match(want, source.tensors, named)
	if err != nil {
		return fmt.Errorf("init_from %s: %w", source.path, err)
	}
	values := map[string][]float32{}
	for _, p := range pairs {
		if values[p.Name], err = source.values(j, p); err != nil {
			return fmt.Errorf("init_from %s: %w", source.path, err)
		}
	}
	if err := j.session.Assign(values); err != nil {
		return fmt.Errorf("init_from %s: %w", source.path, err)
	}
	for _, p := range pairs {
		show.words("init: %s %v from %s of %s", p.Name, p.Shape, p.Tensor.Name, source.path)
	}
	if len(left) > 0 {
		show.words("init: not used of %s: %s", source.path, strings.Join(left, ", "))
	}
	return nil
}

// frozen names the parameters that are not learned because of --freeze.
func (j *job) frozen() (names []string) {
	if j.net == nil {
		return nil
	}
	for p, s := range j.net.Specs() {
		if j.net.IsFrozen(p) {
			names = append(names, s.Name)
		}
	}
	return names
}

// wanted lists the parameters of --init-parts.
func (j *job) wanted() (list []adopt.Parameter, err error) {
	in, err := j.net.Parts(j.size.InitParts)
	if err != nil {
		return nil, err
	}
	for p, s := range j.net.Specs() {
		if in[p] {
			list = append(list, adopt.Parameter{Name: s.Name, Shape: s.Shape, Required: s.Learned || j.net.IsFrozen(p)})
		}
	}
	return list, nil
}

// tensorNames reads the list of --init-map.
func tensorNames(list []string) (map[string]string, error) {
	named := map[string]string{}
	for _, pair := range list {
		parameter, tensor, ok := strings.Cut(pair, "=")
		if !ok || parameter == "" || tensor == "" || named[parameter] != "" {
			return nil, fmt.Errorf("%w: init_map holds %q, want PARAMETER=TENSOR, such as readout.weight=fc.weight, once for a parameter", config.ErrConfig, pair)
		}
		named[parameter] = tensor
	}
	return named, nil
}

// weights are the tensors of a file to begin with.
type weights struct {
	path    string
	tensors []safetensors.Tensor
	stored  bool // as a checkpoint of a network that is wired alike holds them, otherwise as they act
}

// values returns what to store of a parameter.
func (w *weights) values(j *job, p adopt.Pair) ([]float32, error) {
	numbers := p.Tensor.Numbers()
	if !w.stored {
		row := slices.IndexFunc(j.net.Specs(), func(s kernels.Spec) bool { return s.Name == p.Name })
		return j.net.Store(row, numbers)
	}
	v := make([]float32, len(numbers))
	for i, x := range numbers {
		v[i] = float32(x)
	}
	return v, nil
}

// readWeights reads a run, of which it takes the best checkpoint, a checkpoint, or any other safetensors or NPZ file.
func (j *job) readWeights(path string) (*weights, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("init_from: %w", missingInput(err))
	} else if info.IsDir() {
		run, err := rundir.View(path)
		if err != nil {
			return nil, fmt.Errorf("init_from: %w", err)
		}
		state, err := run.Best()
		if errors.Is(err, rundir.ErrNoCheckpoint) {
			state, _, err = run.Latest()
		}
		if err != nil {
			return nil, fmt.Errorf("init_from: %w", err)
		}
		return j.checkpointWeights(state)
	}
	state, err := rundir.Load(path)
	switch {
	case err == nil:
		return j.checkpointWeights(state)
	case !errors.Is(err, rundir.ErrForeign) && !beginsAsArchive(path):
		return nil, notWeights(path, err)
	}
	file, err := openTensors(path)
	if err != nil {
		return nil, notWeights(path, err)
	}
	return &weights{path: path, tensors: parameters(file.Tensors)}, nil
}

// notWeights explains what a file of another kind has to become.
func notWeights(path string, err error) error {
	if errors.Is(err, safetensors.ErrCorrupt) {
		return fmt.Errorf(`init_from: %w; %s is to be a safetensors file, which PyTorch writes with safetensors.torch.save_file(module.state_dict(), "FILE")`, err, path)
	}
	return fmt.Errorf("init_from: %w", err)
}

// checkpointWeights takes the parameters of a checkpoint, which holds them as they are stored.
//
// Errors: adopt.ErrMatch for one of a network that is wired in another way, where stored weights act in another way.
func (j *job) checkpointWeights(state *rundir.State) (*weights, error) {
	unlike := func(what string) error {
		return fmt.Errorf("init_from %s: %s of its network is another than that of this one, and stored weights do not tell what acts; write those that act with galvani export and take that file: %w",
			state.Path, what, adopt.ErrMatch)
	}
	own := analysis.Constants(j.net)
	for _, t := range append(slices.Clone(state.Tensors), own...) {
		if !strings.HasPrefix(t.Name, "wiring.") {
			continue
		}
		theirs, _ := state.Tensor(t.Name)
		ours, _ := (&rundir.State{Tensors: own}).Tensor(t.Name)
		if !bytes.Equal(theirs.Data, ours.Data) {
			return nil, unlike(t.Name)
		}
	}
	pairs, err := heldPairs(state)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if p.Name == "dale_form" && j.wiring.Dale && fmt.Sprint(p.Value) != j.wiring.DaleForm {
			return nil, unlike(p.Name)
		}
	}
	return &weights{path: state.Path, tensors: parameters(state.Tensors), stored: true}, nil
}

// parameters leaves out what of a checkpoint, or of a file of galvani export, is no parameter.
func parameters(tensors []safetensors.Tensor) []safetensors.Tensor {
	return slices.DeleteFunc(slices.Clone(tensors), func(t safetensors.Tensor) bool {
		return !engine.IsParameter(t.Name)
	})
}
