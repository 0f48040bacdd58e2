package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/matfile"
	"galvani/engine/npz"
	"galvani/engine/onnx"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models"
	"galvani/models/layered"

	"github.com/spf13/cobra"
)

const exportDoc = `Write the weights that act in a trained network to a file. Checkpoints hold parameters as they
are stored: with Dale's law the sign of a stored weight means nothing, and values stand where there
is no connection. Here signs and masks are applied, so that a reader needs no rule:

  cell.*, readout.*   every parameter, learned or fixed, under its own name and in its shape;
                      matrices are W[post,pre]
  cell.|W|A           cond-varying: weights of the conductance, |W| times A; with --a-shape type
                      cell.|W|A for E and cell.|W|A_I for I units, whose sum acts
  cell.tau_s, tau_r   rate: time constants that are learned, in time steps

Parameters of the layers above the first end in _l1, _l2 and so on.

With --masks, and in every checkpoint of a network with Dale's law or masks, there are also
wiring.mask [H,H], 1 where unit i (row) receives from unit j (column), wiring.mask_l1 of the next layer; wiring.sign [H], 1 for
units that excite and -1 for units that inhibit; wiring.readout [H], 1 for units that the read-out
sees. The leak on the diagonal of crnn-simple is no connection and not part of the mask.

Formats: safetensors; npz, for numpy.load; csv, one table with the columns tensor,row,column,value,
in which element i of a vector has row i and column 0, and rows of arrays of more dimensions count all but the last; matlab, a .mat file of level 5 for MATLAB, Octave and
scipy.io.loadmat, in whose names every sign but letters and digits is '_'; onnx, for onnxruntime and others, of rnn, irnn,
lstm, gru and mlp: not the weights alone but the network, which takes x [T,B,I] of sequences of one length and gives
logits [T,B,O] at every step and h [T,B,H] of the last layer, that of mlp x [B,I] and logits [B,O].

rnn, irnn, lstm and gru have the names, shapes and order of gates of PyTorch. A module with
cell = torch.nn.LSTM(I, H), GRU(I, H), RNN(I, H) for rnn, or RNN(I, H, nonlinearity="relu") for
irnn, with num_layers=L for a run with --layers L, and readout = torch.nn.Linear(H, O) takes the exported safetensors file with
load_state_dict(..., strict=True), with any wiring, as long as --masks is not given; a layer alone
takes the part that begins with "cell.", without that prefix. A run with --bidirectional is bidirectional=True there, and
Linear(2*H, O) of both h_n of the last layer. (cell.h0 of a run with h0 learned is no parameter
there: take it out, and pass its columns as the first state.) For sequences of one length
x [T,B,I] from a zero state it gives the same h and logits to rounding. A checkpoint itself fits
only without Dale's law and masks, and holds the state of the optimiser too.

  galvani export RUN                          RUN/weights.safetensors, of the best checkpoint
  galvani export RUN --to npz --out w.npz
  galvani export RUN --to csv --checkpoint last`

// exportFlags is the command line of export.
type exportFlags struct {
	checkpoint, to, out string
	masks               bool
}

// exportFormats are the formats with what writes them.
var exportFormats = map[string]func(w io.Writer, tensors []safetensors.Tensor, about map[string]string) error{
	"safetensors": safetensors.Write,
	"npz": func(w io.Writer, tensors []safetensors.Tensor, _ map[string]string) error {
		return npz.Write(w, tensors)
	},
	"matlab": func(w io.Writer, tensors []safetensors.Tensor, _ map[string]string) error {
		return matfile.Write(w, tensors)
	},
	"onnx": func(w io.Writer, tensors []safetensors.Tensor, about map[string]string) error {
		return onnx.Write(w, about["model"], tensors, about)
	},
	"csv": func(w io.Writer, tensors []safetensors.Tensor, _ map[string]string) error {
		return writeTable(w, tensors)
	},
}

