package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/group"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/sparse"
	"galvani/models/circuits"
	"galvani/models/description"
	"galvani/models/rates"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const simulateDoc = `Simulate a network of spiking neurons, or a neuron of compartments with ion channels.

Of a network, built in (galvani networks list) or of a file: the rate of each population and how regular its
spikes are, the mean coefficient of variation (CV) of the intervals of units with at least three spikes, 1 for a
Poisson process; and of counts of spikes in windows (--window) the mean Fano factor, variance over mean, and the mean
correlation (Pearson's) of two units whose counts vary. The spikes are the same on any number of threads; their SHA-256 is part of --json, of rate units that
of their rates at the end. --out NAME
writes NAME.csv with the columns time_ms,population,unit, NAME.npz with arrays POPULATION.time_ms and POPULATION.unit,
and NAME.png and NAME.svg, the spikes of the first units of each population; NAME-rates.csv, .png and .svg, the rates by window; of a network that records currents (a record with
the key currents) NAME-currents.csv, .png and .svg, the input of each synapse and their sum; of a network that records voltages NAME-voltages.csv, too. Of weights that change (networks
plasticity) NAME-weights.npz holds the source, the target and the weight of each synapse at the end, NAME-weights.png
and .svg their histogram, and NAME-weights.csv mean and standard deviation in time, where the network records them.
Of rate units the rates told are those at the end; of voltages NAME-unit-rates.csv takes the place. The settings of a network are flags, as --n here; --sweep makes a simulation for each of some values of one, and
--out then writes the rates as a table and a picture.

Under mpirun or srun (make mpi) each process steps a part of every population, and the spikes are the same again:
mpirun -n 4 galvani simulate balanced. Each draws and keeps the connections to its part alone, and rank 0 writes all files.

--save FILE keeps the simulation in a file: every 10 seconds (--save-every), at the end, and when it is stopped by
Ctrl-C or SIGTERM. --resume FILE goes on with it up to the length that was asked for, or to a longer one (--for),
on the same device or another or on other processes, and the report, spikes and files are those of a simulation without a stop.
Connections that do not fit into the memory are not kept: on a CPU those by probability or mean in-degree with weights that
stay are drawn again in each step (--storage), others of the same distribution. A network that does not fit so either is
refused before it is drawn. The file is one of safetensors: POPULATION.plane.N are
the variables of a neuron (galvani neurons show), POPULATION.current.N the currents of its synapses. --set "e.V=-60" or
--set "e.V[0:10]=-60" sets a variable, or the current of a synapse by its name, before the first step or before a
simulation goes on, and --set "i-to-e.weight=-20" weights that change; galvani networks state FILE shows them.

Of a neuron, built in (galvani neurons list) or of a file: its spikes, upward crossings of a potential that
are interpolated between steps, and its voltages, with a picture of them in runs/. --out NAME writes them as NAME.csv
and NAME.npz, and their picture as NAME.png and NAME.svg. --current "step 10 100:600" puts a current of 10 into the first input from
100 to 600 ms; galvani neurons show tells the unit of an input, for hh µA/cm². --save keeps the simulation at its
end, or where it is stopped. Neurons without a dendrite, lif, eif and adex, spike where V reaches the threshold and
is reset; their numbers are flags.

--stimulus shows the eye of a neuron with inputs by facets (lgmd, lgmd-rake) a dark disc: loom, recede,
translate, or scrambled, a loom whose facets have changed places. The disc has the half-size l and the speed
v, --l-over-v says l/|v| in ms. Told is when the firing rate peaks relative to the collision.

  galvani simulate balanced --n 5000 --for 2s --out balanced
  galvani simulate balanced --for 60s --save long.safetensors
  galvani simulate balanced --resume long.safetensors --for 120s
  galvani simulate balanced --sweep r_x=5:20:16 --out rates
  galvani simulate hh --current "step 10 100:600" --out hh
  galvani simulate lif --current "step 20 100:600" --tau-m 10 --t-ref 2
  galvani simulate lgmd-rake --stimulus loom --l-over-v 40 --out loom
  galvani simulate my-neuron.toml --for 1s --json
  galvani simulate my-network.toml --for 2s --out my-network`

