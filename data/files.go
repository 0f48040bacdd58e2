package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"galvani/engine/infile"
)

// findFile returns the first of the names that exists in the first of the folders below dir.
// The folder that Fetch writes to comes first, so that a fetched file wins over a broken one.
//
// Errors: ErrMissing, or what the file system says.
func findFile(dir string, folders, names []string, remedy string) (string, error) {
	var places []string
	for _, folder := range folders {
		place := filepath.Join(dir, folder)
		places = append(places, place)
		for _, name := range names {
			path := filepath.Join(place, name)
			_, err := os.Stat(path)
			if err == nil {
				return path, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", systemError(err)
			}
		}
	}
	return "", &FileError{File: names[0], Where: "the file", Got: "missing", Want: "it in " + strings.Join(places, " or "),
		Remedy: remedy, Kind: ErrMissing, Err: fs.ErrNotExist}
}

// openFile opens a data file, which is a regular one.
func openFile(path string) (*os.File, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, systemError(err)
	}
	return f, nil
}

// isSystem tells a failure of the file system, such as a folder in place of a file or a
// broken disk, from bad content.
func isSystem(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) || errors.Is(err, infile.ErrNotRegular)
}

// systemError wraps what the file system says; it names the file itself.
func systemError(err error) error {
	if errors.Is(err, syscall.ENOTDIR) { // and a part of its path is a file
		return fmt.Errorf("data: cannot read data file: %w; give a folder", err)
	}
	return fmt.Errorf("data: cannot read data file: %w", err)
}
