package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/group"
	"galvani/engine/infile"
	"galvani/engine/setting"
	"galvani/models"
	"galvani/models/layered"
)

// runKeys are the keys of the command itself.
type runKeys struct {
	Model      string  `toml:"model" doc:"cell, see galvani models list"`
	Task       string  `toml:"task" doc:"task, see galvani tasks list"`
	Device     string  `toml:"device" doc:"where to compute: auto, cpu, cuda or cuda:n"`
	Backend    string  `toml:"backend" doc:"the fused scan or the unrolled graph" oneof:"auto|graph|scan"`
	Validation float64 `toml:"validation" doc:"part of the training samples that is kept from training to select the best checkpoint and to tell patience; generated tasks draw as many besides; 0 selects on the test set" min:"0" max:"0.9" before:"0"`
	// Curriculum and its threshold are read in curriculum.go.
	Curriculum          []string `toml:"curriculum" needs:"stateful=false" doc:"easier forms of the task to begin with, the easiest first, each with its own settings in place of those of the task: KEY=VALUE, or VALUE alone for the key of the one before; several settings of one form with blanks between them, values of a list with / between them; training goes on to the next, and at last to the task itself, when an evaluation passes curriculum_threshold"`
	CurriculumThreshold float64  `toml:"curriculum_threshold" needs:"curriculum!=" doc:"accuracy (of trials: the part decided rightly) from which on, or loss of a regression up to which, the next form of the curriculum begins; 0 for an accuracy of 0.9" min:"0" max:"1e9"`

	Precision   string `toml:"precision" doc:"number format of products on a GPU and, of recurrent networks, on a CPU, which has fp32 and, with AVX512-BF16, bf16; states and parameters are float32" oneof:"fp32|tf32|bf16"`
	Memory      string `toml:"memory" doc:"most memory that training keeps of a sequence for the way back, e.g. 8GiB; beyond it states are recomputed; empty for no limit"`
	Threads     int    `toml:"threads" needs:"backend!=graph" doc:"threads of the fused scan on the CPU, 0 for one per core" min:"0" max:"1024"`
	DryRunRanks int    `toml:"dry_run_ranks" doc:"ranks that this process plays by itself, as a dry run of a run on as many machines: each holds a copy of the network and takes its part of the shards; the result is that of one rank" min:"1" max:"1024"`
	DataDir     string `toml:"data_dir" needs:"samples=from files" doc:"folder of data-set files, empty for the user's cache folder"`
	RunsDir     string `toml:"runs_dir" doc:"folder that run directories are made in"`
	Plots       string `toml:"plots" doc:"formats of the plots that a run leaves; none saves half a second at the end of each of many short runs" oneof:"both|png|svg|none"`
}

func defaultRunKeys() runKeys {
	return runKeys{Model: "crnn", Task: "looming", Device: "auto", Backend: "auto", Validation: 0.1, Precision: "fp32", DryRunRanks: 1, RunsDir: "runs", Plots: "both"}
}

// cellKeys are the keys of all networks of recurrent cells.
type cellKeys struct {
	Hidden        []int    `toml:"hidden" needs:"units=any" doc:"number H of hidden units; several for layers of different sizes, from below" min:"1" max:"65536" nonempty:"true" single:"true"`
	Layers        int      `toml:"layers" doc:"number of layers of the cell, with H units each where hidden gives one number; each reads h of the one below at the same step, and the read-out sees the last" min:"1" max:"64"`
	LayerCells    []string `toml:"layer_cells" needs:"layers=1" doc:"cells of the layers above the first, a name for each, with their default settings, in place of layers"`
	Bidirectional bool     `toml:"bidirectional" needs:"stateful=false" doc:"give each layer a second one beside it, with units of its own, that reads sequences from the last step to the first; the layer above and the read-out see both; for tasks with one target for a sequence"`
	LayerNorm     bool     `toml:"layer_norm" needs:"number of layers>1" doc:"bring the input of each layer above the first to mean 0 and variance 1 over its units, with a gain and a bias for each that are learned"`
	ReadoutScale  float64  `toml:"readout_scale" doc:"factor of the initial read-out weights" min:"0" max:"1e3"`
	Feedback      string   `toml:"feedback" doc:"weights through which the error of the read-out reaches the hidden units: backprop takes those of the read-out, fixed random ones that are never learned (feedback alignment), sign the signs of those of the read-out, all with the size of its first weights (sign symmetry), transpose a copy of those of the read-out, which gives the bits of backprop; between layers it is backprop" oneof:"backprop|transpose|fixed|sign"`
	RecNoise      float64  `toml:"rec_noise" doc:"standard deviation of private Gaussian noise on the drive of each unit at every step while training, before the scale of the cell, see galvani models show; 0 for none; galvani eval --noise has it, too" min:"0" max:"1e6"`
	InputNoise    float64  `toml:"input_noise" doc:"the same of noise on each input; with bidirectional each direction draws numbers of its own" min:"0" max:"1e6"`
	Dropout       float64  `toml:"dropout" needs:"number of layers>1" doc:"probability with which an element of h is left out on the way to the layer above while training; the others are scaled by 1/(1 - dropout)" min:"0" max:"0.99"`
	H0            string   `toml:"h0" needs:"stateful=false" doc:"state that sequences begin with: zero for the rest of the cell, learned for a parameter of each layer, cell.h0, one number for each unit and plane, within the cell's bounds" oneof:"zero|learned"`
	InitFrom      string   `toml:"init_from" doc:"begin with the weights of a file: a run or a checkpoint, or the state dict of a PyTorch module as safetensors; arrays of NumPy as NPZ"`
	InitParts     []string `toml:"init_parts" needs:"init_from!=" doc:"parameters that init_from gives: all, cell, input, recurrent, readout, matrices, or names such as W, readout.bias, *_l1"`
	InitMap       []string `toml:"init_map" needs:"init_from!=" doc:"tensors of init_from for parameters that are not found by their names, each as PARAMETER=TENSOR"`
	Freeze        []string `toml:"freeze" doc:"parameters that are not learned, and do not decay: words and names as for init_parts"`
}