// simulateFlags are those of simulate; each network has its own besides.
type simulateFlags struct {
	length time.Duration
	step   float64
	seed   uint64
	run    runKeys
	out    string
	save   string
	resume string
	every  time.Duration // between saves
	sweep  string
	set    []string
	// storage is one of storages, empty for auto.
	storage string
	window  time.Duration // that spikes are counted in
	// rateLimit is the largest rate of a population in Hz, 0 for any.
	rateLimit float64
	ranks     group.Group
	network   *circuits.Network
	old       *saved            // of resume
	file      *safetensors.File // that it was read from
}

// simulation is what simulate tells.
type simulation struct {
	Network      string                      `json:"network"`
	Settings     map[string]any              `json:"settings"`
	Device       string                      `json:"device"`
	Ranks        int                         `json:"ranks,omitempty"` // that it was spread over, if several
	Seed         uint64                      `json:"seed"`
	StepMs       float64                     `json:"step_ms"`
	Milliseconds float64                     `json:"ms"`
	Seconds      float64                     `json:"wall_seconds"`
	Synapses     int                         `json:"synapses"` // expected, of those that are not stored
	Storage      string                      `json:"storage"`
	Populations  map[string]analysis.Spiking `json:"populations"`
	Weights      []plasticReport             `json:"weights,omitempty"` // of projections whose weights change
	WindowMs     float64                     `json:"window_ms"`         // of the counts that Fano factors and correlations are of
	SHA256       string                      `json:"sha256"`
	Notes        []string                    `json:"notes,omitempty"` // on what of the sources came to nothing
	names        []string
	windows      analysis.Windows
	now          float64 // milliseconds of this start
}

func newSimulate() *cobra.Command {
	c := newGroup("simulate", "Simulate a network of spiking neurons, or a neuron with ion channels")
	c.Long = simulateDoc
	simulateFile(c)
	return c
}

// addNeurons adds the commands of the neurons that are built in.
func addNeurons(group *cobra.Command) {
	for _, b := range briefNeurons() {
		group.AddCommand(newSimulateNeuron(b))
	}
	for _, h := range pointNeurons() {
		group.AddCommand(newSimulatePoint(h))
	}
}