// exportNames are the formats in the order in which they are told.
var exportNames = []string{"safetensors", "npz", "csv", "matlab", "onnx"}

// tensorReport names a tensor of a file.
type tensorReport struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
}

func tensorReports(tensors []safetensors.Tensor) []tensorReport {
	list := make([]tensorReport, len(tensors))
	for i, t := range tensors {
		list[i] = tensorReport{t.Name, string(t.DType), append([]int{}, t.Shape...)}
	}
	return list
}

// exportReport is what export tells.
type exportReport struct {
	savedHead
	Format  string         `json:"format"`
	File    string         `json:"file"`
	Tensors []tensorReport `json:"tensors"`
}

func newExport() *cobra.Command {
	var f exportFlags
	c := reporting(&cobra.Command{Use: "export RUN", Short: "Write the weights that act in a trained network", Long: exportDoc, Args: exactArgs("RUN"),
		PreRunE: func(*cobra.Command, []string) error { return f.check() }},
		func(c *cobra.Command, args []string) (exportReport, error) { return f.export(args[0], c.ErrOrStderr()) },
		func(p *printer, r exportReport) {
			p.title("%s on %s", r.Model, r.Task)
			p.line("checkpoint  %s (step %d)", r.Checkpoint, r.Step)
			p.line("file        %s", r.File)
			p.line("")
			tabulate(p, r.Tensors, []string{"TENSOR", "TYPE", "SHAPE"}, func(t tensorReport) []string {
				return []string{t.Name, t.Type, fmt.Sprint(t.Shape)}
			})
		})
	c.Flags().StringVar(&f.to, "to", "safetensors", "`format`: safetensors, npz, csv, matlab or onnx")
	c.Flags().StringVar(&f.out, "out", "", "`file` to write; RUN/weights with the ending of the format, if empty")
	c.Flags().StringVar(&f.checkpoint, "checkpoint", "best", "which checkpoint: best, last or a `file`")
	c.Flags().BoolVar(&f.masks, "masks", false, "write masks and signs too")
	return c
}

func (f *exportFlags) check() error {
	return checkFormat(f.to, exportNames)
}

// checkFormat refuses a format that is none of some.
func checkFormat(name string, of []string) error {
	if !slices.Contains(of, name) {
		return fmt.Errorf("%w: --to is %q, want one of %s", config.ErrConfig, name, strings.Join(of, ", "))
	}
	return nil
}

// export writes the file. It needs neither a device nor the data set of the run.
func (f *exportFlags) export(dir string, stderr io.Writer) (r exportReport, err error) {
	run, err := rundir.View(dir)
	if err != nil {
		return r, err
	}
	state, err := (&savedFlags{checkpoint: f.checkpoint}).state(run, stderr)
	if err != nil {
		return r, err
	}
	s, err := savedSettings(run, state, layer{})
	if err != nil {
		return r, fmt.Errorf("%s: %w", state.Path, err)
	}
	if f.to == "onnx" && (len(s.size.LayerCells) > 0 || s.size.LayerNorm || s.size.Bidirectional) {
		return r, fmt.Errorf("layer_cells, layer_norm and bidirectional: %w; take another format", onnx.ErrModel)
	}
	tensors, err := f.tensors(s, state)
	if err != nil {
		return r, err
	}
	r = exportReport{savedHead: headOf(dir, state, state.Model, state.Task), Format: f.to,
		File: f.out, Tensors: tensorReports(tensors)}
	if r.File == "" {
		ending := f.to
		if ending == "matlab" {
			ending = "mat"
		}
		r.File = filepath.Join(dir, "weights."+ending)
	}
	about := map[string]string{"model": state.Model, "task": state.Task, "checkpoint": state.Path, "step": fmt.Sprint(state.Step),
		"holds": "weights that act", "version": thisBuild().String()}
	if m, ok := s.layers.(*layered.MLP); ok {
		about["activation"] = m.Activation
	}
	return r, writeFile(r.File, func(w io.Writer) error { return exportFormats[f.to](w, tensors, about) })
}

