//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package rundir

import (
	"errors"
	"io"
	"os"
)

// Lock only makes the file: this system has no flock, so nothing keeps a second process out.
func (disk) Lock(name string) (io.Closer, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
}

// Held cannot tell on this system.
func (disk) Held(string) (bool, error) { return false, errors.ErrUnsupported }

// Exclusive does nothing on this system, which has no flock.
func Exclusive(*os.File) error { return nil }