// newSimulateNetwork makes the command of a network, which is named on the command line by a name or a file.
func newSimulateNetwork(network *circuits.Network, name string) *cobra.Command {
	var asJSON bool
	f := simulateFlags{run: runKeys{Device: "cpu", Backend: "auto", Precision: "fp32"}, ranks: group.Alone{}, network: network}
	set := networkSettings{keys: network.Keys}
	c := &cobra.Command{Use: network.Name, Short: network.Doc, Long: network.Doc + "\n\nSource: " + dash(network.Source), Args: exactArgs(),
		PreRunE: func(c *cobra.Command, _ []string) error {
			if f.ranks = ranksOf(c.Context()); f.ranks.Rank() > 0 {
				f.out = "" // rank 0 writes
			}
			if err := f.takeSaved(name, c.Flags()); err != nil {
				return err
			}
			if err := set.take(c.Flags()); err != nil {
				return err
			}
			return cmp.Or(f.check(), f.checkWindow(), f.sweptOnce(c.Flags()))
		},
		RunE: func(c *cobra.Command, _ []string) error {
			r := simulation{Network: network.Name, Settings: set.values(), Seed: f.seed, StepMs: f.step}
			now := &saved{Network: name, Settings: map[string]string{savedStep: c.Flag(description.StepKey).Value.String(), "seed": c.Flag("seed").Value.String()}, Length: f.length}
			if isFile(name) {
				now.File = network.SHA256()
			}
			for _, k := range network.Keys {
				now.Settings[k.Flag()] = k.String()
			}
			if err := f.agree(now); err != nil {
				return err
			}
			ctx, cancel := interruptible(c.Context())
			defer cancel()
			if f.sweep != "" {
				s, err := f.sweepNetwork(ctx, network.Keys, r, set.values, c.ErrOrStderr())
				if err != nil {
					return err
				}
				return report(c, asJSON, s, func(p *printer) { p.networkSweep(s) })
			}
			if err := f.simulate(ctx, now, &r, c.ErrOrStderr()); err != nil {
				return err
			}
			return report(c, asJSON, r, func(p *printer) { p.simulation(r) })
		}}
	jsonFlag(c, &asJSON)
	flags := onRanks(c).Flags()
	set.add(flags)
	f.add(flags, "simulated time")
	flags.StringVar(&f.out, "out", "", "`name` of the files to write, without ending")
	flags.StringVar(&f.save, "save", "", "keep the simulation in a `file`")
	flags.DurationVar(&f.every, "save-every", 10*time.Second, "time of computing between two saves")
	flags.StringVar(&f.sweep, "sweep", "", "simulate the network for values of a setting: `NAME=LO:HI:COUNT`, e.g. n=500:2000:4")
	flags.DurationVar(&f.window, "window", 100*time.Millisecond, "time in which spikes are counted, for rates by window, Fano factors and correlations")
	flags.Float64Var(&f.rateLimit, "rate-limit", 1000, "stop where a population fires above this rate (Hz) for 20 ms, 0 for never")
	flags.StringArrayVar(&f.set, "set", nil, "set variables or synapses of a population before the first step: `POPULATION.NAME[FIRST:END]=NUMBER`, may be repeated")
	flags.StringVar(&f.storage, "storage", autoStorage, "how connections are kept: stored, procedural (drawn again in each step), or auto, procedural where they do not fit into the memory")
	flags.StringVar(&f.resume, "resume", "", "go on with a simulation that was saved to a `file`, and keep it there")
	offer(c, "storage", func() []string { return storages })
	return c
}

// stepName takes --step for --dt, as the step of a network was called before, and is in files of simulations.
func stepName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == savedStep {
		name = description.StepKey
	}
	return pflag.NormalizedName(name)
}

// savedStep is what files of simulations call the length of a step.
const savedStep = "step"

// add adds the flags of whatever simulates the network; length says what --for is.
func (f *simulateFlags) add(flags *pflag.FlagSet, length string) {
	flags.DurationVar(&f.length, "for", time.Second, length)
	flags.SetNormalizeFunc(stepName)
	flags.Float64Var(&f.step, description.StepKey, f.network.Step, "length of a step (ms)")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the network and its sources")
	flags.StringVar(&f.run.Device, "device", "cpu", "where to compute: auto, cpu, cuda or cuda:n")
	flags.IntVar(&f.run.Threads, "threads", 0, "threads on the CPU, 0 for as many as pay")
}

// mostSteps is the most steps of one simulation.
const mostSteps = 1 << 30

func (f *simulateFlags) checkStep() error {
	if !(f.step > 0 && f.step <= 1000) {
		return fmt.Errorf("%w: --dt is %v ms, want more than 0 and at most 1000", config.ErrConfig, f.step)
	}
	return nil
}

func (f *simulateFlags) check() error {
	if err := f.checkStep(); err != nil {
		return err
	}
	if f.every < 0 {
		return fmt.Errorf("%w: --save-every is %v, want 0s or more", config.ErrConfig, f.every)
	}
	if n := f.steps(); !(n >= 1 && n <= mostSteps) {
		return fmt.Errorf("%w: --for is %v, which is %.3g steps of %v ms, want 1 to %d", config.ErrConfig, f.length, n, f.step, mostSteps)
	}
	if err := errors.Join(checkStorage(f.storage), outFolder(f.out)); err != nil {
		return err
	}
	if err := outFolder(f.save); err != nil && f.ranks.Rank() == 0 { // which writes it
		return fmt.Errorf("--save %s: %w", f.save, err)
	}
	return nil
}

