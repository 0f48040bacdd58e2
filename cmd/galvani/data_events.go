package main

import (
	"fmt"
	"io"

	"galvani/data"

	"github.com/spf13/cobra"
)

// eventFlags is the command line of data events.
type eventFlags struct {
	dataDir, out string
	train        bool
	sample       int
	seed         uint64
	thresholds   []float64
	stepMs       float64
}

// eventReport is what data events tells.
type eventReport struct {
	Task   string  `json:"task"`
	Sample int     `json:"sample"`
	Set    string  `json:"set"` // train or test
	StepMs float64 `json:"step_ms"`
	Events int     `json:"events"`
	Values int     `json:"values"` // numbers of the frames
	File   string  `json:"file"`
}

func newDataEvents() *cobra.Command {
	var f eventFlags
	var asJSON bool
	c := &cobra.Command{Use: "events TASK --out FILE", Short: "Write the changes of a task's sample as a table of events",
		Long: `Turn the frames of one sample into events and write them as a table with the header
time_ms,unit,weight. An input sends an event when it has moved by the threshold, or by several, from
the level that it sent last, beginning at 0; the weight is their number. Unit i is input i going up,
unit I+i input i going down. Keys of the task have their defaults.`,
		Args: exactArgs("TASK"), ValidArgsFunction: completeNames(data.Names),
		RunE: func(c *cobra.Command, args []string) error {
			if f.out == "" {
				return fmt.Errorf("%w: galvani data events needs --out FILE", errUsage)
			}
			events, frames, err := f.encode(args[0])
			if err != nil {
				return err
			}
			if err := writeFile(f.out, func(w io.Writer) error { return data.WriteEventCSV(w, events) }); err != nil {
				return err
			}
			if asJSON {
				r := eventReport{Task: args[0], Sample: f.sample, Set: "test", StepMs: f.stepMs, Events: len(events), Values: frames, File: f.out}
				if f.train {
					r.Set = "train"
				}
				return writeJSON(c.OutOrStdout(), r)
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "%d events of %d numbers are in %s\n", len(events), frames, f.out)
			return err
		}}
	jsonFlag(c, &asJSON)
	dataDirFlag(c, &f.dataDir)
	fs := c.Flags()
	fs.StringVar(&f.out, "out", "", "`file` to write")
	fs.BoolVar(&f.train, "train", false, "take the sample from the training set, not the test set")
	fs.IntVar(&f.sample, "sample", 0, "number of the sample, from 0")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of generated tasks")
	fs.Float64SliceVar(&f.thresholds, "threshold", []float64{0.1}, "`change` that is sent: one, or one for each input, with commas")
	fs.Float64Var(&f.stepMs, "step-ms", 1, "length of a frame in the table, ms")
	return c
}

// encode returns the events of the sample and how many numbers its frames hold.
func (f *eventFlags) encode(name string) ([]data.Event, int, error) {
	entry, err := lookupTask(name)
	if err != nil {
		return nil, 0, err
	}
	task, err := entry.New().Open(data.Env{Dir: dataFolder(f.dataDir), Seed: f.seed})
	if err != nil {
		return nil, 0, err
	}
	set := task.Test
	if f.train {
		set = task.Train
	}
	if f.sample < 0 || f.sample >= set.Len() {
		return nil, 0, fmt.Errorf("%w: --sample is %d, want 0 to %d", errUsage, f.sample, set.Len()-1)
	}
	if !(f.stepMs > 0 && f.stepMs < 1e9) {
		return nil, 0, fmt.Errorf("%w: --step-ms is %v, want a number above 0 and below 1e9", errUsage, f.stepMs)
	}
	encoder, err := data.NewChanges(task.I, f.thresholds...)
	if err != nil {
		return nil, 0, fmt.Errorf("--threshold: %w", err)
	}
	b := data.NewBatch(task, 1)
	if err := set.Fill(b, 0, 0, f.sample); err != nil {
		return nil, 0, err
	}
	x := b.X
	for t, m := range b.Mask {
		if m == 0 { // behind the end of the sequence
			x = x[:t*task.I]
			break
		}
	}
	return encoder.Events(x, f.stepMs), len(x), nil
}