func defaultCellKeys() cellKeys {
	return cellKeys{Hidden: []int{64}, Layers: 1, ReadoutScale: 1, Feedback: "backprop", H0: "zero", InitParts: []string{"all"}}
}

// settings is everything that decides what a run computes: one flat space of keys over the
// command, the cell, its wiring, the task and the engine.
type settings struct {
	config.Set
	run    runKeys
	size   cellKeys
	cell   models.Cell      // nil for a layered network
	layers layered.Settings // nil for recurrent cells
	wiring models.Wiring
	task   data.Config
	opt    engine.Options
	notes  []string    // lines of files that have no effect
	ranks  group.Group // of the job that this process belongs to; nil for one rank
	// written is what file returns where keys name copies of the files that the run was given.
	written []byte
}

// layer is one source of values; a later layer overrules an earlier one.
type layer struct {
	name  string // a file, or "" for the command line
	pairs []config.Pair
	// whole says that it is the file of a run, which holds every key that there was: those that it
	// lacks were added later and have the value with which runs behave as they did before.
	whole bool
}

// resolve finds model and task in the layers, then applies to their defaults the recipe for
// the two and the layers in order.
//
// Errors: a key of the command line that has no effect with the others. Those of files that differ
// from what would be in effect without the file go to notes, since the file of a run holds all keys.
func resolve(layers ...layer) (*settings, error) {
	s := &settings{run: defaultRunKeys(), size: defaultCellKeys(), wiring: models.NewWiring(), opt: engine.DefaultOptions()}
	for _, l := range layers {
		for _, p := range l.pairs {
			if p.Name != "model" && p.Name != "task" {
				continue
			}
			var names config.Set
			if err := names.Add("run", &s.run); err != nil {
				return nil, err
			}
			if err := names.Apply([]config.Pair{p}); err != nil {
				return nil, l.wrap(err)
			}
		}
	}
	model, err := lookupModel(s.run.Model)
	if err != nil {
		return nil, err
	}
	task, err := lookupTask(s.run.Task)
	if err != nil {
		return nil, err
	}
	s.task = task.New()
	type part struct {
		owner string
		ptr   any
	}
	parts := []part{{"run", &s.run}}
	if e, err := layered.Lookup(model.Name); err == nil {
		s.layers = e.New()
		parts = append(parts, part{"model " + model.Name, s.layers})
	} else {
		s.cell = model.New()
		parts = append(parts, part{"recurrent cells", &s.size}, part{"model " + model.Name, s.cell}, part{"wiring", &s.wiring})
	}
	for _, p := range append(parts, part{"task " + task.Name, s.task}, part{"training", &s.opt}) {
		if err := s.Add(p.owner, p.ptr); err != nil && s.layers != nil { // with tasks of several steps, which the model does not read
			return nil, fmt.Errorf("%w: %w; take a task of one step, such as mnist, or a model of recurrent cells", config.ErrConfig, err)
		} else if err != nil {
			return nil, err
		}
	}
	if s.Elsewhere, err = keysOfOthers(model.Name, task.Name); err != nil {
		return nil, err
	}
	s.Facts = map[string]string{"updates": "by gradient", "network": "recurrent", "units": "any", "samples": "generated"}
	if task.FromFiles() {
		s.Facts["samples"] = "from files"
	}
	if _, ok := s.cell.(models.Sized); ok {
		s.Facts["units"] = "those of the model"
	}
	if s.layers != nil {
		s.Facts["network"] = "layered"
	}
	if s.layers != nil && s.layers.Local() {
		s.Facts["updates"] = "by the model's own rule"
	}
	recipe, err := recipeFor(model.Name, task.Name)
	if err != nil {
		return nil, err
	}
	if err := s.Apply(recipe.pairs); err != nil {
		return nil, recipe.wrap(err)
	}
	usual := map[string]string{}
	for _, k := range s.Keys() {
		usual[k.Name] = k.String()
	}
	for _, l := range layers {
		if l.whole {
			if err := s.Apply(s.laterKeys(l)); err != nil {
				return nil, l.wrap(err)
			}
		}
		if err := s.Apply(l.pairs); err != nil {
			return nil, l.wrap(err)
		}
	}
	if err := s.settle(layers); err != nil {
		return nil, err
	}
	s.Facts["connections"] = "all"
	if s.wiring.RecDensity < 1 || s.wiring.RecBetween > 0 {
		s.Facts["connections"] = "drawn"
	}
	s.Facts["number of layers"] = fmt.Sprint(max(s.size.Layers, 1+len(s.size.LayerCells), len(s.size.Hidden)))
	return s, s.checkEffects(layers, usual)
}

