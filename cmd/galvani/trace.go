package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/data"
	"galvani/engine/safetensors"

	"github.com/spf13/cobra"
)

const traceDoc = `Run one batch through a trained network, forward and backward, without an update, and write a
safetensors file, or with --to one of the other formats of galvani export that holds arrays (npz, csv, matlab):

  x [T,B,I]        the input
  y                class labels, or values for a regression; with a target at every step its shape
                   begins with T and B, otherwise with B
  weight           of each target in the loss, 0 where it does not count
  mask [T,B]       for tasks with sequences of several lengths: 1 within a sequence, 0 behind its
                   end, where the step leaves every state as it is; for steps of several lengths the
                   length of each in time steps, which models with irregular = true use
  h [T,B,H]        the output of the cell after each step, plane 0 of its state, from the start state
                   (galvani models show): the rate r for rate and the conductance models; of several
                   layers that of the last, and before it h_l0, h_l1 and so on of those below
  state.NAME       each plane of the state behind h, [T,B,H], such as state.c of an lstm; of layers
                   below the last state.NAME_l0 and so on
  logits, loss     of the read-out; the loss is the weighted mean over the targets of the batch
                   (galvani tasks show)
  grad.NAME        derivative of the loss by each learned parameter as it is stored, not clipped
  weights.NAME     what acts: every parameter with signs and masks applied, and what is made of
                   them (galvani export --help)

The batch is the first of the test set, or that of --input, a file with x and y of any length T, and
where they are wanted weight and mask. Numbers have to be finite.`

// traceReport is what trace tells.
type traceReport struct {
	savedHead
	Device    string         `json:"device"`
	Backend   string         `json:"backend"`
	Sequences int            `json:"sequences"`
	Steps     int            `json:"steps"` // of each sequence
	File      string         `json:"file"`
	Tensors   []tensorReport `json:"tensors"`
}

func newTrace() *cobra.Command {
	var f savedFlags
	var out, in, to string
	var asJSON bool
	formats := exportNames[:slices.Index(exportNames, "onnx")] // which is a network
	c := &cobra.Command{Use: "trace RUN --out FILE", Short: "Write one batch's states, logits, loss and gradients",
		Long: traceDoc, Args: exactArgs("RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return fmt.Errorf("%w: galvani trace needs --out FILE", errUsage)
			}
			if err := checkFormat(to, formats); err != nil {
				return err
			}
			j, state, err := f.open(args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			defer j.close()
			b, err := j.traceBatch(in)
			if err != nil {
				return err
			}
			tensors, err := j.trace(b)
			if err != nil {
				return err
			}
			about := map[string]string{"model": j.network().Name(), "task": j.task.Name, "checkpoint": state.Path,
				"device": j.place.String(), "version": thisBuild().String()}
			if err := writeFile(out, func(w io.Writer) error { return exportFormats[to](w, tensors, about) }); err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), traceReport{savedHead: headOf(args[0], state, j.network().Name(), j.task.Name), Device: j.place.device, Backend: j.place.backend, Sequences: b.B, Steps: b.T, File: out,
					Tensors: tensorReports(tensors)})
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "%d tensors of %d sequences are in %s\n", len(tensors), b.B, out)
			return err
		}}
	jsonFlag(c, &asJSON)
	f.add(c.Flags())
	c.Flags().StringVar(&out, "out", "", "`file` to write")
	c.Flags().StringVar(&to, "to", "safetensors", "`format`: "+strings.Join(formats, ", "))
	c.Flags().StringVar(&in, "input", "", "NPZ or safetensors `file` with x and y")
	return c
}

// trace returns what a batch does in the network, and the weights that act there.
func (j *job) trace(b *data.Batch) ([]safetensors.Tensor, error) {
	tensors, err := j.session.Trace(b)
	if err != nil {
		return nil, err
	}
	if j.net == nil {
		return tensors, nil // whose weights act as they are stored
	}
	acting, err := analysis.Acting(j.net, j.subject().Stored())
	if err != nil {
		return nil, err
	}
	for _, t := range acting {
		t.Name = "weights." + t.Name
		tensors = append(tensors, t)
	}
	return tensors, nil
}

// traceBatch returns the batch of a file, or the first of the test set.
func (j *job) traceBatch(path string) (*data.Batch, error) {
	if path == "" {
		return j.session.Batch(j.task.Test, min(j.opt.Batch, j.task.Test.Len()))
	}
	f, err := openTensors(path)
	if errors.Is(err, safetensors.ErrCorrupt) {
		return nil, fmt.Errorf("--input: %w; want an NPZ or a safetensors file, as numpy.savez and safetensors.numpy.save_file write", err)
	}
	if err != nil {
		return nil, missingInput(err)
	}
	b, err := readBatch(j.task, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}
