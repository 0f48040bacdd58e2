package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"galvani/engine/safetensors"
)

// The kinds of failure that a caller acts on.
var (
	// ErrIO marks a failure of the file system: disk full, no permission, read error.
	ErrIO = errors.New("input/output")
	// ErrCorrupt marks a file that is damaged; what package safetensors calls corrupt is one.
	ErrCorrupt = safetensors.ErrCorrupt
	// ErrForeign marks a sound file that is no checkpoint of this program.
	ErrForeign = errors.New("not a galvani checkpoint")
	// ErrLocked marks a run directory, or the folder of a sweep or a fit, that another process is writing to.
	ErrLocked = errors.New("folder is in use")
	// ErrNotRun marks a path that is no run directory.
	ErrNotRun = errors.New("not a run directory")
	// ErrNoCheckpoint marks a run directory without any checkpoint.
	ErrNoCheckpoint = errors.New("no checkpoint")
	// ErrInvalid marks an argument that cannot be stored.
	ErrInvalid = errors.New("cannot be stored")
)

// ioError is a failure of the file system: what was tried, on which path, and what helps.
type ioError struct {
	op, path string
	err      error
}

func (e *ioError) Error() string {
	return fmt.Sprintf("rundir: %s %s: %v%s", e.op, e.path, e.err, e.remedy())
}

// Unwrap makes the error both an ErrIO and its cause.
func (e *ioError) Unwrap() []error { return []error{ErrIO, e.err} }

// ioErr wraps a failure of the file system, nil stays nil. Package os names operation and path
// in its own errors; that is taken off again.
func ioErr(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &ioError{op, path, err}
}

func (e *ioError) remedy() string {
	err := e.err
	switch {
	case errors.Is(err, fs.ErrNotExist) && !e.reads():
		return "; the folder was removed or moved while the run went on"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "; free some space there"
	case errors.Is(err, syscall.EFBIG):
		return "; raise the limit of file sizes (ulimit -f)"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return "; choose a folder that can be written"
	}
	return ""
}

// reads tells what fails on a file that is not there from what makes it.
func (e *ioError) reads() bool { return e.op == "open" || e.op == "read" || e.op == "list" }