// settle sets the keys of the cell that follow from others.
//
// Errors: another value of such a key on the command line. One of a file gives way with a note.
func (s *settings) settle(layers []layer) error {
	cell, ok := s.cell.(models.Settler)
	if !ok {
		return nil
	}
	before := map[string]string{}
	for _, k := range s.Keys() {
		before[k.Name] = k.String()
	}
	why := cell.Settle()
	for _, name := range slices.Sorted(maps.Keys(why)) {
		k, err := s.Lookup(name)
		if err != nil {
			return err
		}
		for _, l := range layers {
			given := slices.ContainsFunc(l.pairs, func(p config.Pair) bool { return p.Name == name })
			switch {
			case !given || before[name] == k.String():
			case l.name == "":
				return fmt.Errorf("%w: key %q is %s, but %s; leave it out, or take %s", config.ErrConfig, name, before[name], why[name], k)
			default:
				s.notes = append(s.notes, fmt.Sprintf("%s: %s = %s gives way to %s: %s", l.name, name, before[name], k, why[name]))
			}
		}
	}
	return nil
}

// laterKeys returns the keys that the file of a run lacks because they were added after it, with the
// values that stand for how the run behaves without them.
func (s *settings) laterKeys(l layer) []config.Pair {
	var list []config.Pair
	for _, k := range s.Keys() {
		there := slices.ContainsFunc(l.pairs, func(p config.Pair) bool { return p.Name == k.Name })
		if k.Before != "" && !there {
			list = append(list, config.Pair{Name: k.Name, Value: config.Text(k.Before)})
		}
	}
	return list
}

// checkEffects looks for keys of the layers that have no effect.
func (s *settings) checkEffects(layers []layer, usual map[string]string) error {
	noted := map[string]bool{}
	for _, l := range layers {
		for _, p := range l.pairs {
			why, err := s.Inert(p.Name)
			if err != nil {
				return l.wrap(err)
			}
			if why == "" {
				continue
			}
			k, err := s.Lookup(p.Name)
			if err != nil {
				return l.wrap(err)
			}
			if l.name == "" {
				return fmt.Errorf("%w: key %q has no effect: %s; leave it out, or set what it needs", config.ErrConfig, p.Name, why)
			}
			if k.String() != usual[p.Name] && !noted[p.Name] {
				noted[p.Name] = true
				s.notes = append(s.notes, fmt.Sprintf("%s: %s = %s has no effect: %s", l.name, p.Name, k, why))
			}
		}
	}
	return nil
}

// keysOfOthers returns the owners of the keys that belong to other models and tasks.
func keysOfOthers(model, task string) (map[string][]string, error) {
	owners := map[string]any{}
	for _, e := range models.All() {
		if e.Name != model {
			owners["model "+e.Name] = e.New()
		}
	}
	for _, e := range layered.All() {
		if e.Name != model {
			owners["model "+e.Name] = e.New()
			continue
		}
		size, wiring := defaultCellKeys(), models.NewWiring()
		owners["recurrent cells"], owners["wiring"] = &size, &wiring
	}
	for _, e := range data.All() {
		if e.Name != task {
			owners["task "+e.Name] = e.New()
		}
	}
	others := map[string][]string{}
	for _, owner := range slices.Sorted(maps.Keys(owners)) {
		keys, err := setting.Keys(owner, owners[owner])
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			others[k.Name] = append(others[k.Name], owner)
		}
	}
	return others, nil
}

// wrap says which file an error is about.
func (l layer) wrap(err error) error {
	if l.name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", l.name, err)
}

// readLayer reads a configuration file.
func readLayer(path string) (layer, error) {
	l := layer{name: path}
	f, err := infile.Open(path)
	if err != nil {
		return l, fmt.Errorf("%w: %w", config.ErrConfig, missingInput(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostConfig))
	if err != nil {
		return l, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	if l.pairs, err = config.Decode(bytes.NewReader(text)); err != nil {
		return l, l.wrap(err)
	}
	if config.Sealed(text) {
		return l, l.takeCopies()
	}
	return l, nil
}

// mostConfig is more bytes than config.Decode takes.
const mostConfig = 1 << 20

// file returns the whole configuration as TOML with a check line, which --config takes.
func (s *settings) file() ([]byte, error) {
	if s.written != nil {
		return s.written, nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Every setting of this run. Repeat it with: galvani train --config config.toml\n# %s\n", thisBuild())
	err := s.Write(&b)
	return config.Seal(b.Bytes()), err
}
