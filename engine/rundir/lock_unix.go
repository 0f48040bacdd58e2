//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package rundir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// lockTries and lockPause say how long Lock waits for a lock that is held.
const (
	lockTries = 3
	lockPause = 10 * time.Millisecond
)

// Lock takes a flock on the file and writes the process number into it. The kernel drops the
// lock when the process ends, however it ends.
func (disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	err = Exclusive(f)
	for range lockTries {
		if !errors.Is(err, ErrLocked) {
			break
		}
		time.Sleep(lockPause) // Held takes the lock for a moment
		err = Exclusive(f)
	}
	if errors.Is(err, ErrLocked) {
		defer f.Close()
		holder, _ := io.ReadAll(io.LimitReader(f, 20)) // only makes the message better
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			return nil, fmt.Errorf("%w: by process %s", ErrLocked, pid)
		}
		return nil, ErrLocked
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Held asks for a lock that many may share, which nobody gets beside that of Lock.
func (disk) Held(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // gives the lock back
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// Exclusive keeps every other process that asks for the same out of a file until it is closed.
//
// Errors: ErrLocked if another has it.
func Exclusive(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
