package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/safetensors"
	"galvani/kernels"

	"github.com/spf13/pflag"
)

// savedFormat is the metadata "format" of a saved simulation.
const savedFormat = "galvani simulation 1"

// saved is a simulation between two steps: what it is, the state of its circuit and its spikes so far.
type saved struct {
	Network  string            `json:"network"`
	Settings map[string]string `json:"settings"`              // by flag
	Length   time.Duration     `json:"for"`                   // that was asked for
	File     string            `json:"file_sha256,omitempty"` // of the network's file, where it is not built in
	state    *kernels.CircuitState
	spikes   []kernels.Spike
	v        [][]float32 // of the probes, after each step
	weights  [][]float64 // mean and standard deviation of those that are recorded, in turn
	currents [][]float64 // of the synapses that are recorded and of constant currents, in turn
	rates    [][]float64 // mean of each population of a network of rate units, each ms
}

// reserve takes the memory of the potentials of so many probes in further steps, which would double where they grow.
func (s *saved) reserve(probes, steps int) {
	for len(s.v) < probes {
		s.v = append(s.v, nil)
	}
	for i := range s.v {
		s.v[i] = slices.Grow(s.v[i], steps)
	}
}

// add adds what a stretch of steps left.
func (s *saved) add(r kernels.CircuitRecord) {
	s.spikes = append(s.spikes, r.Spikes...)
	for i, v := range r.V {
		s.v[i] = append(s.v[i], v...)
	}
}

// write writes a simulation as a safetensors file, so that at any moment the old file or the new one is
// there. The state of population e is in e.plane.N, e.current.N and e.due.N (kernels.PopulationState), that of
// plastic projection N in plastic.weights.N, plastic.source.N and plastic.target.N (kernels.PlasticState).
func (s *saved) write(path string) error {
	return writeSaved(path, savedFormat, s, s.state.Step, s.tensors())
}

// writeSaved writes a simulation that is at a step: what it is, as JSON, and its numbers.
func writeSaved(path, format string, run any, step int64, tensors []safetensors.Tensor) error {
	var data bytes.Buffer
	for _, t := range safetensors.Layout(tensors) {
		data.Write(t.Data)
	}
	text, err := json.Marshal(run)
	if err != nil {
		return err
	}
	about := map[string]string{"format": format, "run": string(text), "step": strconv.FormatInt(step, 10)}
	about["sha256"] = savedHash(about, data.Bytes())
	return writeFile(path, func(w io.Writer) error { return safetensors.Write(w, tensors, about) })
}

// savedHash returns the SHA-256 of the data and of what is said about it.
func savedHash(about map[string]string, data []byte) string {
	about = maps.Clone(about)
	delete(about, "sha256")
	head, _ := json.Marshal(about) // words
	h := sha256.New()
	h.Write(head)
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// tensors returns the numbers of a simulation.
func (s *saved) tensors() (all []safetensors.Tensor) {
	for _, p := range s.state.Populations {
		for _, part := range stateParts(&p) {
			for k, a := range *part.arrays {
				all = append(all, safetensors.Float32(fmt.Sprintf("%s.%s.%d", p.Name, part.name, k), []int{len(a)}, a))
			}
		}
	}
	for _, p := range s.state.Plastic {
		for _, part := range plasticParts(&p) {
			all = append(all, safetensors.Float32(fmt.Sprintf("plastic.%s.%d", part.name, p.Projection), []int{len(*part.array)}, *part.array))
		}
	}
	for i, w := range s.weights {
		all = append(all, safetensors.Float64(fmt.Sprint("weights.", i), []int{len(w)}, w))
	}
	for i, c := range s.currents {
		all = append(all, safetensors.Float64(fmt.Sprint("currents.", i), []int{len(c)}, c))
	}
	for i, r := range s.rates {
		all = append(all, safetensors.Float64(fmt.Sprint("rates.", i), []int{len(r)}, r))
	}
	n := len(s.spikes)
	step, population, unit := make([]int64, n), make([]int32, n), make([]int32, n)
	for i, q := range s.spikes {
		step[i], population[i], unit[i] = q.Step, int32(q.Population), int32(q.Unit)
	}
	for i, v := range s.v {
		all = append(all, safetensors.Float32(fmt.Sprint("v.", i), []int{len(v)}, v))
	}
	return append(all, safetensors.Int64("spikes.step", []int{n}, step), safetensors.Int32("spikes.population", []int{n}, population),
		safetensors.Int32("spikes.unit", []int{n}, unit))
}

// statePart is one kind of arrays of a population.
type statePart struct {
	name   string
	arrays *[][]float32
}

func stateParts(p *kernels.PopulationState) []statePart {
	return []statePart{{"plane", &p.Planes}, {"current", &p.Currents}, {"due", &p.Due}}
}

// plasticPart is an array of a plastic projection.
type plasticPart struct {
	name  string
	array *[]float32
}

func plasticParts(p *kernels.PlasticState) []plasticPart {
	return []plasticPart{{"weights", &p.Weights}, {"source", &p.Source}, {"target", &p.Target}}
}

// readSaved reads what a simulation of a network is and keeps the rest for restore.
//
// Errors: those of openSaved.
func readSaved(path string) (*saved, *safetensors.File, error) {
	s := &saved{state: &kernels.CircuitState{}}
	f, err := openSaved(path, savedFormat, s, &s.state.Step)
	return s, f, err
}

// openSaved opens what writeSaved wrote.
//
// Errors: those of safetensors.Open, errInput for a file of another format, safetensors.ErrCorrupt for one that was changed.
func openSaved(path, format string, run any, step *int64) (*safetensors.File, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, missingInput(err)
	}
	return f, checkSaved(f, path, format, run, step)
}

