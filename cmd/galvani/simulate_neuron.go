package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/infile"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
	"gorgonia.org/tensor"
)

// neuronFlags are those of simulate with a neuron.
type neuronFlags struct {
	length    time.Duration
	dt        float64
	second    bool
	current   []string
	events    []string
	precision string
	run       runKeys
	out       string
	sweep     string
	seen      seen
	seed      uint64
	noise     bool
	asJSON    bool
	save      string
	resume    string
	now       *savedNeuron   // what is saved
	old       *neurons.Trace // of resume, nil for none
}

// neuronTrace is what simulate tells of a neuron.
type neuronTrace struct {
	Neuron       string            `json:"neuron"`
	Inputs       map[string]string `json:"inputs"` // what was put into each
	Device       string            `json:"device"`
	Precision    string            `json:"precision"`
	DtMs         float64           `json:"dt_ms"`
	Milliseconds float64           `json:"ms"`
	Seconds      float64           `json:"wall_seconds"`
	Compartments int               `json:"compartments"`
	Places       []string          `json:"places"`
	Stimulus     *seen             `json:"stimulus,omitempty"`
	Spikes       [][]float64       `json:"spikes"` // ms, of each neuron
	VEnd         []float64         `json:"v_end"`  // mV, of each place
	VMin         []float64         `json:"v_min"`
	VMax         []float64         `json:"v_max"`
	Notes        []string          `json:"notes"`
	Sweep        *sweep            `json:"sweep,omitempty"` // spikes are then of each value
	trace        *neurons.Trace
	shape        string
	picture      string // where it is
	reset        bool   // V is reset at a spike, so that no trace shows it
}

// neuronPrecisions are the values of --precision.
var neuronPrecisions = []string{"auto", "fp32", "fp64"}

// addInput adds the flags that say what drives a neuron, and for how long.
func (f *neuronFlags) addInput(c *cobra.Command) {
	f.addCurrent(c)
	c.Flags().StringArrayVar(&f.events, "events", nil, "events of an input with a receptor, `NAME=T1,T2,...` in ms")
	f.precision = neuronPrecisions[0]
	f.addStimulus(c)
	c.Flags().Lookup("for").Usage = "simulated time; where it is not given, of a stimulus up to half a second behind the collision"
}

// addCurrent adds the flags of whatever takes a current.
func (f *neuronFlags) addCurrent(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&f.current, "current", nil, "current of an input, `WAVE` for the first or NAME=WAVE: "+neurons.WaveForms)
	flags.DurationVar(&f.length, "for", 700*time.Millisecond, "simulated time")
	flags.Float64Var(&f.dt, "dt", 0, "length of a step (ms), 0 for that of the neuron")
	jsonFlag(c, &f.asJSON)
}

func (f *neuronFlags) add(c *cobra.Command) {
	f.addInput(c)
	flags := c.Flags()
	flags.BoolVar(&f.second, "second-order", false, "steps of second order: the trapezoidal rule, with gates half a step behind; what synapses conduct is that at the beginning of a step, as in NEURON, and of first order")
	flags.StringVar(&f.precision, "precision", "auto", "fp32, fp64 or auto, which is fp64 on a CPU")
	flags.StringVar(&f.run.Device, "device", "cpu", "where to compute: auto, cpu, cuda or cuda:n")
	flags.StringVar(&f.out, "out", "", "`name` of the files to write, without ending")
	f.addSaved(flags)
	flags.StringVar(&f.sweep, "sweep", "", "many neurons side by side, with a number of neurons show between two values in its unit: `NAME=LO:HI:COUNT`")
	if err := c.RegisterFlagCompletionFunc("precision", cobra.FixedCompletions(neuronPrecisions, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // of a flag that is not there
	}
}

// newSimulateNeuron makes the command of a built-in neuron.
func newSimulateNeuron(b brief) *cobra.Command {
	f := &neuronFlags{}
	c := &cobra.Command{Use: b.Name, Short: b.Doc, Long: b.Doc + "\n\nSource: " + b.Source, Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error { return f.simulate(c, b.Name) }}
	f.add(c)
	return c
}

// simulateFile lets the group take the file of a neuron in the place of a command.
func simulateFile(group *cobra.Command) {
	f := &neuronFlags{}
	group.Use = "simulate NAME|FILE.toml"
	group.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 1 && strings.HasSuffix(args[0], ".toml") {
			return nil
		}
		if len(args) == 1 {
			if err := bareMorphology(args[0]); err != nil {
				return err
			}
		}
		return noSuchCommand(c, args)
	}
	group.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return f.simulate(c, args[0])
	}
	group.ValidArgsFunction = completeNeurons
	f.add(group)
}

