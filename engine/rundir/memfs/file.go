package memfs

import (
	"bytes"
	"slices"
	"syscall"
)

// file is a file open for writing at its end.
type file struct {
	fs   *FS
	name string
	n    *node
}

func (f *file) Write(b []byte) (int, error) {
	err := f.fs.before("Write", f.name)
	if err != nil {
		b = b[:len(b)/2]
		err = pathError("Write", f.name, err)
	}
	if left := f.fs.Limit - f.fs.Used(); f.fs.Limit > 0 && int64(len(b)) > left {
		b = b[:max(left, 0)]
		err = pathError("Write", f.name, syscall.ENOSPC)
	}
	f.n.data = slices.Concat(f.n.data, b)
	return len(b), err
}

func (f *file) Sync() error {
	if err := f.fs.before("Sync", f.name); err != nil {
		return pathError("Sync", f.name, err)
	}
	if !f.fs.ignored("Sync", f.name) {
		f.n.synced = f.n.data
	}
	return nil
}

func (f *file) Close() error {
	if err := f.fs.before("Close", f.name); err != nil {
		return pathError("Close", f.name, err)
	}
	return nil
}

// reader is a file open for reading.
type reader struct {
	fs   *FS
	name string
	n    *node
}

func (r *reader) ReadAt(b []byte, at int64) (int, error) {
	if err := r.fs.before("Read", r.name); err != nil {
		return 0, pathError("Read", r.name, err)
	}
	return bytes.NewReader(r.n.data).ReadAt(b, at)
}

func (r *reader) Size() int64 { return int64(len(r.n.data)) }

func (r *reader) Close() error { return nil }
