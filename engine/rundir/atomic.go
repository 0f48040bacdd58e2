package rundir

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// tempSuffix marks files that are not finished. A crash leaves them; the next Open sweeps them.
const tempSuffix = ".tmp"

// replace writes a file so that a crash at any moment leaves either the old content or the new:
// temporary name, fsync, check, rename, fsync of the directory. Check sees the temporary
// file, closed and durable; an error from it leaves the old content in place. It may be nil.
func replace(fsys FS, name string, write func(io.Writer) error, check func(temp string) error) error {
	temp := name + tempSuffix
	err := writeTemp(fsys, temp, write)
	if err == nil && check != nil {
		err = readBack(temp, check)
	}
	if err != nil {
		_ = fsys.Remove(temp) // swept at the next Open if this fails
		return err
	}
	if err := fsys.Rename(temp, name); err != nil {
		_ = fsys.Remove(temp)
		return ioErr("rename", temp, err)
	}
	return ioErr("sync", filepath.Dir(name), fsys.SyncDir(filepath.Dir(name)))
}

// readBack checks a file that was just written. If the file is missing, it was removed since: its
// absence is an error of writing, not that of a file to read that never was there.
func readBack(temp string, check func(temp string) error) error {
	err := check(temp)
	var missing *ioError
	if errors.Is(err, fs.ErrNotExist) && errors.As(err, &missing) {
		return ioErr("read back", temp, missing.err)
	}
	return err
}

func writeTemp(fsys FS, temp string, write func(io.Writer) error) error {
	f, err := fsys.Create(temp)
	if err != nil {
		return ioErr("create", temp, err)
	}
	if err := write(f); err != nil {
		f.Close()
		return ioErr("write", temp, err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return ioErr("sync", temp, err)
	}
	return ioErr("close", temp, f.Close())
}

// replaceBytes is replace for content that lies in memory.
func replaceBytes(fsys FS, name string, b []byte) error {
	return replace(fsys, name, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	}, nil)
}

// sweep removes what writers left behind in a directory when they were killed.
func sweep(fsys FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return ioErr("list", dir, err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, tempSuffix) {
			if err := fsys.Remove(filepath.Join(dir, n)); err != nil {
				return ioErr("remove", filepath.Join(dir, n), err)
			}
		}
	}
	return nil
}

// readAll returns the content of a file.
func readAll(fsys FS, name string) ([]byte, error) {
	r, err := fsys.Open(name)
	if err != nil {
		return nil, ioErr("open", name, err)
	}
	defer r.Close()
	b := make([]byte, r.Size())
	n, err := r.ReadAt(b, 0)
	if n < len(b) {
		return nil, ioErr("read", name, err)
	}
	return b, nil
}
