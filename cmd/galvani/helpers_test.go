package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels/devices"
	"galvani/models"
)

// asProgram makes the test binary behave as galvani.
const asProgram = "GALVANI_TEST_AS_PROGRAM"

// outcome is how one command line ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// program returns galvani with arguments as a process of its own.
func program(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// galvani runs one command line, in the process of the tests: to start another takes as long as to train a
// tiny network.
func galvani(t *testing.T, args ...string) outcome {
	t.Helper()
	return inside(args...)
}

// inside is galvani where there is no test at hand.
func inside(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func finish(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// tells decodes the report that a command has printed as JSON.
func (o outcome) tells(t *testing.T, report any) {
	t.Helper()
	if err := json.Unmarshal([]byte(o.stdout), report); err != nil {
		t.Fatalf("%v: %s", err, o.stdout)
	}
}

// ok fails the test unless the command ended well.
func (o outcome) ok(t *testing.T) outcome {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("exit code %d, stderr: %s", o.code, o.stderr)
	}
	return o
}

// refused fails the test unless the command ended with the code and one line of error that
// holds the text.
func (o outcome) refused(t *testing.T, code int, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if o.code != code || !strings.HasPrefix(last, "galvani: ") || !strings.Contains(last, text) {
		t.Errorf("exit code %d, stderr %q; want %d and a last line with %q", o.code, o.stderr, code, text)
	}
	if strings.Contains(o.stderr, "goroutine ") || strings.Contains(o.stderr, "Usage:") {
		t.Errorf("stderr holds a stack or the usage:\n%s", o.stderr)
	}
}

// refusal is a command line that is refused: with an exit code, and a line of error that holds a text.
type refusal struct {
	args string // without the command
	code int
	want string
}

// refuses wants a command to refuse each line.
func refuses(t *testing.T, command []string, all []refusal) {
	t.Helper()
	for _, r := range all {
		galvani(t, args(command, strings.Fields(r.args)...)...).refused(t, r.code, r.want)
	}
}

// told runs a command line with --json and returns the report.
func told[T any](t *testing.T, line ...string) (report T) {
	t.Helper()
	galvani(t, args(line, "--json")...).ok(t).tells(t, &report)
	return report
}

// tiny is a run of 12 steps that takes a fraction of a second, most of which plots would take.
var tiny = []string{"train", "--task", "looming", "--facets", "3", "--steps", "8", "--train-size", "48",
	"--test-size", "16", "--batch", "8", "--hidden", "8", "--epochs", "2", "--plots", "none"}

// args returns a command line followed by more of it.
func args(first []string, more ...string) []string {
	return append(first[:len(first):len(first)], more...)
}

// sized leaves out the number of units for a model that has one of its own, and makes its steps few.
func sized(line []string) []string {
	model := slices.Index(line, "--model")
	if model < 0 || !ownUnits(line[model+1]) {
		return line
	}
	for i := slices.Index(line, "--hidden"); i >= 0; i = slices.Index(line, "--hidden") {
		line = slices.Delete(line, i, i+2)
	}
	return append(line, "--dt", "1")
}

// ownUnits tells whether a model has a number of units of its own.
func ownUnits(model string) bool {
	e, err := models.Lookup(model)
	if err != nil {
		return false
	}
	_, own := e.New().(models.Sized)
	return own
}

// trained trains a tiny network quietly and returns its run directory.
func trained(t *testing.T, more ...string) string {
	t.Helper()
	o := galvani(t, sized(args(tiny, args(more, "--quiet", "--runs-dir", t.TempDir())...))...).ok(t)
	if o.stderr != "" {
		t.Errorf("stderr of --quiet is %q, want nothing", o.stderr)
	}
	return strings.TrimSuffix(o.stdout, "\n")
}

// losses returns the loss of every update of a run.
func losses(t *testing.T, dir string) []float64 {
	t.Helper()
	var all []float64
	for line := range bytes.Lines(contents(t, filepath.Join(dir, "metrics.jsonl"))) {
		var row struct {
			Loss *float64 `json:"loss"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		if row.Loss != nil {
			all = append(all, *row.Loss)
		}
	}
	return all
}

// example trains one run, which copyOfRun copies, in a folder that TestMain makes and removes.
var (
	exampleFolder string
	example       = sync.OnceValues(func() (string, error) {
		out, err := program(args(tiny, "--quiet", "--runs-dir", exampleFolder)...).Output()
		return strings.TrimSpace(string(out)), err
	})
)

// copyOfRun returns a trained run that the test may do with as it likes.
func copyOfRun(t *testing.T) string {
	t.Helper()
	from, err := example()
	dir := filepath.Join(t.TempDir(), filepath.Base(from))
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(from))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// viewed returns a run.
func viewed(t *testing.T, dir string) *rundir.Run {
	t.Helper()
	run, err := rundir.View(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func phase(t *testing.T, dir string) rundir.Phase {
	t.Helper()
	s, err := viewed(t, dir).Status()
	if err != nil {
		t.Fatal(err)
	}
	return s.Phase
}

// metricsOf returns the rows of metrics of a run, rowsOf those numbers in them that have a name.
func metricsOf(t *testing.T, dir string) []rundir.Row {
	t.Helper()
	rows, err := viewed(t, dir).Metrics()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func rowsOf(t *testing.T, dir, name string) (list []float64) {
	t.Helper()
	for _, r := range metricsOf(t, dir) {
		if v, ok := r.Values[name]; ok {
			list = append(list, v)
		}
	}
	return list
}

// latest returns the tensors of the newest checkpoint of a run, newestTensors their bytes by name.
func latest(t *testing.T, dir string) []safetensors.Tensor {
	t.Helper()
	s, skipped, err := viewed(t, dir).Latest()
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	return s.Tensors
}

func newestTensors(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, x := range latest(t, dir) {
		all[x.Name] = x.Data
	}
	return all
}

// tensorsOf returns the tensors of a file by name.
func tensorsOf(t *testing.T, path string) map[string]safetensors.Tensor {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]safetensors.Tensor{}
	for _, x := range f.Tensors {
		byName[x.Name] = x
	}
	return byName
}

// sameWeights wants the newest checkpoint of a run to hold the tensors of that of another.
func sameWeights(t *testing.T, what, got, want string) {
	t.Helper()
	wanted, tensors := newestTensors(t, want), newestTensors(t, got)
	if len(tensors) != len(wanted) {
		t.Errorf("%s: %d tensors, want %d", what, len(tensors), len(wanted))
	}
	for name, data := range tensors {
		if !bytes.Equal(data, wanted[name]) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// sameResumed trains by a line up to an update, goes on up to another, and wants the tensors of a whole run. It returns
// the run in two parts.
func sameResumed(t *testing.T, what, whole string, line []string, first, last string) string {
	t.Helper()
	parts := trained(t, args(line, "--max-steps", first)...)
	galvani(t, "train", "--resume", parts, "--max-steps", last, "--quiet").ok(t)
	sameWeights(t, what+", resumed", parts, whole)
	return parts
}

// hasScan reports whether this build has the fused scan: without cgo there is the graph alone.
func hasScan() bool {
	dev, err := devices.OpenCPU(1)
	return err == nil && dev.Close() == nil
}

// written writes a file and returns its path.
func written[T string | []byte](t testing.TB, path string, text T) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contents returns what a file holds.
func contents(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// needsCPU skips a test of a binary without cgo.
func needsCPU(t *testing.T) {
	t.Helper()
	if !hasScan() {
		t.Skip("this binary has no fused scan")
	}
}

// backends returns what a network can be computed with here.
func backends() []string {
	if hasScan() {
		return []string{"graph", "scan"}
	}
	return []string{"graph"}
}

// writeTensors writes a safetensors file, all of it or none.
func writeTensors(path string, tensors []safetensors.Tensor, about map[string]string) error {
	return writeFile(path, func(w io.Writer) error { return safetensors.Write(w, tensors, about) })
}
