package main

import (
	"fmt"

	"galvani/data"
	"galvani/engine/safetensors"

	"github.com/spf13/cobra"
)

func newTrace() *cobra.Command {
	var f savedFlags
	var out, in string
	c := &cobra.Command{Use: "trace RUN --out FILE", Short: "Write one batch's states, logits, loss and gradients",
		Long: `Run one batch through a trained network and write a safetensors file: x [T,B,I], y, weight,
h [T,B,H], logits, loss, and grad.<param> for every learned parameter. The batch is the first
of the test set, or x [T,B,I] and y of --input: class labels, or values for a regression; with
a target at every step y begins with T and B, otherwise with B.`,
		Args: exactArgs("RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" {
				return fmt.Errorf("%w: galvani trace needs --out FILE", errUsage)
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
			tensors, err := j.session.Trace(b)
			if err != nil {
				return err
			}
			about := map[string]string{"model": j.net.Name(), "task": j.task.Name, "checkpoint": state.Path,
				"device": j.place.String(), "version": thisBuild().String()}
			if err := writeTensors(out, tensors, about); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "%d tensors of %d sequences are in %s\n", len(tensors), b.B, out)
			return err
		}}
	f.add(c.Flags())
	c.Flags().StringVar(&out, "out", "", "`file` to write")
	c.Flags().StringVar(&in, "input", "", "safetensors `file` with x and y")
	return c
}

// traceBatch returns the batch of a file, or the first of the test set.
func (j *job) traceBatch(path string) (*data.Batch, error) {
	if path == "" {
		return j.session.Batch(j.task.Test, min(j.opt.Batch, j.task.Test.Len()))
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, missingInput(err)
	}
	b, err := readBatch(j.task, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}
