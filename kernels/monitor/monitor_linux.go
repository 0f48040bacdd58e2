package monitor

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// usual is the slack of a thread, in ns, where nobody sets another.
const usual = 50_000

func init() { Prompt() } // on the first thread, when the monitor is there

// Prompt gives the calling thread the usual slack. Who needs it for longer than a call locks the thread.
func Prompt() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, usual, 0, 0, 0) }

// Promptly calls f on a thread with the usual slack. A command that f starts inherits it, as it would from a shell.
func Promptly(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	Prompt()
	return f()
}
