package models

import (
	"fmt"

	"galvani/engine/infile"
	"galvani/models/unitfile"
)

// readMask reads a mask [H,H] from a file.
func readMask(path string, h int) ([]float64, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("models: rec_mask: %w: %w", err, ErrWiring)
	}
	defer f.Close()
	m, err := unitfile.Mask(f, h)
	if err != nil {
		return nil, fmt.Errorf("models: rec_mask %s: %w: %w", path, err, ErrWiring)
	}
	return m, nil
}
