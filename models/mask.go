package models

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// readMask reads a mask [H,H] from a file.
func readMask(path string, h int) ([]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("models: rec_mask: %w: %w", err, ErrWiring)
	}
	defer f.Close()
	m, err := ParseMask(f, h)
	if err != nil {
		return nil, fmt.Errorf("models: rec_mask %s: %w", path, err)
	}
	return m, nil
}

// ParseMask reads which of h units reach which: h lines of h numbers 0 or 1, with commas or blanks
// between them; line i holds what unit i receives. Text from # on is a comment.
//
// Errors: ErrWiring, with the line, for anything else.
func ParseMask(r io.Reader, h int) ([]float64, error) {
	m := make([]float64, 0, h*h)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64+16*h)
	rows := 0
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		if len(fields) == 0 {
			continue
		}
		if rows++; rows > h || len(fields) != h {
			return nil, fmt.Errorf("line %d: row %d of the mask has %d numbers, want %d rows of %d for %d units: %w",
				n, rows, len(fields), h, h, h, ErrWiring)
		}
		for _, f := range fields {
			switch f {
			case "0":
				m = append(m, 0)
			case "1":
				m = append(m, 1)
			default:
				return nil, fmt.Errorf("line %d: %q, want 0 or 1: %w", n, f, ErrWiring)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrWiring)
	}
	if rows != h {
		return nil, fmt.Errorf("%d rows, want %d for %d units: %w", rows, h, h, ErrWiring)
	}
	return m, nil
}
