//go:build gpu

package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"galvani/engine/safetensors"
	"galvani/models"
)

// These tests run on the emulated driver that GALVANI_CUDA_LIBRARY names (make gpu-test), and
// those that do not need it also on a real GPU.

// Bounds of what a GPU in fp32 may differ from the CPU by, relative: each step rounds
// differently by about 1e-7, and updates amplify it.
const (
	tolLoss  = 1e-4
	tolFinal = 2e-3
)

// onGPU skips a test where there is no GPU, real or emulated.
func onGPU(t *testing.T) {
	t.Helper()
	if o := galvani(t, "devices", "--json").ok(t); !strings.Contains(o.stdout, `"cuda:0"`) {
		t.Skip("no GPU, real or emulated; run make gpu-test")
	}
}

// emulated runs galvani on the emulated driver with more in its environment.
func emulated(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	if os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skip("no emulated driver; run make gpu-test")
	}
	c := program(args...)
	c.Env = append(c.Env, env...)
	return finish(t, c)
}

// TestGPUDaleSigns is TestDaleSigns on a GPU.
func TestGPUDaleSigns(t *testing.T) {
	onGPU(t)
	for _, form := range []string{"abs", "relu", "clamp"} {
		t.Run(form, func(t *testing.T) { checkDaleSigns(t, "device", "cuda", "dale_form", form, "model", "cond-varying") })
	}
}

// TestSweepOnGPUs makes runs on two GPUs at once.
func TestSweepOnGPUs(t *testing.T) {
	path, out := sweepFile(t, "seeds = 4\n[set]\ndevice = \"cuda\"\nmodel = \"rnn\"\nhidden = 4\nfacets = 3\nsteps = 4\ntrain_size = 8\ntest_size = 4\nbatch = 4\nepochs = 1\nplots = \"none\"\n"), t.TempDir()
	emulated(t, []string{"GALVANI_EMU_DEVICE=count=2"}, "sweep", path, "--jobs", "0", "--out", out).ok(t)
	files, err := filepath.Glob(filepath.Join(out, "*", "*", configName))
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	seen := map[string]bool{}
	for _, name := range files {
		text := contents(t, name)
		for _, device := range []string{"cuda:0", "cuda:1"} {
			seen[device] = seen[device] || strings.Contains(string(text), fmt.Sprintf("device = %q", device))
		}
	}
	if len(seen) != 2 || !seen["cuda:0"] || !seen["cuda:1"] {
		t.Errorf("runs are on %v, want both GPUs", seen)
	}
}

// TestGPUTrainsLikeCPU trains every model for ten updates on both devices. Of neurons with units of their own it
// compares the loss of the first: over steps of 1 ms with spikes their gradient in float32 differs by some
// percent between devices, and the way from there by more. kernels/cuda holds gradients of neurons to the CPU on shorter runs.
func TestGPUTrainsLikeCPU(t *testing.T) {
	onGPU(t)
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			updates := 10
			if ownUnits(m.Name) {
				updates = 1
			}
			more := []string{"--model", m.Name, "--max-steps", strconv.Itoa(updates), "--device"}
			cpu := trained(t, args(more, "cpu")...)
			gpu := trained(t, args(more, "cuda")...)
			want, got := losses(t, cpu), losses(t, gpu)
			if len(want) != updates || len(got) != updates {
				t.Fatalf("%d and %d losses, want %d", len(want), len(got), updates)
			}
			for i := range want {
				if d := math.Abs(got[i]-want[i]) / max(1, math.Abs(want[i])); !(d <= tolLoss) {
					t.Errorf("update %d: loss %v on the GPU, %v on the CPU", i+1, got[i], want[i])
				}
			}
			if !ownUnits(m.Name) {
				near(t, latest(t, gpu), latest(t, cpu))
			}
			if env, _ := os.ReadFile(filepath.Join(gpu, "env.json")); !bytes.Contains(env, []byte("cuda:0")) {
				t.Errorf("env.json does not name the device: %s", env)
			}
		})
	}
}

// near compares checkpoints of two devices.
func near(t *testing.T, got, want []safetensors.Tensor) {
	t.Helper()
	for i, w := range want {
		if w.DType == safetensors.I8 { // of the wiring
			if !slices.Equal(got[i].Data, w.Data) {
				t.Errorf("%s differs", w.Name)
			}
			continue
		}
		a, err := got[i].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := w.Float32s()
		largest := 0.0
		for _, v := range b {
			largest = max(largest, math.Abs(float64(v)))
		}
		for j := range b {
			if d := math.Abs(float64(a[j] - b[j])); !(d <= tolFinal*max(largest, 1e-3)) {
				t.Errorf("%s[%d] is %v, want %v", w.Name, j, a[j], b[j])
				break
			}
		}
	}
}

