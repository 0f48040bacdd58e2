package rundir

import (
	"io"
	"os"

	"galvani/engine/infile"
)

// FS is what a run directory needs from a file system. Its one use besides the real one is to
// fail on purpose: package memfs loses what was not synced and refuses calls.
//
// Errors are those of package os: fs.ErrExist, fs.ErrNotExist, syscall.Errno.
type FS interface {
	// Mkdir makes one directory; fs.ErrExist if the name is taken.
	Mkdir(dir string) error
	// Create opens a file for writing, new or emptied.
	Create(name string) (File, error)
	// Append opens a file for writing at its end, new if missing.
	Append(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (Reader, error)
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Rename moves a file, replacing the target in one step.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock that ends with Close or with the process; ErrLocked if
	// another one holds it.
	Lock(name string) (io.Closer, error)
	// Held reports whether a lock is held, by this process or another; errors.ErrUnsupported
	// where the system cannot tell.
	Held(name string) (bool, error)
}

// File is a file open for writing.
type File interface {
	io.WriteCloser
	Sync() error // makes the content durable, not the name
}

// Reader is a file open for reading.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Disk returns the file system of the machine.
func Disk() FS { return disk{} }

type disk struct{}

func (disk) Mkdir(dir string) error { return os.Mkdir(dir, 0o777) }

func (disk) Create(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (disk) Append(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
}

func (disk) Open(name string) (Reader, error) {
	f, err := infile.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return diskReader{f, info.Size()}, nil
}

func (disk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }

func (disk) Remove(name string) error { return os.Remove(name) }

func (disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type diskReader struct {
	*os.File
	size int64
}

func (r diskReader) Size() int64 { return r.size }
