package memfs

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"galvani/engine/rundir"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes a file and leaves it open.
func put(t *testing.T, f *FS, name, content string) rundir.File {
	t.Helper()
	w, err := f.Create(name)
	must(t, err)
	_, err = w.Write([]byte(content))
	must(t, err)
	return w
}

// content returns what stands in a file, "-" if there is none.
func content(t *testing.T, f *FS, name string) string {
	t.Helper()
	r, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	must(t, err)
	b := make([]byte, r.Size())
	_, err = r.ReadAt(b, 0)
	if len(b) > 0 {
		must(t, err)
	}
	return string(b)
}

// TestCrash walks through an atomic write and looks after each call what a power cut leaves.
func TestCrash(t *testing.T) {
	f := New()
	check := func(where, a, temp string) {
		t.Helper()
		after := f.Crash(nil)
		if got := content(t, after, "a"); got != a {
			t.Errorf("%s: a is %q after the crash, want %q", where, got, a)
		}
		if got := content(t, after, "a.tmp"); got != temp {
			t.Errorf("%s: a.tmp is %q after the crash, want %q", where, got, temp)
		}
	}
	w := put(t, f, "a", "old")
	check("written", "-", "-")
	must(t, w.Sync())
	check("file synced, not the name", "-", "-")
	must(t, f.SyncDir("."))
	check("both synced", "old", "-")
	w = put(t, f, "a.tmp", "new")
	must(t, f.SyncDir("."))
	check("name synced, not the file", "old", "")
	must(t, w.Sync())
	check("temporary file synced", "old", "new")
	must(t, f.Rename("a.tmp", "a"))
	check("renamed", "old", "new")
	must(t, f.SyncDir("."))
	check("rename synced", "new", "-")
	must(t, f.Remove("a"))
	check("removed", "new", "-")
	must(t, f.SyncDir("."))
	check("removal synced", "-", "-")
}

// TestTear wants every unsynced end that a crash may leave, and the synced part in each.
func TestTear(t *testing.T) {
	f := New()
	w := put(t, f, "a", "safe")
	must(t, w.Sync())
	must(t, f.SyncDir("."))
	_, err := w.Write([]byte("ty"))
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[string]bool{}
	for range 200 {
		seen[content(t, f.Crash(rng), "a")] = true
	}
	for _, want := range []string{"safe", "safet", "safety", "safe\x00\x00", "safet\x00"} {
		if !seen[want] {
			t.Errorf("no crash leaves %q", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("crashes also leave %v", seen)
	}
}

func TestErrors(t *testing.T) {
	f := New()
	must(t, f.Mkdir("d"))
	put(t, f, "d/a", "")
	_, openMissing := f.Open("d/b")
	_, openBelow := f.Open("x/y")
	_, openDir := f.Create("d")
	_, listFile := f.List("d/a")
	_, createBelowFile := f.Create("d/a/b")
	for _, c := range []struct{ got, want error }{
		{f.Mkdir("d"), fs.ErrExist}, {f.Mkdir("."), fs.ErrExist}, {f.Mkdir("x/y"), fs.ErrNotExist},
		{openMissing, fs.ErrNotExist}, {openBelow, fs.ErrNotExist}, {openDir, syscall.EISDIR},
		{listFile, syscall.ENOTDIR}, {createBelowFile, syscall.ENOTDIR},
		{f.Remove("d/b"), fs.ErrNotExist}, {f.Rename("d/b", "d/c"), fs.ErrNotExist},
		{f.Rename("d/a", "a"), errors.ErrUnsupported}, {f.SyncDir("x"), fs.ErrNotExist},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
	names, err := f.List("d")
	must(t, err)
	if !slices.Equal(names, []string{"a"}) {
		t.Errorf("names %q", names)
	}
	l, err := f.Lock("lock")
	must(t, err)
	if _, err := f.Lock("./lock"); !errors.Is(err, rundir.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	must(t, l.Close())
	_, err = f.Lock("lock")
	must(t, err)

	w := put(t, f, "half", "")
	f.Before = func(call, _ string) error { return syscall.ENOSPC }
	n, err := w.Write([]byte("1234"))
	if n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("failed write: %d, %v, want 2 and ENOSPC", n, err)
	}
	f.Before = nil
	if got := content(t, f, "half"); got != "12" {
		t.Errorf("after a failed write the file holds %q, want half of it", got)
	}
}
