package infile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		if got, err := Read(p); err != nil || string(got) != "content" {
			t.Errorf("%s holds %q, error %v", p, got, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error of a missing file is %v", err)
	}
	_, err := Open(dir)
	if !errors.Is(err, ErrNotRegular) || err.Error() != dir+" is a folder, want a regular file" {
		t.Errorf("error of a folder is %v", err)
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"\ufeffa\r\n\nb ", []string{"a", "", "b "}},
		{strings.Repeat("x", 20) + "\r\ny", []string{strings.Repeat("x", 20), "y"}},
	} {
		var got []string
		err := Lines(strings.NewReader(c.text), 20, func(n int, line string) error {
			if got = append(got, line); n != len(got) {
				t.Errorf("%q: line %d has number %d", c.text, len(got), n)
			}
			return nil
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: lines %q, want %q, error %v", c.text, got, c.want, err)
		}
	}
	for _, long := range []string{"a\n" + strings.Repeat("x", 21), "a\n" + strings.Repeat("x", 21) + "\nb", "a\n" + strings.Repeat("x", 1000)} {
		err := Lines(strings.NewReader(long), 20, func(int, string) error { return nil })
		if !errors.Is(err, ErrLongLine) || !strings.HasPrefix(err.Error(), "line 2 has more than 20 bytes") {
			t.Errorf("error of a long line is %v", err)
		}
	}
	stop := errors.New("stop")
	if err := Lines(strings.NewReader("a\nb"), 20, func(int, string) error { return stop }); err != stop {
		t.Errorf("error is %v, want that of the caller", err)
	}
}
