//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"galvani/engine/rundir"
)

// stopping are the signals that ask a run to save its state and end.
var stopping = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGXCPU}

// endless is a training that does not end by itself.
func endless(t *testing.T, more ...string) (command []string, runs string) {
	runs = t.TempDir()
	return args(tiny, args(more, "--epochs", "1000000", "--runs-dir", runs)...), runs
}

// stopped checks that a run was saved when it was stopped.
func stopped(t *testing.T, c *exec.Cmd, dir string) {
	t.Helper()
	if code := c.ProcessState.ExitCode(); code != exitStopped {
		t.Errorf("exit code %d (%v), want %d", code, c.ProcessState, exitStopped)
	}
	if p := phase(t, dir); p != rundir.Stopped {
		t.Errorf("status is %q, want %q", p, rundir.Stopped)
	}
	latest(t, dir)
}

// TestIgnoredHangup holds that a run under nohup outlives its terminal.
func TestIgnoredHangup(t *testing.T) {
	command, runs := endless(t)
	inner := program(command...)
	c := exec.Command("sh", append([]string{"-c", `trap "" HUP; exec "$0" "$@"`}, inner.Args...)...)
	c.Env = inner.Env
	lines := begin(t, c)
	lines.Scan()
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 3 { // it goes on
		if !lines.Scan() {
			t.Fatal("SIGHUP ended a run that ignores it")
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	c.Wait() // the exit code is looked at
	stopped(t, c, newest(t, runs))
}

// begin starts a process and returns the lines of its stderr.
func begin(t *testing.T, c *exec.Cmd) *bufio.Scanner {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return bufio.NewScanner(r)
}

// TestClosedPipe closes what a run writes to after the first line, as head does.
func TestClosedPipe(t *testing.T) {
	for _, more := range [][]string{nil, {"--json"}} {
		command, runs := endless(t, args(more, "--eval-every", "1")...)
		c := program(command...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Stdout, c.Stderr = w, w
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		bufio.NewScanner(r).Scan()
		r.Close()
		c.Wait() // the exit code is looked at
		stopped(t, c, newest(t, runs))
	}
}

// beginDeaf starts a program that does not end when it is asked to, and returns the lines of its stdout.
func beginDeaf(t *testing.T) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), asProgram+"="+deaf)
	pipe, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewScanner(pipe)
}

// TestSecondSignalEndsAtOnce holds that a program that is stuck can be stopped.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	for s, code := range map[syscall.Signal]int{syscall.SIGINT: exitInterrupted, syscall.SIGTERM: exitTerminated} {
		c, lines := beginDeaf(t)
		for lines.Scan() {
			if err := c.Process.Signal(s); err != nil { // once after "ready", once after "asked"
				t.Fatal(err)
			}
		}
		c.Wait() // the exit code is looked at
		if got := c.ProcessState.ExitCode(); got != code {
			t.Errorf("%v twice: exit code %d, want %d", s, got, code)
		}
	}
}

// TestWarningsDoNotKill holds that only a second SIGINT or SIGTERM ends a program at once: the
// end of a session brings SIGTERM and SIGHUP together.
func TestWarningsDoNotKill(t *testing.T) {
	c, lines := beginDeaf(t)
	send := func(all ...syscall.Signal) {
		for _, s := range all {
			if err := c.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines.Scan() // ready
	send(syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGHUP, syscall.SIGUSR2)
	lines.Scan() // asked
	send(syscall.SIGHUP, syscall.SIGKILL)
	c.Wait()
	if s := c.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGKILL {
		t.Errorf("ended by %v, want the last signal alone to end it", c.ProcessState)
	}
}

// TestMissingOutputFolder holds that an output that cannot be written is an input/output error,
// and a missing input bad data.
func TestMissingOutputFolder(t *testing.T) {
	dir := copyOfRun(t)
	nowhere := filepath.Join(t.TempDir(), "no", "folder")
	for _, tt := range []struct {
		code int
		args []string
	}{
		{exitIO, []string{"trace", dir, "--out", nowhere}},
		{exitIO, []string{"bench", "cpu", "--quick", "--only", "nothing", "--out", nowhere}},
		{exitData, []string{"trace", dir, "--out", "x", "--input", nowhere}},
		{exitData, []string{"eval", dir, "--checkpoint", nowhere}},
		{exitData, []string{"bench", "tables", "--in", nowhere}},
	} {
		galvani(t, tt.args...).refused(t, tt.code, "no such file or directory")
	}
}

// TestRunDirectoryRemoved takes away the directory of a run that goes on.
func TestRunDirectoryRemoved(t *testing.T) {
	command, runs := endless(t, "--eval-every", "1", "--checkpoint-every", "1")
	c := program(command...)
	lines := begin(t, c)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "epoch") {
	}
	if err := os.Rename(newest(t, runs), filepath.Join(t.TempDir(), "away")); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	c.Wait()
	outcome{c.ProcessState.ExitCode(), "", last + "\n"}.refused(t, exitIO, "was removed")
}

// TestStoppedSimulation holds that a simulation that is asked to stop is saved and says how to go on, and
// that it then ends as one without a stop.
func TestStoppedSimulation(t *testing.T) {
	needsCPU(t)
	file := filepath.Join(t.TempDir(), "run")
	c := program("simulate", "balanced", "--n", "100", "--for", "24h", "--save", file)
	lines := begin(t, c)
	for _, err := os.Stat(file); err != nil; _, err = os.Stat(file) { // its handlers are there before the file is
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // or it is stopped before its first step
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	c.Wait() // the exit code is looked at
	says := "are saved; go on with: galvani simulate balanced --resume " + file
	if code := c.ProcessState.ExitCode(); code != exitStopped || !strings.Contains(last, says) {
		t.Errorf("exit code %d, says %q, want %d and %q", code, last, exitStopped, says)
	}
	old, _, err := readSaved(file)
	if err != nil {
		t.Fatal(err)
	}
	ms := fmt.Sprint(old.state.Step/10+200) + "ms"
	hash := func(more ...string) simulation {
		return told[simulation](t, args([]string{"simulate", "balanced", "--for", ms}, more...)...)
	}
	if got, want := hash("--resume", file), hash("--n", "100"); got.SHA256 != want.SHA256 || want.Populations["e"].Spikes == 0 {
		t.Errorf("stopped at step %d and resumed: %+v, want %+v", old.state.Step, got, want)
	}
}