// simulate runs a neuron and tells what it did.
func (f *neuronFlags) simulate(c *cobra.Command, name string) error {
	n, err := loadNeuron(name)
	if err != nil {
		return err
	}
	r := neuronTrace{Neuron: n.Name, Compartments: n.Compartments(), Notes: append([]string{}, n.Notes...), shape: n.Shape()}
	if err := f.takeSaved(c.Flags(), n); err != nil {
		return err
	}
	if f.dt == 0 {
		f.dt = n.Dt
	}
	if err := f.seen.settle(c, n, &f.length); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := stepFits(n, f.dt); err != nil {
		return err
	}
	if err := f.longer(); err != nil {
		return err
	}
	if err := errors.Join(outFolder(f.out), outFolder(f.save)); err != nil {
		return err
	}
	stimulus, err := f.stimulus(n, &r)
	if err != nil {
		return err
	}
	if f.sweep != "" {
		if r.Sweep, err = parseSweep(f.sweep, n, f.steps()); err != nil {
			return err
		}
	}
	ctx, cancel := interruptible(c.Context())
	defer cancel()
	if err := f.compute(ctx, n, name, stimulus, &r, c.ErrOrStderr()); err != nil {
		return err
	}
	if s := r.Sweep; s != nil {
		r.Spikes = s.sum(n, s.traces)
		if err := s.write(f, n, &r); err != nil {
			return err
		}
		return report(c, f.asJSON, r, func(p *printer) { p.sweep(r) })
	}
	r.Spikes = [][]float64{n.Spikes(r.trace)}
	if r.Stimulus != nil {
		r.Stimulus.judge(r.Spikes[0])
	}
	if err := f.write(n, &r); err != nil {
		return err
	}
	return report(c, f.asJSON, r, func(p *printer) { p.neuronTrace(n, r) })
}

// stepFits refuses a --dt that is no step, 0 for none, or one with which spikes of a neuron are not followed.
func stepFits(n *neurons.Neuron, dt float64) error {
	if dt != 0 && !(dt >= 1e-6 && dt <= 1000) {
		return fmt.Errorf("%w: --dt is %v ms, want 1e-6 to 1000", config.ErrConfig, dt)
	}
	if most, gate := n.LongestStep(); dt > most {
		return fmt.Errorf("%w: --dt is %v ms, too long for gate %s of %s, as V is held while gates move; want at most %.3g ms", config.ErrConfig, dt, gate, n.Name, most)
	}
	return nil
}

// mostNeuronSteps is the most steps of one simulation, whose trace is kept in memory.
const mostNeuronSteps = 1 << 22

func (f *neuronFlags) steps() float64 {
	return math.Round(float64(f.length) / float64(time.Millisecond) / f.dt)
}

func (f *neuronFlags) check() error {
	if !(f.dt >= 1e-6 && f.dt <= 1000) {
		return fmt.Errorf("%w: --dt is %v ms, want 1e-6 to 1000", config.ErrConfig, f.dt)
	}
	if n := f.steps(); !(n >= 1 && n <= mostNeuronSteps) {
		return fmt.Errorf("%w: --for is %v, which is %.3g steps of %v ms, want 1 to %d", config.ErrConfig, f.length, n, f.dt, mostNeuronSteps)
	}
	if !slices.Contains(neuronPrecisions, f.precision) {
		return fmt.Errorf("%w: --precision is %q, want auto, fp32 or fp64", config.ErrConfig, f.precision)
	}
	return nil
}

