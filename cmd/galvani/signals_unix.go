//go:build unix

package main

import (
	"os"
	"syscall"
)

// polite are the signals by which a terminal or a batch system announces an end: a terminal
// that hangs up, Slurm's and LSF's warnings, a limit of processor time.
var polite = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGXCPU}

// closedPipe are the signals of an output that nobody reads any more.
var closedPipe = []os.Signal{syscall.SIGPIPE}
