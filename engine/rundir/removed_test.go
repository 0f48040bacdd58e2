package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemovedBeforeReadBack takes a file away between its writing and its check, and wants the error
// of a folder that was removed.
func TestRemovedBeforeReadBack(t *testing.T) {
	temp := filepath.Join(t.TempDir(), "file"+tempSuffix)
	err := readBack(temp, func(name string) error {
		_, err := os.Open(name)
		return ioErr("open", name, err)
	})
	if !errors.Is(err, ErrIO) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("error is %v, want one of a folder that was removed", err)
	}
	other := errors.New("damaged")
	if err := readBack(temp, func(string) error { return other }); err != other {
		t.Errorf("error is %v, want %v", err, other)
	}
}
