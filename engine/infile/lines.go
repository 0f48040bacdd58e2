package infile

import (
	"bufio"
	"bytes"
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

// ErrText marks a file that is no text in UTF-8.
var ErrText = errors.New("not a text in UTF-8")

// Plain returns the text of a table without its byte order mark and with \n at the ends of lines, also where they are \r
// alone, as old programs write them.
//
// Errors: ErrText for a text in UTF-16 and for bytes that are no text, such as a compressed file.
func Plain(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("it is in UTF-16: %w; save it as UTF-8", ErrText)
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("it holds zero bytes, as a compressed file does: %w; give a table in plain text", ErrText)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.IndexByte(text, '\n') < 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return text, nil
}
