package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"galvani/engine"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"

	"github.com/google/go-cmp/cmp"
)

// traced returns the tensors of a trace of a run.
func traced(t *testing.T, dir string) map[string]safetensors.Tensor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	galvani(t, "trace", dir, "--out", path).ok(t)
	return tensorsOf(t, path)
}

// TestExport holds that the formats hold the same numbers, that these are what a trace says acts,
// and that signs and masks are applied to them.
func TestExport(t *testing.T) {
	dir := trialRun(t, "gru", "--dale", "--rec-density", "0.5", "--ei-ratio", "0.5")
	folder := t.TempDir()
	r := told[exportReport](t, "export", dir, "--out", filepath.Join(folder, "w"), "--masks")
	acts := tensorsOf(t, r.File)
	if len(r.Tensors) != len(acts) || r.Format != "safetensors" || r.Step == 0 || r.Model != "gru" {
		t.Errorf("report %+v of %d tensors", r, len(acts))
	}
	trace := traced(t, dir)
	for name, x := range acts {
		if strings.HasPrefix(name, "wiring.") {
			continue
		}
		want := trace["weights."+name]
		want.Name = name
		if d := cmp.Diff(want, x); d != "" {
			t.Errorf("%s differs from the trace:\n%.300s", name, d)
		}
	}
	const h = 8
	mask, sign, seen := acts["wiring.mask"].Numbers(), acts["wiring.sign"].Numbers(), acts["wiring.readout"].Numbers()
	none := 0
	for e, w := range acts["cell.weight_hh_l0"].Numbers() {
		i, j := e/h%h, e%h
		if mask[i*h+j] == 0 {
			none++
		}
		if w*sign[j] < 0 || mask[i*h+j] == 0 && w != 0 || i == j && mask[i*h+j] != 0 {
			t.Errorf("weight of unit %d on unit %d is %v, with mask %v and sign %v", j, i, w, mask[i*h+j], sign[j])
		}
	}
	for e, w := range acts["readout.weight"].Numbers() {
		if j := e % h; seen[j] == 0 && w != 0 || (seen[j] == 1) != (sign[j] == 1) {
			t.Errorf("read-out of unit %d is %v, seen %v", j, w, seen[j])
		}
	}
	if none < 3*h || none == 3*h*h || slices.Max(sign) != 1 || slices.Min(sign) != -1 {
		t.Errorf("%d weights are masked, signs %v", none, sign)
	}
	compareTable(t, dir, acts)
	compareArchive(t, dir, acts)
	galvani(t, "export", dir).ok(t)
	if x := tensorsOf(t, filepath.Join(dir, "weights.safetensors")); len(x) != 6 {
		t.Errorf("%d tensors without masks, want the 6 of torch.nn.GRU and torch.nn.Linear", len(x))
	}
	left, err := filepath.Glob(filepath.Join(folder, ".galvani-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("export left %v behind, error %v", left, err)
	}
}

// exports wants a text in the table of a run.
func exports(t *testing.T, dir, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.csv")
	galvani(t, "export", dir, "--to", "csv", "--out", path).ok(t)
	if table := contents(t, path); !strings.Contains(string(table), text) {
		t.Errorf("the export lacks %q", text)
	}
}

// compareTable holds the table of a run to tensors.
func compareTable(t *testing.T, dir string, want map[string]safetensors.Tensor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.csv")
	galvani(t, "export", dir, "--to", "csv", "--out", path, "--masks").ok(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || !slices.Equal(rows[0], []string{"tensor", "row", "column", "value"}) {
		t.Fatalf("table begins with %v, error %v", rows[:1], err)
	}
	n := 0
	for _, x := range want {
		n += len(x.Numbers())
	}
	if len(rows)-1 != n {
		t.Errorf("%d rows, want %d", len(rows)-1, n)
	}
	for _, row := range rows[1:] {
		x := want[row[0]]
		i, _ := strconv.Atoi(row[1])
		j, _ := strconv.Atoi(row[2])
		columns := 1
		if len(x.Shape) == 2 {
			columns = x.Shape[1]
		}
		if v, err := strconv.ParseFloat(row[3], 32); err != nil || j >= columns || v != x.Numbers()[i*columns+j] {
			t.Fatalf("row %v, error %v, want %v", row, err, x.Numbers()[i*columns+j])
		}
	}
}

// compareArchive holds the archive of a run to tensors; package npz holds its format.
func compareArchive(t *testing.T, dir string, want map[string]safetensors.Tensor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.npz")
	galvani(t, "export", dir, "--to", "npz", "--out", path, "--masks").ok(t)
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if x := want[strings.TrimSuffix(f.Name, ".npy")]; !strings.HasSuffix(string(b), string(x.Data)) || len(x.Data) == 0 {
			t.Errorf("%s does not end with the numbers of the tensor", f.Name)
		}
	}
	if len(archive.File) != len(want) {
		t.Errorf("%d arrays, want %d", len(archive.File), len(want))
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	dir := copyOfRun(t)
	galvani(t, "export", dir, "--to", "hdf5").refused(t, exitConfig, `--to is "hdf5", want one of safetensors, npz, csv`)
	galvani(t, "export", dir, "--out", filepath.Join(dir, "no", "folder")).refused(t, exitIO, "no such file")
	galvani(t, "export", filepath.Join(dir, "none")).refused(t, exitConfig, "not a run directory")
	other := trialRun(t, "lstm")
	files, err := filepath.Glob(filepath.Join(other, "checkpoints", "best*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no checkpoint, error %v", err)
	}
	galvani(t, "export", dir, "--checkpoint", files[0]).refused(t, exitData, "does not fit the run's config.toml")
}

// TestCheckpointKeepsWiring holds that masks and signs are in checkpoints, that a run is not looked
// at with others, that the file of the mask may be gone, and that checkpoints without them, as older programs wrote, are taken.
func TestCheckpointKeepsWiring(t *testing.T) {
	mask := filepath.Join(t.TempDir(), "mask")
	write := func(last string) {
		var text strings.Builder
		for i := range 8 {
			for j := range 8 {
				fmt.Fprint(&text, (i+j)%2, " ")
			}
			if i == 7 {
				text.WriteString("#")
			}
			text.WriteString("\n")
		}
		written(t, mask, strings.Replace(text.String(), "1 0 1 0 1 0 1 0 #", last, 1))
	}
	write("1 0 1 0 1 0 1 0")
	dir := trialRun(t, "rnn", "--rec-mask", mask)
	saved := map[string]safetensors.Tensor{}
	for _, x := range latest(t, dir) {
		saved[x.Name] = x
	}
	if m := saved["wiring.mask"].Numbers(); len(m) != 64 || m[0] != 0 || m[1] != 1 || len(saved["wiring.sign"].Data) != 0 {
		t.Errorf("the checkpoint holds the mask %v", m)
	}
	kept := filepath.Join(dir, copyName("rec_mask"))
	right := contents(t, kept)
	written(t, kept, bytes.Replace(right, []byte("1 0 1 0 1 0 1 0 \n"), []byte("1 0 1 0 1 0 1 1\n"), 1))
	galvani(t, "eval", dir).refused(t, exitData, "wiring.mask in checkpoint is not that of this network")
	galvani(t, "train", "--resume", dir, "--epochs", "2").refused(t, exitData, "wiring.mask in checkpoint is not that of this network")
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	galvani(t, "eval", dir).ok(t) // by the file itself, as runs from before there were copies
	if err := errors.Join(os.WriteFile(kept, right, 0o600), os.Remove(mask)); err != nil {
		t.Fatal(err)
	}
	galvani(t, "eval", dir).ok(t)

	f := savedFlags{checkpoint: "last", set: runSettings{device: "cpu", backend: "graph"}}
	j, state, err := f.open(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	old := *state
	old.Tensors = slices.DeleteFunc(slices.Clone(state.Tensors), func(x safetensors.Tensor) bool { return strings.HasPrefix(x.Name, "wiring.") })
	for _, take := range []func(*rundir.State) error{j.session.LoadParams, j.session.Restore} {
		if err := take(&old); err != nil {
			t.Errorf("a checkpoint without masks: %v", err)
		}
		other := old
		other.Tensors = append(slices.Clone(old.Tensors), safetensors.Int8("wiring.sign", []int{8}, make([]int8, 8)))
		if err := take(&other); !errors.Is(err, engine.ErrState) {
			t.Errorf("a checkpoint with signs, of a network without: error %v", err)
		}
	}
}

// TestFilesAreReported holds what the commands that write one file print as JSON.
func TestFilesAreReported(t *testing.T) {
	dir, folder := copyOfRun(t), t.TempDir()
	var r traceReport
	path := filepath.Join(folder, "trace")
	o := galvani(t, "trace", dir, "--out", path, "--json").ok(t)
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.File != path || r.Sequences == 0 || len(r.Tensors) != len(tensorsOf(t, path)) || o.stderr != "" {
		t.Errorf("trace reports %s, error %v, stderr %s", o.stdout, err, o.stderr)
	}
	table := filepath.Join(folder, "trace.csv")
	galvani(t, "trace", dir, "--out", table, "--to", "csv").ok(t)
	text, err := os.ReadFile(table)
	h := tensorsOf(t, path)["h"]
	numbers := h.Numbers()
	last := fmt.Sprintf("\nh,%d,%d,%s\n", h.Shape[0]*h.Shape[1]-1, h.Shape[2]-1, strconv.FormatFloat(numbers[len(numbers)-1], 'g', -1, 32))
	if err != nil || !strings.Contains(string(text), last) {
		t.Errorf("the table lacks %q, error %v", last, err)
	}
	galvani(t, "trace", dir, "--out", table, "--to", "onnx").refused(t, exitConfig, `--to is "onnx", want one of safetensors, npz, csv, matlab`)
	var e eventReport
	path = filepath.Join(folder, "events")
	o = galvani(t, "data", "events", "looming", "--out", path, "--train", "--sample", "2", "--json").ok(t)
	text, err = os.ReadFile(path)
	if err := errors.Join(err, json.Unmarshal([]byte(o.stdout), &e)); err != nil {
		t.Fatal(err)
	}
	if e.Events == 0 || e.Events != strings.Count(string(text), "\n")-1 || e.Set != "train" || e.Sample != 2 || e.Values == 0 || o.stderr != "" {
		t.Errorf("data events reports %+v, stderr %s", e, o.stderr)
	}
}

// TestExportOthers writes a network for ONNX and its weights for MATLAB, and refuses a cell that ONNX has no operator for.
func TestExportOthers(t *testing.T) {
	dir := trained(t, "--model", "gru", "--layers", "2", "--h0", "learned", "--max-steps", "1")
	for format, head := range map[string]string{"matlab": "MATLAB 5.0 MAT-file", "onnx": "\x08\x08\x12\x07galvani"} {
		r := told[exportReport](t, "export", dir, "--to", format)
		b, err := os.ReadFile(r.File)
		if err != nil || !strings.HasPrefix(string(b), head) || filepath.Base(r.File) != map[string]string{"matlab": "weights.mat", "onnx": "weights.onnx"}[format] {
			t.Errorf("%s begins with %.30q, %v", r.File, b, err)
		}
	}
	other := trained(t, "--model", "crnn", "--max-steps", "1")
	galvani(t, "export", other, "--to", "onnx").refused(t, exitConfig, "want one of gru, irnn, lstm, mlp, rnn")
	if _, err := os.Stat(filepath.Join(other, "weights.onnx")); err == nil {
		t.Error("a refused export leaves a file")
	}
}
