package infile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrLongLine marks a line that is longer than a reader takes.
var ErrLongLine = errors.New("line too long")

// Lines calls each with every line of a text and its number from 1. Line ends, \n or \r\n, and a
// byte order mark at the beginning are cut off. A line has at most limit bytes, so that a file that
// is no text does not fill the memory.
//
// Errors: ErrLongLine with the number of the line, what r returns, or what each returns.
func Lines(r io.Reader, limit int, each func(n int, line string) error) error {
	in := bufio.NewReaderSize(r, limit+2) // with its line end
	for n := 1; ; n++ {
		raw, err := in.ReadSlice('\n')
		line := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > limit {
			return fmt.Errorf("line %d has more than %d bytes: %w; is this a text file?", n, limit, ErrLongLine)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if err == nil || line != "" {
			if err := each(n, line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}
