package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/adopt"
	"galvani/engine/group"
	"galvani/engine/infile"
	"galvani/engine/onnx"
	"galvani/engine/rundir"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models"

	"github.com/spf13/cobra"
)

// Exit codes, after sysexits.h where it has a code.
const (
	exitOK        = 0
	exitUsage     = 2  // the command line
	exitConfig    = 64 // a key, a value, a run directory in use
	exitData      = 65 // a data file or a checkpoint
	exitDevice    = 69 // a device that is not here
	exitBug       = 70 // a fault of the program
	exitNumerical = 71 // not finite
	exitIO        = 74 // disk full, no permission, input/output error
	exitStopped   = 75 // stopped on request, state saved, may be resumed

	// After a second SIGINT or SIGTERM, which ends the program at once: 128 + signal.
	exitInterrupted = 130
	exitTerminated  = 143
)

// Sentinels of the command line itself.
var (
	errUsage   = errors.New("usage")
	errStopped = errors.New("stopped")
	// errNoInput is what missingInput makes of a file that is not there.
	errNoInput = errors.New("no such input")
)

// missingInput marks the error of an input file that does not exist as bad data. An output that
// cannot be written fails with the same error of the system, but is an input/output error.
func missingInput(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return quiet{err, errNoInput}
	}
	return err
}

// quiet is an error of a kind that its text does not name.
type quiet struct {
	error
	kind error
}

func (e quiet) Unwrap() []error { return []error{e.kind, e.error} }

// exitCodes maps the kinds of failure to codes; the first that matches counts.
var exitCodes = []struct {
	kind error
	code int
}{
	{errUsage, exitUsage},
	{errStopped, exitStopped},
	{group.ErrLost, exitStopped},
	{group.ErrLauncher, exitConfig},
	{errGradient, exitBug},
	{errInput, exitData},
	{onnx.ErrModel, exitConfig},
	{errNetwork, exitData},
	{errNoInput, exitData},
	{adopt.ErrMatch, exitData},
	{config.ErrConfig, exitConfig},
	{data.ErrConfig, exitConfig},
	{models.ErrPart, exitData},
	{data.ErrMissing, exitData},
	{data.ErrCorrupt, exitData},
	{data.ErrFetch, exitIO},
	{engine.ErrOption, exitConfig},
	{experiment.ErrSettings, exitConfig},
	{rows.ErrRows, exitData},
	{kernels.ErrNotFinite, exitNumerical},
	{engine.ErrState, exitData},
	{rundir.ErrLocked, exitConfig},
	{rundir.ErrNotRun, exitConfig},
	{rundir.ErrInvalid, exitConfig},
	{rundir.ErrCorrupt, exitData},
	{rundir.ErrForeign, exitData},
	{rundir.ErrNoCheckpoint, exitData},
	{safetensors.ErrUnsupported, exitData},
	{infile.ErrNotRegular, exitData},
	{rundir.ErrIO, exitIO},
	{kernels.ErrNoDevice, exitDevice},
	{kernels.ErrMemory, exitDevice},
	{kernels.ErrLost, exitStopped},
	{kernels.ErrFault, exitBug},
	{kernels.ErrShape, exitConfig},
}

// newExitCodes makes the help topic about exit codes.
func newExitCodes() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: `Exit codes:

    0  done
    2  wrong command line
   64  bad setting, or a run directory that cannot be used
   65  bad data or checkpoint, or an input that is missing
   69  device or memory not available
   70  fault of the program
   71  a number became NaN or infinite
   74  input/output error: disk full, no permission, output that cannot be written
   75  stopped on request, state saved: may be started again with --resume
  130  ended at once by a second SIGINT (Ctrl-C)
  143  ended at once by a second SIGTERM
  141  ended by a pipe that nobody reads any more, where there is nothing to save`}
}

// exitCode returns the exit code for the error of a command.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	for _, e := range exitCodes {
		if errors.Is(err, e.kind) {
			return e.code
		}
	}
	if left := (*group.Left)(nil); errors.As(err, &left) && left.Code != 0 {
		return left.Code
	}
	var path *fs.PathError
	var link *os.LinkError
	var system syscall.Errno // of a socket, for instance
	if errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &system) {
		return exitIO
	}
	return exitBug
}