// stimulus reads --current and --events.
func (f *neuronFlags) stimulus(n *neurons.Neuron, r *neuronTrace) (neurons.Stimulus, error) {
	s := neurons.Stimulus{Waves: map[int]neurons.Wave{}, Events: map[int][]neurons.Event{}}
	r.Inputs = map[string]string{}
	for _, text := range f.current {
		name, wave, named := strings.Cut(text, "=")
		if !named {
			name, wave = "", text
		}
		i, err := f.input(n, "--current", strings.TrimSpace(name), false)
		if err != nil {
			return s, err
		}
		if s.Waves[i] != nil {
			return s, fmt.Errorf("%w: --current: input %s has two wave forms; add them in one, as \"step 10 0:50 + step 5 20:30\"", config.ErrConfig, n.Inputs[i].Name)
		}
		if s.Waves[i], err = neurons.ParseWave(wave, n.One(i), f.readWave); err != nil {
			return s, fmt.Errorf("%w: --current: %w", config.ErrConfig, missingInput(err))
		}
		r.Inputs[n.Inputs[i].Name] = strings.TrimSpace(wave) + ", 1 is " + n.Inputs[i].Per
	}
	lists := map[int][]string{} // of times, by input
	for _, text := range f.events {
		name, list, named := strings.Cut(text, "=")
		if !named {
			return s, fmt.Errorf("%w: --events is %q, want NAME=T1,T2,... with times in ms", config.ErrConfig, setting.Shorten(text))
		}
		i, err := f.input(n, "--events", strings.TrimSpace(name), true)
		if err != nil {
			return s, err
		}
		for part := range strings.SplitSeq(list, ",") {
			ms, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
			if err != nil || !(ms >= 0 && ms < 1e12) {
				return s, fmt.Errorf("%w: --events: %q is no time in ms, want 0 or more", config.ErrConfig, setting.Shorten(part))
			}
			s.Events[i] = append(s.Events[i], neurons.Events(ms)...)
		}
		lists[i] = append(lists[i], list)
		r.Inputs[n.Inputs[i].Name] = "events at " + strings.Join(lists[i], ",") + " ms, 1 is " + n.Inputs[i].Per
	}
	ms := f.steps() * f.dt
	f.unused(n, s, r)
	if f.noise {
		n.Babble(&s, ms, f.seed)
	}
	if f.seen.Kind != "" {
		r.Stimulus = &f.seen
	}
	return s, f.seen.show(n, &s, ms, f.seed)
}

// unused tells beside the inputs what of them comes to nothing: events that arrive behind the end, and waves that are 0
// until then.
func (f *neuronFlags) unused(n *neurons.Neuron, s neurons.Stimulus, r *neuronTrace) {
	steps := int(f.steps())
	for i, in := range n.Inputs {
		late := 0
		for _, e := range s.Events[i] {
			if e.Ms+in.Delay >= float64(steps)*f.dt {
				late++
			}
		}
		if late > 0 {
			r.Inputs[in.Name] += fmt.Sprintf("; %d of %d arrive after the end at %g ms", late, len(s.Events[i]), msOf(f.steps(), f.dt))
		}
		if w := s.Waves[i]; w != nil {
			acts := false
			for k := 0; k < steps && !acts; k++ {
				acts = w((float64(k)+0.5)*f.dt) != 0
			}
			if !acts {
				r.Inputs[in.Name] += fmt.Sprintf("; it is 0 in all of these %g ms", msOf(f.steps(), f.dt))
			}
		}
	}
}

// readWave reads the file of a wave form, and keeps what a simulation that is resumed knows it by.
func (f *neuronFlags) readWave(path string) ([]byte, error) {
	text, err := infile.Read(path)
	if err == nil && f.now != nil {
		err = f.now.wave(path, text)
	}
	return text, err
}

// input finds the input of a name, the first of its kind for an empty one.
func (f *neuronFlags) input(n *neurons.Neuron, flag, name string, synaptic bool) (int, error) {
	var known []string
	for i, in := range n.Inputs {
		if (in.Receptor >= 0) != synaptic {
			continue
		}
		if in.Name == name || name == "" {
			return i, nil
		}
		known = append(known, in.Name)
	}
	kind := "current"
	if synaptic {
		kind = "receptor"
	}
	if len(known) == 0 {
		return 0, fmt.Errorf("%w: %s: neuron %s has no input with a %s; add an [[input]] to its file", config.ErrConfig, flag, n.Name, kind)
	}
	return 0, fmt.Errorf("%w: %s: %s", config.ErrConfig, flag, setting.Unknown("input", name, known))
}

