package unitfile

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"galvani/engine/infile"
)

// Mask reads which of h units reach which: h lines of h numbers 0 or 1, with commas or blanks
// between them or nothing; line i holds what unit i receives. Text from # on is a comment.
//
// Errors: those of r, or an error with the line for anything else.
func Mask(r io.Reader, h int) ([]float64, error) {
	m := make([]float64, 0, h*h)
	rows := 0
	err := infile.Lines(r, mostText+32*h, func(n int, text string) error {
		text, _, _ = strings.Cut(text, "#")
		before := len(m)
		for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' }) {
			var ok bool
			if m, ok = appendMask(m, f); !ok {
				return fmt.Errorf("line %d: %.40q, want 0 or 1", n, f)
			}
		}
		count := len(m) - before
		if count == 0 {
			return nil
		}
		if rows++; rows > h || count != h {
			return fmt.Errorf("line %d: row %d of the mask has %d numbers, want %d rows of %d for %d units", n, rows, count, h, h, h)
		}
		return nil
	})
	if err == nil && rows != h {
		err = fmt.Errorf("%d rows, want %d for %d units", rows, h, h)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// appendMask appends what a field holds: digits 0 and 1 that each stand for a unit, or one number
// such as 1.0.
func appendMask(m []float64, field string) ([]float64, bool) {
	if strings.Trim(field, "01") == "" {
		for _, digit := range field {
			m = append(m, float64(digit-'0'))
		}
		return m, true
	}
	v, err := strconv.ParseFloat(field, 64)
	return append(m, v), err == nil && (v == 0 || v == 1)
}