// tensors returns the weights that act in the network of a checkpoint; those of a layered network are the
// parameters as they are stored.
func (f *exportFlags) tensors(s *settings, state *rundir.State) ([]safetensors.Tensor, error) {
	if s.layers != nil {
		return layeredTensors(s, state)
	}
	net, stored, err := savedNetwork(s, state)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", state.Path, err)
	}
	tensors, err := analysis.Acting(net, stored)
	if err == nil && f.masks {
		tensors = append(tensors, analysis.Constants(net)...)
	}
	return tensors, err
}

// layeredTensors returns the parameters of a layered network, with the sizes of its checkpoint.
func layeredTensors(s *settings, state *rundir.State) (list []safetensors.Tensor, err error) {
	inputs, outputs := 1, 1
	if t, ok := state.Tensor("layer1.weight"); ok && len(t.Shape) == 2 {
		inputs = t.Shape[1]
	}
	if t, ok := state.Tensor(fmt.Sprintf("layer%d.weight", len(*s.layers.Layers())+1)); ok {
		outputs = t.Shape[0]
	}
	net, err := s.layers.Bind(s.run.Model, inputs, outputs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	stored, err := storedAs(net.Specs(), state)
	for i, spec := range net.Specs() {
		if err == nil {
			list = append(list, safetensors.Float32(spec.Name, spec.Shape, stored[i]))
		}
	}
	return list, err
}

// savedNetwork returns the network of recurrent cells of a checkpoint with its parameters as they are stored.
// Its sizes are those of the tensors.
func savedNetwork(s *settings, state *rundir.State) (*models.Network, [][]float32, error) {
	d := models.Dims{I: 1, H: s.size.Hidden[0], O: 1}
	if t, ok := state.Tensor("readout.weight"); ok && len(t.Shape) == 2 {
		d.O = t.Shape[0]
	}
	net, err := s.bind(d)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	first := slices.IndexFunc(net.Specs(), func(spec kernels.Spec) bool { return strings.HasSuffix(spec.Letters, " I") })
	if t, ok := state.Tensor(net.Specs()[first].Name); ok && len(t.Shape) == 2 {
		d.I = t.Shape[1]
	}
	if net, err = s.bind(d); err != nil {
		return nil, nil, err
	}
	stored, err := storedAs(net.Specs(), state)
	return net, stored, err
}

// storedAs returns the parameters of a table as a checkpoint holds them.
func storedAs(specs []kernels.Spec, state *rundir.State) (stored [][]float32, err error) {
	for _, spec := range specs {
		t, ok := state.Tensor(spec.Name)
		if !ok || !slices.Equal(t.Shape, spec.Shape) {
			return nil, fmt.Errorf("%s is %v, want %v: %w", spec.Name, t.Shape, spec.Shape, errNetwork)
		}
		v, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errNetwork)
		}
		stored = append(stored, v)
	}
	return stored, nil
}

// errNetwork means that a checkpoint is of another network than the configuration of its run.
var errNetwork = errors.New("the checkpoint does not fit the run's config.toml")

// writeTable writes tensors as one table.
func writeTable(w io.Writer, tensors []safetensors.Tensor) error {
	b := bufio.NewWriter(w)
	b.WriteString("tensor,row,column,value\n") // errors are kept until Flush
	var line []byte
	for _, t := range tensors {
		columns := 1
		if n := len(t.Shape); n > 1 {
			columns = max(1, t.Shape[n-1])
		}
		for i, x := range t.Numbers() {
			line = append(append(line[:0], t.Name...), ',')
			line = append(strconv.AppendInt(line, int64(i/columns), 10), ',')
			line = append(strconv.AppendInt(line, int64(i%columns), 10), ',')
			line = append(strconv.AppendFloat(line, x, 'g', -1, 32), '\n')
			b.Write(line)
		}
	}
	return b.Flush()
}