// compute runs the neuron on the device that is asked for.
func (f *neuronFlags) compute(ctx context.Context, n *neurons.Neuron, name string, in neurons.Stimulus, r *neuronTrace, stderr io.Writer) error {
	run := f.run
	run.Backend, run.Precision, run.Threads = "auto", "fp32", 1
	if r.Sweep != nil {
		run.Threads = 0
	}
	p, err := chooseKernels(run, locality{})
	if err != nil {
		return err
	}
	defer p.close()
	dtype := tensor.Float32
	_, resident := p.dev.(kernels.Resident)
	if r.Precision = "fp32"; f.precision == "fp64" || f.precision == "auto" && !resident {
		r.Precision, dtype = "fp64", tensor.Float64
	}
	if resident && dtype == tensor.Float64 {
		return fmt.Errorf("%w: --precision is fp64, which the CPU has; use --device cpu", config.ErrConfig)
	}
	bar := newBar(stderr)
	defer bar.clear()
	seen := redrawn(stderr)
	steps := int(f.steps())
	begin := time.Now()
	o, progress := neurons.Options{Dt: f.dt, Second: f.second}, func(done int) {
		if seen {
			bar.draw(float64(done)/float64(steps), fmt.Sprintf("%.0f ms", float64(done)*f.dt))
		}
	}
	if s := r.Sweep; s != nil {
		s.traces, err = n.Sweep(ctx, p.dev, dtype, o, s.Name, s.numbers, steps, in, progress)
	} else {
		r.trace, err = n.Resume(ctx, p.dev, dtype, o, f.old, steps, in, progress)
	}
	if err != nil && ctx.Err() != nil {
		return f.stopped(err, r.trace, name)
	}
	if err == nil {
		err = f.keep(r.trace)
	}
	if err != nil {
		return err
	}
	r.Device, r.DtMs, r.Milliseconds, r.Seconds = p.device, f.dt, msOf(float64(steps), f.dt), time.Since(begin).Seconds()
	if r.Sweep != nil {
		r.trace = r.Sweep.traces[0]
	}
	r.ranges()
	return nil
}

// ranges fills in where V was.
func (r *neuronTrace) ranges() {
	r.Places, r.VEnd = r.trace.Places, r.trace.End()
	for _, v := range r.trace.V {
		r.VMin, r.VMax = append(r.VMin, slices.Min(v)), append(r.VMax, slices.Max(v))
	}
}

// shownSpikes is how many spike times are printed.
const shownSpikes = 12

func (p *printer) neuronTrace(n *neurons.Neuron, r neuronTrace) {
	p.title("%s, %g ms in steps of %g ms", r.Neuron, r.Milliseconds, r.DtMs)
	p.line("%s, %s; %s; %.3g s, %.3g times real time", r.Device, r.Precision, r.shape, r.Seconds, r.Milliseconds/1000/r.Seconds)
	for _, name := range slices.Sorted(maps.Keys(r.Inputs)) {
		p.line("input %s: %s", name, r.Inputs[name])
	}
	p.paragraph("", r.spikeText(n))
	if r.Stimulus != nil {
		p.paragraph("", r.Stimulus.text())
	}
	rows := make([][]string, len(r.Places))
	for i, name := range r.Places {
		rows[i] = []string{name, fmt.Sprintf("%.4f", r.VEnd[i]), fmt.Sprintf("%.4f", r.VMin[i]), fmt.Sprintf("%.4f", r.VMax[i])}
	}
	p.table([]string{"PLACE", "V AT THE END mV", "LEAST", "MOST"}, rows)
	p.notes("Assumed of the morphology", r.Notes)
	p.where(r)
}

// where says where the picture is.
func (p *printer) where(r neuronTrace) {
	if r.picture != "" {
		p.paragraph("", r.picture)
	}
}

// spikeText says how many spikes there were, when, and their mean interval.
func (r neuronTrace) spikeText(n *neurons.Neuron) string {
	times := r.Spikes[0]
	if !r.reset && !n.Fires() {
		return "no spikes: no channel has a gate, so that the membrane is passive"
	}
	text := fmt.Sprintf("%d spikes at %s, where V crosses %g mV upwards", len(times), r.Places[0], n.Threshold)
	if r.reset {
		text = fmt.Sprintf("%d spikes, where V reaches %g mV and is reset", len(times), n.Threshold)
	}
	if len(times) == 1 {
		text = strings.Replace(text, "spikes", "spike", 1)
	}
	if len(times) == 0 {
		return text
	}
	var list []string
	for _, ms := range times[:min(len(times), shownSpikes)] {
		list = append(list, fmt.Sprintf("%.3f", ms))
	}
	if len(times) > shownSpikes {
		list = append(list, "...")
	}
	text += ": " + strings.Join(list, " ") + " ms"
	if many := len(times) - 1; many > 0 {
		text += fmt.Sprintf("; mean interval %.4f ms", (times[many]-times[0])/float64(many))
	}
	return text
}
