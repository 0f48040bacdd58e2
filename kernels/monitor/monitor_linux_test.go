//go:build cgo

package monitor

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
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

// TestThreadsAreUsual holds that no thread that runs Go has the slack of the monitor, however many there are.
func TestThreadsAreUsual(t *testing.T) {
	const threads = 20
	var begun, all sync.WaitGroup
	begun.Add(threads)
	all.Add(threads)
	for range threads {
		go func() {
			defer all.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			begun.Done()
			begun.Wait() // each is on a thread of its own
			if s := slack(t); s >= 10_000_000 {
				t.Errorf("slack of a thread: %d ns", s)
			}
		}()
	}
	all.Wait()
}

// TestMonitorSleepsLong holds that one thread of this process has the long slack.
func TestMonitorSleepsLong(t *testing.T) {
	threads, _ := filepath.Glob("/proc/self/task/*")
	long := 0
	for _, at := range threads {
		text, err := os.ReadFile("/proc/" + filepath.Base(at) + "/timerslack_ns")
		if err != nil {
			t.Skipf("the slack of other threads cannot be read here: %v", err)
		}
		if n, _ := strconv.Atoi(strings.TrimSpace(string(text))); n == 10_000_000 {
			long++
		}
	}
	if long != 1 {
		t.Errorf("%d of %d threads have a slack of 10 ms, want the monitor alone", long, len(threads))
	}
}