// TestGPULayers trains two layers, of one and of several planes and of two sizes, on both devices.
func TestGPULayers(t *testing.T) {
	onGPU(t)
	for _, line := range []string{"--model rnn", "--model crnn", "--model gru --hidden 12,8"} {
		more := append(strings.Fields(line), "--layers", "2", "--max-steps", "4", "--device")
		cpu, gpu := trained(t, args(more, "cpu")...), trained(t, args(more, "cuda")...)
		near(t, latest(t, gpu), latest(t, cpu))
		sameWeights(t, line+", again", trained(t, args(more, "cuda")...), gpu)
	}
}

// TestGPUPenalties trains with all that stands between layers and with penalties, on both devices: a run that was stopped
// ends with the bits of one that was not, and each penalty is a metric of both.
func TestGPUPenalties(t *testing.T) {
	onGPU(t)
	for _, line := range []string{
		"--model rate --layers 2 --dropout 0.3 --layer-norm --h0 learned --l1 recurrent=1e-3 --l2 1e-4 --rate-l1 0.1 --rate-l2 0.1 --rate-target-l2 1 --rate-target 0.2 --change-l2 1",
		"--model lstm --layers 2 --bidirectional --layer-norm --dropout 0.2 --l2 readout=1e-2",
	} {
		choice := append(strings.Fields(line), "--max-steps", "3", "--device")
		cpu, gpu := trained(t, args(choice, "cpu")...), trained(t, args(choice, "cuda")...)
		near(t, latest(t, gpu), latest(t, cpu))
		part := trained(t, args(choice, "cuda", "--max-steps", "1")...)
		galvani(t, "train", "--resume", part, "--max-steps", "3", "--quiet", "--device", "cuda").ok(t)
		sameWeights(t, line+", resumed", part, gpu)
		want, got := penaltiesOf(t, cpu), penaltiesOf(t, gpu)
		if len(want) == 0 || len(got) != len(want) {
			t.Fatalf("%s: %d and %d values of penalties", line, len(want), len(got))
		}
		for i, w := range want {
			if d := math.Abs(got[i]-w) / math.Abs(w); !(d <= tolFinal) {
				t.Errorf("%s: value %d of penalties is %v, want %v", line, i, got[i], w)
			}
		}
	}
}

// penaltiesOf returns the penalties of every update of a run, in the order of their names.
func penaltiesOf(t *testing.T, dir string) (all []float64) {
	t.Helper()
	for _, row := range metricsOf(t, dir) {
		for _, name := range slices.Sorted(maps.Keys(row.Values)) {
			if strings.HasPrefix(name, "penalty_") {
				all = append(all, row.Values[name])
			}
		}
	}
	return all
}

// TestGPUFeedback trains by each way of feedback on both devices.
func TestGPUFeedback(t *testing.T) {
	onGPU(t)
	for _, way := range models.Feedbacks {
		more := []string{"--model", "rnn", "--dale", "--feedback", way, "--max-steps", "6", "--device"}
		near(t, latest(t, trained(t, args(more, "cuda")...)), latest(t, trained(t, args(more, "cpu")...)))
	}
}

// TestGPUIsDeterministic trains twice and compares all bits.
func TestGPUIsDeterministic(t *testing.T) {
	onGPU(t)
	for _, model := range []string{"crnn", "lstm"} {
		line := []string{"--model", model, "--device", "cuda"}
		sameWeights(t, model+", again", trained(t, line...), trained(t, line...))
	}
}

// TestGPUResumesAcrossDevices goes CPU, GPU, CPU and compares with a run on the CPU alone.
func TestGPUResumesAcrossDevices(t *testing.T) {
	onGPU(t)
	dir := trained(t, "--max-steps", "4", "--device", "cpu")
	galvani(t, "train", "--resume", dir, "--quiet", "--max-steps", "8", "--device", "cuda").ok(t)
	galvani(t, "train", "--resume", dir, "--quiet", "--max-steps", "12", "--device", "cpu").ok(t)
	near(t, latest(t, dir), latest(t, trained(t, "--max-steps", "12", "--device", "cpu")))
}

// TestGPUPrecisions trains in the formats that are not the default; the loss stays near that
// of fp32, and no format is taken silently for another.
func TestGPUPrecisions(t *testing.T) {
	onGPU(t)
	exact := losses(t, trained(t, "--model", "lstm", "--device", "cuda"))
	for _, precision := range []string{"tf32", "bf16"} {
		coarser(t, trained(t, "--model", "lstm", "--device", "cuda", "--precision", precision), precision, exact)
	}
}

