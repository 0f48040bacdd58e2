package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"galvani/engine/rundir"
)

// ErrRows is wrapped by every error about the content of a file of rows.
var ErrRows = errors.New("bad file of rows")

// Versioned is a row: a type that embeds Head.
type Versioned interface{ Version() int }

// Read reads all whole lines of a file and returns with them how many bytes they are. A file that is
// not there has none. A last line without an end was cut off while it was written, and counts as not
// there; valid, where it is not nil, says whether a row is one of its kind.
//
// Errors: ErrRows with the line, also for a row of another schema; those of the file.
func Read[R Versioned](path string, valid func(R) bool) (list []R, size int64, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	if rest := text[end:]; len(rest) > 0 && rest[0] != '{' {
		return nil, 0, notRow(path, bytes.Count(text[:end], []byte("\n"))+1)
	}
	n := 0
	for line := range bytes.Lines(text[:end]) {
		n++
		var r R
		if err := json.Unmarshal(line, &r); err != nil || r.Version() != Schema || valid != nil && !valid(r) {
			return nil, 0, notRow(path, n)
		}
		list = append(list, r)
	}
	return list, int64(end), nil
}

func notRow(path string, line int) error {
	return fmt.Errorf("rows: %s: line %d is no row of this program; move the file away: %w", path, line, ErrRows)
}

// File is a file of rows that is added to, each row whole and on the disk before the next.
type File struct{ file *os.File }

// Open opens a file of rows behind its first size bytes, which Read has returned, and cuts off the
// rest, which is no whole line.
//
// Errors: rundir.ErrLocked while another process adds to the file, or has done so since it was read;
// ErrRows; those of the file.
func Open(path string, size int64) (*File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	whole := size
	if err = rundir.Exclusive(f); err == nil {
		_, whole, err = Read[Head](path, nil)
	}
	if err == nil && whole != size {
		err = rundir.ErrLocked
	}
	if errors.Is(err, rundir.ErrLocked) {
		err = fmt.Errorf("rows: another run adds to %s: wait for it or choose another --out: %w", path, err)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{f}, nil
}

// Add adds a row.
func (f *File) Add(r Versioned) error {
	line, err := Line(r)
	if err != nil {
		return err
	}
	if _, err := f.file.Write(line); err != nil {
		return err
	}
	return f.file.Sync()
}

// Close closes the file and gives its lock back.
func (f *File) Close() error { return f.file.Close() }

// Line writes a row as one line of JSON.
func Line(r Versioned) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("rows: %w", err)
	}
	return b.Bytes(), nil
}
