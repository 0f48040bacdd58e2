package docker_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSlurm runs the script of a Slurm job with stand-ins for srun and scontrol. A job that is stopped is
// queued again, and then goes on with its run.
func TestSlurm(t *testing.T) {
	bin, runs := t.TempDir(), t.TempDir()
	for name, script := range map[string]string{"srun": "echo srun \"$@\"\nexit $STAND_IN_CODE\n", "scontrol": "echo scontrol \"$@\"\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	submit := func(code string, want ...string) {
		t.Helper()
		c := exec.Command("bash", "slurm/train.sbatch", "--model", "lstm")
		c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SLURM_JOB_ID=17", "GALVANI_RUNS="+runs, "STAND_IN_CODE="+code)
		out, _ := c.Output() // the exit code is looked at
		if got := strings.Split(strings.TrimSpace(string(out)), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("code %s: %q, want %q", code, got, want)
		}
		if got := c.ProcessState.String(); !strings.HasSuffix(got, " "+code) {
			t.Errorf("ended with %s, want %s", got, code)
		}
	}
	dir := filepath.Join(runs, "17")
	submit("75", "srun --mpi=pmix galvani train --runs-dir "+dir+" --model lstm", "scontrol requeue 17")
	if err := os.MkdirAll(filepath.Join(dir, "run", "checkpoints", "step-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	submit("0", "srun --mpi=pmix galvani train --resume auto --runs-dir "+dir)
	submit("64", "srun --mpi=pmix galvani train --resume auto --runs-dir "+dir)
	text := read(t, "slurm/train.sbatch")
	for _, line := range []string{"#SBATCH --signal=USR1@90\n", "#SBATCH --requeue\n", "#SBATCH --open-mode=append\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("the script lacks %q", line)
		}
	}
}