// TestGPUFallsBack holds that auto gives way to the CPU with one short line, which for a GPU that is not
// there points to the reason, and that a GPU asked for by name does not.
func TestGPUFallsBack(t *testing.T) {
	for name, c := range map[string]struct{ env, why string }{
		"no library":  {"GALVANI_CUDA_LIBRARY=/nowhere/libcuda.so", "/nowhere/libcuda.so"},
		"no device":   {"GALVANI_EMU_DEVICE=count=0", "no"},
		"driver code": {"GALVANI_EMU_FAIL=cuInit:1:803", "803"},
		"too old":     {"GALVANI_EMU_DEVICE=compute=6.1", "6.1"},
		"full":        {"GALVANI_EMU_DEVICE=memory=16KiB", "memory"},
	} {
		t.Run(name, func(t *testing.T) {
			o := emulated(t, []string{c.env}, args(tiny, "--max-steps", "1", "--device", "auto", "--runs-dir", t.TempDir())...).ok(t)
			var line string
			for l := range strings.Lines(o.stderr) {
				if strings.HasPrefix(l, "device: ") {
					line = l
				}
			}
			said := noGPUHere
			if name == "full" {
				said = c.why
			}
			if !strings.Contains(line, "cpu") || !strings.Contains(line, said) {
				t.Errorf("device line is %q, want the CPU and %q", line, said)
			}
			emulated(t, []string{c.env}, args(tiny, "--device", "cuda", "--runs-dir", t.TempDir())...).refused(t, exitDevice, c.why)
			report := emulated(t, []string{c.env}, "devices").ok(t)
			if name != "full" && !strings.Contains(report.stdout, c.why) {
				t.Errorf("devices says %q, want the reason %q", report.stdout, c.why)
			}
		})
	}
}

// TestGPUFailuresKeepCheckpoint breaks the device in the middle of training: the exit code
// tells what happened, and the last checkpoint goes on on the CPU.
func TestGPUFailuresKeepCheckpoint(t *testing.T) {
	for name, c := range map[string]struct {
		call string
		code int
		exit int
	}{
		"launch failed":   {"cuLaunchKernel", 719, exitBug},
		"illegal address": {"cuLaunchKernel", 700, exitBug},
		"memory error":    {"cuLaunchKernel", 214, exitStopped},
		"time-out":        {"cuLaunchKernel", 702, exitStopped},
	} {
		t.Run(name, func(t *testing.T) {
			dir := trained(t, "--max-steps", "7", "--device", "cuda")
			fail := fmt.Sprintf("GALVANI_EMU_FAIL=%s:150:%d", c.call, c.code)
			o := emulated(t, []string{fail}, "train", "--resume", dir, "--max-steps", "12", "--device", "cuda")
			o.refused(t, c.exit, fmt.Sprint(c.code))
			latest(t, dir)
			galvani(t, "train", "--resume", dir, "--quiet", "--max-steps", "12", "--device", "cpu").ok(t)
		})
	}
}

// TestGPUOutOfMemory fails the k-th allocation: always a clear error, nothing half-written.
func TestGPUOutOfMemory(t *testing.T) {
	for k := 1; k <= 40; k += 3 {
		runs := t.TempDir()
		o := emulated(t, []string{fmt.Sprintf("GALVANI_EMU_FAIL=cuMemAlloc_v2:%d:2", k)},
			args(tiny, "--max-steps", "1", "--device", "cuda", "--quiet", "--runs-dir", runs)...)
		if o.code == 0 && k > 10 {
			return // fewer allocations than that
		}
		o.refused(t, exitDevice, "memory")
	}
}

// TestGPULayered trains a layered network on both devices, by the rules that ask different things of a device.
func TestGPULayered(t *testing.T) {
	onGPU(t)
	folder := digits(t)
	for _, rule := range []string{"direct-feedback-alignment", "sign-symmetry", "weight-mirror"} {
		run := func(device string) []safetensors.Tensor {
			dir := galvani(t, "train", "--model", "mlp", "--task", "mnist", "--hidden", "6,5", "--rule", rule, "--data-dir", folder, "--batch", "8",
				"--max-steps", "4", "--plots", "none", "--quiet", "--runs-dir", t.TempDir(), "--device", device).ok(t).stdout
			return latest(t, strings.TrimSpace(dir))
		}
		near(t, run("cuda"), run("cpu"))
	}
}

// TestGPUStepped trains networks that are stepped in time on both devices.
func TestGPUStepped(t *testing.T) {
	onGPU(t)
	folder := digits(t)
	for _, args := range []string{"--model microcircuit --rule latent-equilibrium --hidden 6,5 --t-pres 0.2 --tau-w 1 --lr 0.1", "--model microcircuit --rule two-sweeps --hidden 6,5 --lr 0.1",
		"--model microcircuit --rule sacramento --hidden 6,5 --t-pres 0.2 --gamma 250 --activation softplus --population 100 --refractory 0.1 --delay 0.1 --lr 0.1", "--model leaky --hidden 32,32 --t-pres 0.2 --onset 0.1 --lr 0.1"} {
		run := func(device string) []safetensors.Tensor {
			dir := strings.TrimSpace(galvani(t, append(append([]string{"train"}, strings.Fields(args)...), "--task", "mnist", "--data-dir", folder, "--batch", "8",
				"--max-steps", "2", "--plots", "none", "--quiet", "--runs-dir", t.TempDir(), "--device", device)...).ok(t).stdout)
			return latest(t, dir)
		}
		near(t, run("cuda"), run("cpu"))
	}
}
