package data

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"galvani/engine/infile"
)

// name is the name of the member on disk. It comes from our own table, never from an archive,
// so an archive cannot write anywhere else.
func (m Member) name() string { return path.Base(m.Path) }

// unpack takes the members out of a tar.gz into folder. Everything else in it is passed over.
// Each file takes its name when it is whole and on disk.
//
// Errors: ErrCorrupt if a member is missing or not a file of its size.
func unpack(archive, folder string, members []Member) error {
	f, err := infile.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := newGunzip(bufio.NewReader(f))
	if err != nil {
		return archiveError(err)
	}
	// Members, their padding and a generous rest: an endless archive ends here.
	limit := int64(1 << 20)
	missing := map[string]Member{}
	for _, m := range members {
		limit += m.Bytes + 1<<10
		missing[m.Path] = m
	}
	r := tar.NewReader(io.LimitReader(z, limit))
	for len(missing) > 0 {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return archiveError(fmt.Errorf("%d of %d members are missing", len(missing), len(members)))
		}
		if err != nil {
			return archiveError(err)
		}
		m, wanted := missing[path.Clean(h.Name)]
		if !wanted {
			continue
		}
		if h.Typeflag != tar.TypeReg || h.Size != m.Bytes {
			return archiveError(fmt.Errorf("member %s is of type %q with %d bytes, want a file of %d", m.Path, h.Typeflag, h.Size, m.Bytes))
		}
		if err := writeWhole(filepath.Join(folder, m.name()), r); err != nil {
			return err
		}
		delete(missing, m.Path)
	}
	return syncFolder(folder)
}

// writeWhole writes r to a temporary name and renames it when it is on disk.
func writeWhole(name string, r io.Reader) (err error) {
	part := name + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part) // the error at hand matters more
		}
	}()
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		if isSystem(err) {
			return err
		}
		return archiveError(err)
	}
	return os.Rename(part, name)
}

func archiveError(err error) error { return fmt.Errorf("%w: archive: %w", ErrCorrupt, err) }
