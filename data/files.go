package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// findFile returns the first of the names that exists in the first of the folders below dir.
//
// Errors: ErrMissing.
func findFile(dir string, folders, names []string, collection string) (string, error) {
	var first error
	for _, folder := range folders {
		for _, name := range names {
			path := filepath.Join(dir, folder, name)
			_, err := os.Stat(path)
			if err == nil {
				return path, nil
			}
			if first == nil || !errors.Is(err, fs.ErrNotExist) {
				first = err
			}
		}
	}
	return "", &FileError{File: filepath.Join(dir, names[0]), Where: "the file", Got: "not there, nor in the folder " + strings.Join(folders[1:], " or "),
		Want: "a file of the " + collection + " collection", Remedy: fetchRemedy(collection), Kind: ErrMissing, Err: first}
}

// isSystem tells a failure of the file system, such as a folder in place of a file or a
// broken disk, from bad content.
func isSystem(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path)
}

// systemError wraps what the file system says; it names the file itself.
func systemError(err error) error { return fmt.Errorf("data: cannot read data file: %w", err) }
