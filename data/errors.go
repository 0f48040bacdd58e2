package data

import (
	"errors"
	"fmt"
)

// Kinds of failure that a caller acts on.
var (
	// ErrConfig marks a setting that is out of its range.
	ErrConfig = errors.New("bad task setting")
	// ErrMissing marks a data file that is not there.
	ErrMissing = errors.New("data file missing")
	// ErrCorrupt marks a data file whose content is not what its format demands.
	ErrCorrupt = errors.New("data file corrupt")
	// ErrFetch marks a download that no mirror could serve whole and unaltered.
	ErrFetch = errors.New("download failed")
)

// FileError says what is wrong with a data file and what to do about it, in one line. It
// matches its Kind and its cause with errors.Is.
type FileError struct {
	File   string // path as opened
	Where  string // field or offset, e.g. "magic at offset 0"
	Got    string
	Want   string
	Remedy string
	Kind   error // ErrMissing or ErrCorrupt
	Err    error // cause from below, may be nil
}

// Error returns "data: FILE: WHERE is GOT, want WANT; REMEDY".
func (e *FileError) Error() string {
	return fmt.Sprintf("data: %s: %s is %s, want %s; %s", e.File, e.Where, e.Got, e.Want, e.Remedy)
}

// Unwrap returns the kind and the cause.
func (e *FileError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// fetchRemedy is the advice for a missing or broken file of a published collection.
func fetchRemedy(collection string) string {
	return "run `galvani data fetch " + collection + " --data-dir DIR`"
}
