package bench

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"galvani/engine"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"github.com/BurntSushi/toml"
)

// pythonWith returns a Python that has a framework, or skips the test.
func pythonWith(t *testing.T, framework string) string {
	t.Helper()
	// Debian's own Python has Debian's PyTorch, whatever comes first in the path.
	for _, python := range []string{os.Getenv("GALVANI_TEST_PYTHON"), "python3", "/usr/bin/python3"} {
		if python != "" && exec.Command(python, "-c", "import numpy, tomllib, "+framework).Run() == nil {
			return python
		}
	}
	t.Skipf("no Python 3.11 with %s here; install it, and name that Python in GALVANI_TEST_PYTHON", framework)
	return ""
}

func TestPeersAbsent(t *testing.T) {
	if _, err := openPeer("no-such-python", "torch", 1, onCPU); err == nil || !strings.Contains(err.Error(), "--python") {
		t.Errorf("error is %v, want a remedy", err)
	}
}

// TestPeers runs every form of a framework at a tiny shape, and holds that a peer that finds other
// numbers is not timed.
func TestPeers(t *testing.T) {
	for framework, c := range map[string]struct {
		form  string // of crnn-simple
		forms int
	}{"torch": {"eager", 4}, "jax": {"scan", 5}} {
		t.Run(framework, func(t *testing.T) {
			dev := devicetest.CPU(t, 2)
			python := pythonWith(t, framework)
			var forms []string
			only := regexp.MustCompile(`^peer .*(eager|script|LSTM|scan) B`) // torch.compile wants a compiler and its time
			err := Run(context.Background(), Config{Threads: 1, Quick: true, Python: python, Only: only, Log: t.Logf, Each: func(r Row) error {
				if r.Case == casePeer && strings.HasPrefix(r.Reference.Name, framework+" ") {
					forms = append(forms, r.Reference.Name)
					if r.Ratio.Kind != SpeedUp || !(r.Ratio.Value > 0) {
						t.Errorf("ratio %+v", r.Ratio)
					}
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if len(forms) != c.forms {
				t.Errorf("peers are %v, want %d", forms, c.forms)
			}
			p, err := openPeer(python, framework, 1, onCPU)
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			check := Case{Kind: casePeer, Model: "crnn-simple", What: both, Peer: c.form, Shape: Shape{T: 5, B: 2, I: 3, H: 4}}
			q, err := newProblem[float32](check.Model, check.Shape)
			if err != nil {
				t.Fatal(err)
			}
			for _, gradient := range []bool{false, true} {
				if _, err := p.cell(check, q, faulty{dev, gradient}); !errors.Is(err, ErrWrong) {
					t.Errorf("gradient %v: error is %v, want ErrWrong", gradient, err)
				}
			}
			check.Peer = "no such form"
			if _, err := p.cell(check, q, dev); err == nil || errors.Is(err, ErrWrong) {
				t.Errorf("an unknown form gives %v", err)
			}
		})
	}
}

// TestCheck trains each model a little, and holds peers/check.py to agree with the traces, to
// notice one wrong number in each, and to notice another checkpoint.
func TestCheck(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	python := pythonWith(t, "torch")
	check := func(args ...string) (string, int) {
		cmd := exec.Command(python, append([]string{"peers/check.py"}, args...)...)
		text, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(text), cmd.ProcessState.ExitCode()
	}
	dir := t.TempDir()
	var right, wrong []string
	var later string
	for _, model := range []string{"crnn-simple", "crnn", "rnn", "irnn", "gru", "lstm"} {
		trace, first, second := trained(t, model, dev)
		about := map[string]string{"checkpoint": first}
		later = second
		right = append(right, filepath.Join(dir, model+".right"))
		writeTrace(t, right[len(right)-1], trace, about)
		i := slices.IndexFunc(trace, func(x safetensors.Tensor) bool { return x.Name == "grad.readout.bias" })
		v, err := trace[i].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		v[0] *= 1.01
		trace[i] = safetensors.Float32(trace[i].Name, trace[i].Shape, v)
		wrong = append(wrong, filepath.Join(dir, model+".wrong"))
		writeTrace(t, wrong[len(wrong)-1], trace, about)
	}
	if text, code := check(right...); code != 0 || strings.Count(text, ", 0 differ") != len(right) {
		t.Errorf("exit code %d: %s", code, text)
	}
	if text, code := check(wrong...); code != 1 || strings.Count(text, ", 1 differ") != len(wrong) {
		t.Errorf("with a wrong gradient each, exit code %d: %s", code, text)
	}
	if text, code := check(right[len(right)-1], "--checkpoint", later); code != 1 {
		t.Errorf("with other parameters exit code %d: %s", code, text)
	}
	if text, code := check("no-such-file"); code != 2 || strings.Count(text, "\n") != 1 {
		t.Errorf("without a file exit code %d: %s", code, text)
	}
}

// trained makes two updates of a network, and returns a trace and the checkpoint after the
// first, and the checkpoint after the second.
func trained(t *testing.T, model string, dev kernels.Device) (trace []safetensors.Tensor, first, second string) {
	t.Helper()
	s := Shape{T: 12, B: 3, I: 4, H: 5}
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cell, net, err := bind(model, s)
	fatal(err)
	config, err := toml.Marshal(cell)
	fatal(err)
	batch, err := rampBatch(s)
	fatal(err)
	o := engine.DefaultOptions()
	o.Batch = s.B
	session, err := engine.NewSession(engine.Config{Net: net, Task: rampTask(s), Device: dev, Options: o, Source: string(config)})
	fatal(err)
	run, err := rundir.Create(t.TempDir(), model, "ramps", time.Now())
	fatal(err)
	defer run.Close()
	save := func() string {
		_, err := session.Step(batch)
		fatal(err)
		state, err := session.State()
		fatal(err)
		fatal(run.Save(state))
		paths, err := run.Checkpoints()
		fatal(err)
		return paths[0]
	}
	first = save()
	trace, err = session.Trace(batch)
	fatal(err)
	return trace, first, save()
}

func writeTrace(t *testing.T, path string, list []safetensors.Tensor, about map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(safetensors.Write(f, list, about), f.Close()); err != nil {
		t.Fatal(err)
	}
}
