//go:build cgo

package monitor

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// slack returns that of the calling thread.
func slack(t *testing.T) int {
	t.Helper()
	n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMonitorSleepsLong holds that one thread of this process at least has the long slack, and this one has not.
func TestMonitorSleepsLong(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	Prompt()
	if s := slack(t); s != usual {
		t.Errorf("slack of this thread: %d ns, want %d", s, usual)
	}
	threads, _ := filepath.Glob("/proc/self/task/*")
	long := 0
	for _, at := range threads {
		text, err := os.ReadFile("/proc/" + filepath.Base(at) + "/timerslack_ns")
		if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EPERM) {
			t.Skipf("the slack of other threads takes a right to read that this user lacks: %v", err)
		}
		if err == nil && strings.TrimSpace(string(text)) == "10000000" { // a thread may have ended
			long++
		}
	}
	if long == 0 {
		t.Errorf("none of %d threads has a slack of 10 ms", len(threads))
	}
}

// TestPromptly holds that a command has the usual slack, also where it is started on a thread that has not.
func TestPromptly(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 10_000_000, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer Prompt()
	var out strings.Builder
	c := exec.Command("cat", "/proc/self/timerslack_ns")
	c.Stdout = &out
	if err := Promptly(c.Start); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || strings.TrimSpace(out.String()) != "50000" {
		t.Errorf("slack of a command: %q (%v), want 50000 ns", out.String(), err)
	}
}
