package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/infile"
	"galvani/engine/rundir"
)

// copyName is the name in a run directory of the copy of the file that a key names.
func copyName(key string) string { return key + ".txt" }

// copyIn returns the path of the copy in a folder; empty where there is none.
func copyIn(dir, key string) (string, error) {
	path := filepath.Join(dir, copyName(key))
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, err
}

// namedFiles returns the contents of the files that keys name, by key.
func (s *settings) namedFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, k := range s.Keys() {
		if k.File() == "" {
			continue
		}
		content, err := infile.Read(k.File())
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.Name, err)
		}
		files[k.Name] = content
	}
	return files, nil
}

// keepCopies copies the files that keys name into the run directory, so that the run can be read
// wherever it lies and whatever becomes of the files.
func (s *settings) keepCopies(run *rundir.Run) error {
	files, err := s.namedFiles()
	for _, key := range slices.Sorted(maps.Keys(files)) {
		err = cmp.Or(err, run.Write(copyName(key), files[key]))
	}
	return err
}

// takeCopies makes the keys that name files read the copies in a run directory. What file returns
// stays as it was. Runs from before there were copies read the files themselves.
func (s *settings) takeCopies(dir string) error {
	var pairs []config.Pair
	for _, k := range s.Keys() {
		if k.File() == "" {
			continue
		}
		path, err := copyIn(dir, k.Name)
		if err != nil {
			return err
		}
		if path != "" {
			pairs = append(pairs, config.Pair{Name: k.Name, Value: path})
		}
	}
	if pairs == nil {
		return nil
	}
	text, err := s.file()
	if err != nil {
		return err
	}
	s.written = text
	return s.Apply(pairs)
}

// takeCopies makes a layer that is the unchanged file of a run name the copies beside it.
func (l *layer) takeCopies() error {
	for i, p := range l.pairs {
		path, err := copyIn(filepath.Dir(l.name), p.Name)
		if err != nil {
			return err
		}
		if path != "" {
			l.pairs[i].Value = path
		}
	}
	return nil
}
