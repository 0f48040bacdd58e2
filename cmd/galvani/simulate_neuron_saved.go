package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/safetensors"
	"galvani/models/neurons"

	"github.com/spf13/pflag"
)

// savedNeuronFormat is the metadata "format" of a saved simulation of a neuron.
const savedNeuronFormat = "galvani neuron 1"

// savedNeuron is a simulation of a neuron between two steps: what it is, its state and its voltages so far.
type savedNeuron struct {
	Neuron   string              `json:"neuron"`
	SHA256   string              `json:"neuron_sha256"`
	Settings map[string][]string `json:"settings"` // by flag
	Length   time.Duration       `json:"for"`      // that was asked for
	// Waves are the SHA-256 of the files of wave forms, by their paths; nil in files from before they were kept.
	Waves map[string]string `json:"waves_sha256,omitempty"`
	trace *neurons.Trace
	was   map[string]string // Waves of the simulation that is resumed
}

// wave keeps what the file of a wave form holds.
//
// Errors: config.ErrConfig for another content than when the simulation that is resumed was begun.
func (s *savedNeuron) wave(path string, text []byte) error {
	sum := sha256.Sum256(text)
	s.Waves[path] = hex.EncodeToString(sum[:])
	if was := s.was[path]; was != "" && was != s.Waves[path] {
		return fmt.Errorf("%w: %s was changed after the simulation was saved; give the file as it was, or begin anew without --resume", config.ErrConfig, path)
	}
	return nil
}

// apartFromSaved are the flags that are not of the simulation itself.
var apartFromSaved = []string{"device", "for", "help", "json", "out", "resume", "save", "sweep"}

// addSaved adds the flags that keep a simulation.
func (f *neuronFlags) addSaved(flags *pflag.FlagSet) {
	flags.StringVar(&f.save, "save", "", "keep the simulation in a `file`, at its end or where it is stopped")
	flags.StringVar(&f.resume, "resume", "", "go on with a simulation that was saved to a `file`, and keep it there")
}

// neuronSHA256 is that of all numbers that a neuron is compiled to.
func neuronSHA256(n *neurons.Neuron) (string, error) {
	c, err := n.Compile(neurons.Options{})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{c.Neuron, c.Values})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// takeSaved has a simulation that is resumed take its settings from its file, and says how one that is saved is told of.
func (f *neuronFlags) takeSaved(flags *pflag.FlagSet, n *neurons.Neuron) (err error) {
	f.now = &savedNeuron{Neuron: n.Name, Settings: map[string][]string{}, Waves: map[string]string{}}
	switch {
	case f.save == "" && f.resume == "":
		return nil
	case f.sweep != "":
		return fmt.Errorf("%w: --save and --resume are for one neuron; leave out --sweep", config.ErrConfig)
	}
	if f.now.SHA256, err = neuronSHA256(n); err != nil {
		return err
	}
	if f.resume != "" {
		if err := f.takeResumed(flags); err != nil {
			return err
		}
	}
	if f.save == "" {
		f.save = f.resume
	} else if err := unused(f.save); err != nil {
		return err
	}
	flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed || slices.Contains(apartFromSaved, flag.Name) {
			return
		}
		f.now.Settings[flag.Name] = listed(flag)
	})
	return nil
}

// listed returns the values of a flag, of which some have several.
func listed(flag *pflag.Flag) []string {
	if many, ok := flag.Value.(pflag.SliceValue); ok {
		return many.GetSlice()
	}
	return []string{flag.Value.String()}
}

// takeResumed reads the file of --resume.
func (f *neuronFlags) takeResumed(flags *pflag.FlagSet) error {
	old := &savedNeuron{trace: &neurons.Trace{}}
	var step int64
	file, err := openSaved(f.resume, savedNeuronFormat, old, &step)
	if err != nil {
		return err
	}
	if old.SHA256 != f.now.SHA256 {
		return fmt.Errorf("%w: --resume %s is of neuron %s as it was, with other numbers than %s has now; begin anew without --resume", config.ErrConfig, f.resume, old.Neuron, f.now.Neuron)
	}
	for name, list := range old.Settings {
		flag := flags.Lookup(name)
		if flag != nil && flag.Changed && slices.EqualFunc(listed(flag), list, sameValue) {
			continue
		}
		if flag == nil || flag.Changed {
			return fmt.Errorf("%w: --%s belongs to the simulation in %s, where it is %q, and cannot change; leave it out", config.ErrConfig, name, f.resume, list)
		}
		for _, value := range list {
			if err := flags.Set(name, value); err != nil {
				return fmt.Errorf("%w: %s: %w", errInput, f.resume, err)
			}
		}
	}
	var extra string
	flags.Visit(func(flag *pflag.Flag) {
		if old.Settings[flag.Name] == nil && !slices.Contains(apartFromSaved, flag.Name) {
			extra = flag.Name
		}
	})
	if extra != "" {
		return fmt.Errorf("%w: --%s is not of the simulation in %s, and cannot change; leave it out", config.ErrConfig, extra, f.resume)
	}
	if !flags.Changed("for") {
		f.length = old.Length
		flags.Lookup("for").Changed = true // also beside a stimulus, which has a length of its own
	}
	if old.trace.State, err = numbers(file, "state", safetensors.Tensor.Float64s); err != nil {
		return err
	}
	if old.trace.V, err = series(file, "v", safetensors.Tensor.Float64s); err != nil {
		return err
	}
	f.now.was = old.Waves
	if len(old.trace.V) == 0 || int64(old.trace.Steps()) != step {
		return fmt.Errorf("%w: %s: the voltages are not those of %d steps", errInput, f.resume, step)
	}
	f.old = old.trace
	return nil
}

// longer refuses to resume a simulation up to where it is already.
func (f *neuronFlags) longer() error {
	if f.old != nil && float64(f.old.Steps()) >= f.steps() {
		return fmt.Errorf("%w: --for is %v, and %s is at %g ms already; give a longer --for", config.ErrConfig, f.length, f.resume, msOf(float64(f.old.Steps()), f.dt))
	}
	return nil
}

// keep saves a simulation, where a file is given.
func (f *neuronFlags) keep(trace *neurons.Trace) error {
	if f.save == "" {
		return nil
	}
	f.now.Length = f.length
	tensors := []safetensors.Tensor{safetensors.Float64("state", []int{len(trace.State)}, trace.State)}
	for k, v := range trace.V {
		tensors = append(tensors, safetensors.Float64(fmt.Sprint("v.", k), []int{len(v)}, v))
	}
	if err := writeSaved(f.save, savedNeuronFormat, f.now, int64(trace.Steps()), tensors); err != nil {
		return fmt.Errorf("--save %s: %w", f.save, err)
	}
	return nil
}

// stopped saves what there is of a simulation that does not come to its end, and says how to go on.
func (f *neuronFlags) stopped(cause error, trace *neurons.Trace, name string) error {
	if f.save == "" {
		return fmt.Errorf("%w; nothing is saved, as there was no --save FILE", cause)
	}
	if err := f.keep(trace); err != nil {
		return err
	}
	return fmt.Errorf("%w; %g of %g ms are saved; go on with: galvani simulate %s --resume %s", cause, msOf(float64(trace.Steps()), f.dt), msOf(f.steps(), f.dt), word(name), word(f.save))
}
