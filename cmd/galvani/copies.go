package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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

// keepCopies copies the files that keys name into the run directory, so that the run can be read
// wherever it lies and whatever becomes of the files.
func (s *settings) keepCopies(run *rundir.Run) error {
	for _, k := range s.Keys() {
		if k.File() == "" {
			continue
		}
		content, err := infile.Read(k.File())
		if err != nil {
			return fmt.Errorf("key %q: %w", k.Name, err)
		}
		if err := run.Write(copyName(k.Name), content); err != nil {
			return err
		}
	}
	return nil
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