// checkSaved fills in what a file says of a simulation.
func checkSaved(f *safetensors.File, path, format string, run any, step *int64) (err error) {
	if is := f.Metadata["format"]; is != format {
		what := "no simulation"
		if is == savedFormat || is == savedNeuronFormat {
			what = map[string]string{savedFormat: "a network", savedNeuronFormat: "a neuron"}[is]
		}
		return fmt.Errorf("%w: %s holds %s; give a file that galvani simulate --save wrote of what is simulated", errInput, path, what)
	}
	*step, err = strconv.ParseInt(f.Metadata["step"], 10, 64)
	if f.Metadata["sha256"] != savedHash(f.Metadata, f.Data) || err != nil || json.Unmarshal([]byte(f.Metadata["run"]), run) != nil {
		return fmt.Errorf("%w: %s was changed after it was saved; resume another one", safetensors.ErrCorrupt, path)
	}
	return nil
}

// restore fills in the state and the spikes for a circuit from the file.
//
// Errors: errInput for a file of another circuit.
func (s *saved) restore(f *safetensors.File, c *kernels.Circuit) error {
	for _, p := range c.Populations {
		q := kernels.PopulationState{Name: p.Name}
		for _, part := range stateParts(&q) {
			var err error
			if *part.arrays, err = series(f, p.Name+"."+part.name, safetensors.Tensor.Float32s); err != nil {
				return err
			}
		}
		s.state.Populations = append(s.state.Populations, q)
	}
	for _, i := range c.Plastic() {
		q := kernels.PlasticState{Projection: i}
		for _, part := range plasticParts(&q) {
			var err error
			if *part.array, err = numbers(f, fmt.Sprintf("plastic.%s.%d", part.name, i), safetensors.Tensor.Float32s); err != nil {
				return err
			}
		}
		s.state.Plastic = append(s.state.Plastic, q)
	}
	var err error
	if s.weights, err = series(f, "weights", safetensors.Tensor.Float64s); err != nil {
		return err
	}
	if s.currents, err = series(f, "currents", safetensors.Tensor.Float64s); err != nil {
		return err
	}
	if s.rates, err = series(f, "rates", safetensors.Tensor.Float64s); err != nil {
		return err
	}
	if s.v, err = series(f, "v", safetensors.Tensor.Float32s); err != nil {
		return err
	}
	if len(s.v) != len(c.Probes) || slices.ContainsFunc(s.v, func(v []float32) bool { return int64(len(v)) != s.state.Step }) {
		return fmt.Errorf("%w: the voltages are not those of %d units in %d steps", errInput, len(c.Probes), s.state.Step)
	}
	step, errS := numbers(f, "spikes.step", safetensors.Tensor.Int64s)
	population, errP := numbers(f, "spikes.population", safetensors.Tensor.Int32s)
	unit, errU := numbers(f, "spikes.unit", safetensors.Tensor.Int32s)
	if err := errors.Join(errS, errP, errU); err != nil {
		return err
	}
	for i := range step {
		if i >= len(population) || i >= len(unit) || int(population[i]) >= len(c.Populations) || population[i] < 0 {
			return fmt.Errorf("%w: spike %d is of a population that the network has not", errInput, i)
		}
		s.spikes = append(s.spikes, kernels.Spike{Step: step[i], Population: int(population[i]), Unit: int(unit[i])})
	}
	return nil
}

