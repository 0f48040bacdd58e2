package infile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNotRegular marks a path that names something other than a regular file, such as a pipe.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file for reading; links are followed. It never waits: a named pipe without a
// writer, a socket, a device and a folder are refused before they are opened.
//
// Errors: ErrNotRegular, or those of package os; both name the path.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := Regular(path, info.Mode()); err != nil {
		return nil, err
	}
	// Should a pipe have taken the place of the file meanwhile, O_NONBLOCK keeps it from blocking.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = Regular(path, info.Mode())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read returns the content of a regular file.
//
// Errors: those of Open, or those of package os.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// Regular refuses a mode that is not that of a regular file.
//
// Errors: ErrNotRegular, with the path and what it names.
func Regular(path string, mode fs.FileMode) error {
	if mode.IsRegular() {
		return nil
	}
	return special{path, kind(mode)}
}

// special is the error of a path that is no regular file.
type special struct{ path, kind string }

func (e special) Error() string { return e.path + " is " + e.kind + ", want a regular file" }

// Is matches ErrNotRegular.
func (e special) Is(target error) bool { return target == ErrNotRegular }

// kind names what a path is besides a regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