func (f *simulateFlags) steps() float64 {
	return math.Round(float64(f.length) / float64(time.Millisecond) / f.step)
}

// simulate runs a network, from its start or from where it was saved, and fills in the report.
func (f *simulateFlags) simulate(ctx context.Context, now *saved, r *simulation, stderr io.Writer) error {
	net, err := f.network.Blueprint(f.step)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	near := localityOf(f.ranks)
	var p place // none of rate units, which the host steps
	switch d := f.run.Device; {
	case !net.Rates():
		if p, err = chooseKernels(f.run, near); err != nil {
			return err
		}
		defer p.close()
	case d != "cpu" && d != "auto":
		return fmt.Errorf("%w: --device is %s, and rate units are stepped by the host; leave it out", config.ErrConfig, d)
	}
	storage, err := f.fit(net, p.dev, near, stderr)
	if err != nil {
		return err
	}
	if r.Storage = storage; now.Settings != nil {
		now.Settings["storage"] = storage
	}
	circuit, err := net.DrawOn(f.seed, f.ranks)
	if errors.Is(err, sparse.ErrShape) {
		err = fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	if err != nil {
		return err
	}
	plan, err := rates.NewCircuit(p.dev, circuit)
	if errors.Is(err, kernels.ErrShape) {
		err = fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	if err != nil {
		return err
	}
	if f.old != nil {
		if err := f.old.restore(f.file, circuit); err != nil {
			return fmt.Errorf("%s: %w", f.resume, err)
		}
		if err := plan.SetState(f.old.state); err != nil {
			return fmt.Errorf("%w: %s: %w", errInput, f.resume, err)
		}
		now.spikes, now.v, now.weights, now.currents, now.rates = f.old.spikes, f.old.v, f.old.weights, f.old.currents, f.old.rates
	}
	if err := f.setState(net, plan); err != nil {
		return err
	}
	begin := time.Now()
	if err := f.stretches(ctx, plan, sampler{net, circuit}, now, stderr); err != nil {
		return err
	}
	r.Device, r.Milliseconds, r.Seconds = p.device, msOf(f.steps(), f.step), time.Since(begin).Seconds()
	r.now = r.Milliseconds
	if n := f.ranks.Size(); n > 1 {
		r.Ranks = n
	}
	if f.old != nil {
		r.now -= float64(f.old.state.Step) * f.step
	}
	r.count(circuit, now.spikes)
	r.countWindows(f, circuit, now.spikes)
	r.unused(net, int64(f.steps()))
	r.countRates(f, plan, circuit, now.rates)
	if f.save == "" && len(circuit.Plastic()) > 0 { // keep has left the state otherwise
		if now.state, err = plan.State(); err != nil {
			return err
		}
	}
	var changed learned
	if f.ranks.Rank() == 0 { // which tells and writes
		draw := func(i int) (*sparse.Matrix, []float64, error) { return net.Entries(i, circuit.Seed) }
		if changed, err = learnedWeights(net, circuit, now.state, f.out != "", draw); err != nil {
			return err
		}
		r.Weights = changed.reports
	}
	if err := f.write(net, circuit, changed, now); err != nil || f.out == "" {
		return err
	}
	if err := f.writeCurrents(net, now.currents); err != nil {
		return err
	}
	return f.writeRates(circuit, r.windows)
}

// stretchSteps is how many steps are done without a look at the signals: as many as a device does at once.
const stretchSteps = 256

// stretches goes on in stretches, between which it may be stopped and is saved.
func (f *simulateFlags) stretches(ctx context.Context, plan kernels.CircuitPlan, look sampler, now *saved, stderr io.Writer) error {
	done, total := 0, int(f.steps())
	if f.old != nil {
		done = int(f.old.state.Step)
	} else if err := look.look(plan, 0, now); err != nil {
		return err
	}
	now.reserve(len(look.c.Probes), total-done)
	if err := f.keep(plan, now); err != nil { // before any work that could be lost
		return err
	}
	bar := newBar(stderr)
	defer bar.clear()
	seen := redrawn(stderr)
	watch := rateWatch{most: f.rateLimit}
	for last := time.Now(); done < total; {
		if seen {
			bar.draw(float64(done)/float64(total), fmt.Sprintf("%.0f ms", float64(done)*f.step), fmt.Sprintf("%d spikes", len(now.spikes)))
		}
		stop, due, err := f.vote(ctx, time.Since(last) > f.every)
		if err != nil {
			return err
		}
		if stop {
			return f.stopped(cmp.Or(context.Cause(ctx), errAsked), plan, now)
		}
		if due {
			if err := f.keep(plan, now); err != nil {
				return err
			}
			last = time.Now()
		}
		n := min(stretchSteps, look.next(done, total)-done)
		record, err := plan.Run(n)
		if err != nil {
			return err
		}
		now.add(record)
		done += n
		if err := watch.look(look.c, record.Spikes, n, done); err != nil {
			return err
		}
		if err := look.look(plan, done, now); err != nil {
			return err
		}
	}
	return f.keep(plan, now)
}

// count fills in what the populations did.
func (r *simulation) count(c *kernels.Circuit, spikes []kernels.Spike) {
	r.Populations = map[string]analysis.Spiking{}
	for k, did := range analysis.SpikesOf(c, spikes, r.Milliseconds) {
		name := c.Populations[k].Name
		if c.Populations[k].Unrecorded {
			continue
		}
		r.names, r.Populations[name] = append(r.names, name), did
	}
	for _, p := range c.Projections {
		if c.Populations[p.From].Header != kernels.Events { // which are of a drive
			r.Synapses += p.Len()
			if p.Drawn != nil {
				r.Synapses += int(math.Round(p.Drawn.Expected))
			}
		}
	}
	hash := sha256.New()
	var b []byte
	for _, s := range spikes {
		b = binary.LittleEndian.AppendUint64(b[:0], uint64(s.Step))
		b = binary.LittleEndian.AppendUint64(b, uint64(s.Population))
		b = binary.LittleEndian.AppendUint64(b, uint64(s.Unit))
		hash.Write(b)
	}
	r.SHA256 = hex.EncodeToString(hash.Sum(nil))
}

func (p *printer) simulation(r simulation) {
	settings, _ := json.Marshal(r.Settings) // numbers and words
	p.title("%s %s, seed %d, %v ms in steps of %v ms", r.Network, settings, r.Seed, r.Milliseconds, r.StepMs)
	where := r.Device
	if r.Ranks > 1 {
		where += fmt.Sprintf(" on each of %d ranks", r.Ranks)
	}
	synapses := fmt.Sprint(r.Synapses, " synapses")
	if r.Storage == procedural {
		synapses = "about " + synapses + ", drawn again in each step"
	}
	p.line("%s; %s; %.3g s, %.3g times real time", where, synapses, r.Seconds, r.now/1000/r.Seconds)
	rows := make([][]string, 0, len(r.names))
	for _, name := range r.names {
		s := r.Populations[name]
		row := []string{name, fmt.Sprint(s.N), fmt.Sprint(s.Spikes), fmt.Sprintf("%.3f", s.RateHz), cvText(s, "-"), "-", "-"}
		if s.Fano != nil {
			row[5] = fmt.Sprintf("%.2f", *s.Fano)
		}
		if s.Correlation != nil {
			row[6] = fmt.Sprintf("%.4f", *s.Correlation)
		}
		rows = append(rows, row)
	}
	p.table([]string{"POPULATION", "UNITS", "SPIKES", "RATE Hz", "CV", "FANO", "CORRELATION"}, rows)
	p.plasticWeights(r.Weights)
	p.notes("Of the sources", r.Notes)
}
