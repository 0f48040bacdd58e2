package rows

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/rundir"
)

// note is a kind of row.
type note struct {
	Head
	Text string `json:"text"`
}

func notes(path string) ([]note, int64, error) {
	return Read(path, func(n note) bool { return n.Text != "" })
}

// add appends rows to a file that may be there.
func add(t *testing.T, path string, texts ...string) {
	t.Helper()
	_, size, err := notes(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, size)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if err := f.Add(note{Head{Schema: Schema, Program: Program{Commit: "abc"}}, text}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFile holds that rows come back, that half a line, such as a kill leaves, is cut off by the next
// row, and that whole lines stay.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	if list, size, err := notes(path); list != nil || size != 0 || err != nil {
		t.Errorf("no file: %v %d %v", list, size, err)
	}
	add(t, path, "a", "<b>")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(whole), "<b>") {
		t.Errorf("file is %s, want the brackets as they are", whole)
	}
	if err := os.WriteFile(path, whole[:len(whole)-9], 0o644); err != nil {
		t.Fatal(err)
	}
	add(t, path, "c")
	list, size, err := notes(path)
	if err != nil || len(list) != 2 || list[0].Text != "a" || list[1].Text != "c" || list[1].Program.Commit != "abc" {
		t.Errorf("rows are %+v, %v", list, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		t.Errorf("%d bytes counted, %v", size, err)
	}
}

// TestFileRefuses holds that a file of something else is neither read nor written to.
func TestFileRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"text": "# A page\nwith words\n", "half a page": "# A page\nwith words", "no end": "words", "schema": "{\"schema\":2,\"text\":\"a\"}\n",
		"another kind": "{\"schema\":1}\n",
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, err := notes(path)
		if !errors.Is(err, ErrRows) || !strings.Contains(err.Error(), "is no row of this program") {
			t.Errorf("%s: error is %v, want ErrRows", name, err)
		}
		if name != "another kind" {
			if _, err := Open(path, 0); err == nil {
				t.Errorf("%s: opened for rows", name)
			}
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("%s: file is now %q", name, after)
		}
	}
}

// TestFileOfTwo holds that a second writer is refused while a first writes, and after it has written
// what the second has not read.
func TestFileOfTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	first, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, 0); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("at the same time: %v, want ErrLocked", err)
	}
	if err := errors.Join(first.Add(note{Head{Schema: Schema}, "a"}), first.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, 0); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("afterwards: %v, want ErrLocked", err)
	}
}