// series returns the elements of the tensors NAME.0, NAME.1, and so on, as many as there are.
func series[E any](f *safetensors.File, name string, elements func(safetensors.Tensor) ([]E, error)) (all [][]E, err error) {
	for k := 0; ; k++ {
		one := fmt.Sprintf("%s.%d", name, k)
		if _, ok := f.Tensor(one); !ok {
			return all, nil
		}
		a, err := numbers(f, one, elements)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
}

// numbers returns the elements of a tensor.
func numbers[E any](f *safetensors.File, name string, elements func(safetensors.Tensor) ([]E, error)) ([]E, error) {
	t, _ := f.Tensor(name)
	a, err := elements(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errInput, name, err)
	}
	return a, nil
}

// unused refuses a file to save to that is there already, where rank 0 is, which writes it.
func (f *simulateFlags) unused() error {
	if f.ranks.Rank() > 0 {
		return nil
	}
	return unused(f.save)
}

func unused(path string) error {
	if _, err := os.Lstat(path); path != "" && err == nil {
		return fmt.Errorf("%w: --save %s is there already; go on with it by --resume %s, or give another name", config.ErrConfig, path, path)
	}
	return nil
}

// keep saves the simulation, where a file is given.
func (f *simulateFlags) keep(plan kernels.CircuitPlan, now *saved) (err error) {
	if f.save == "" {
		return nil
	}
	if now.state, err = plan.State(); err != nil || f.ranks.Rank() > 0 {
		return err
	}
	if err := now.write(f.save); err != nil {
		return fmt.Errorf("--save %s: %w", f.save, err)
	}
	return nil
}

// stopped saves a simulation that does not come to its end, and says how to go on.
func (f *simulateFlags) stopped(cause error, plan kernels.CircuitPlan, now *saved) error {
	if f.save == "" {
		if f.sweep != "" {
			return fmt.Errorf("%w; nothing is saved of a sweep", cause)
		}
		return fmt.Errorf("%w; nothing is saved, as there was no --save FILE", cause)
	}
	if err := f.keep(plan, now); err != nil {
		return err
	}
	return fmt.Errorf("%w; %v of %v ms are saved; go on with: galvani simulate %s --resume %s",
		cause, msOf(float64(now.state.Step), f.step), msOf(f.steps(), f.step), word(now.Network), word(f.save))
}

// takeSaved has a simulation that is resumed take its settings from its file.
func (f *simulateFlags) takeSaved(network string, flags *pflag.FlagSet) (err error) {
	if err := agree(f.ranks, fmt.Sprintf("--resume %q", f.resume)); err != nil {
		return err
	}
	if f.resume == "" {
		return f.unused()
	}
	if f.old, f.file, err = f.readResumed(); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--resume %s: %w; begin by --save %[1]s", f.resume, err)
	}
	if err != nil {
		return err
	}
	switch {
	case isFile(network) && f.old.File == f.network.SHA256(): // under any name
	case isFile(network) && isFile(f.old.Network):
		return fmt.Errorf("%w: %s was changed after the simulation in %s was saved; give the file as it was, or begin anew without --resume",
			config.ErrConfig, network, f.resume)
	case f.old.Network != network:
		return fmt.Errorf("%w: --resume %s is of network %s; go on with: galvani simulate %[3]s --resume %[2]s", config.ErrConfig, f.resume, f.old.Network)
	}
	if _, told := f.old.Settings["storage"]; !told { // of a file from before there was another
		f.old.Settings["storage"] = storedEntries
	}
	for name, value := range f.old.Settings {
		flag := flags.Lookup(name)
		if flag == nil || flag.Changed && !sameValue(flag.Value.String(), value) {
			if flag != nil {
				name = flag.Name
			}
			return fmt.Errorf("%w: --%s belongs to the simulation in %s, where it is %s, and cannot change; leave it out", config.ErrConfig, name, f.resume, value)
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%w: %s: %w", errInput, f.resume, err)
		}
	}
	if !flags.Changed("for") {
		f.length = f.old.Length
	}
	if done := float64(f.old.state.Step); done >= f.steps() {
		return fmt.Errorf("%w: --for is %v, and %s is at %v ms already; give a longer --for", config.ErrConfig, f.length, f.resume, msOf(done, f.step))
	}
	if f.save == "" {
		f.save = f.resume
		return nil
	}
	return f.unused()
}

// sameValue reports whether two texts are one value, alike or as numbers.
func sameValue(a, b string) bool {
	x, bad := strconv.ParseFloat(a, 64)
	y, wrong := strconv.ParseFloat(b, 64)
	return a == b || bad == nil && wrong == nil && x == y
}
