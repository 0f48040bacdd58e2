package rundir_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
)

// session is a short run with everything that touches the disk. It returns the first error and
// the last step whose Save and SaveBest succeeded.
func session(disk rundir.FS, dir string) (saved, best int64, err error) {
	r, err := rundir.OpenOn(disk, dir)
	if err != nil {
		return 1, 1, err
	}
	saved, best = 1, 1
	err = func() error {
		s, _, err := r.Latest()
		if err != nil {
			return err
		}
		if err := r.Truncate(s.Step); err != nil {
			return err
		}
		if err := r.SetStatus(rundir.Status{Phase: rundir.Running}); err != nil {
			return err
		}
		for step := s.Step + 1; step < s.Step+5; step++ {
			if err := r.Append(day, step, map[string]float64{"loss": 1}); err != nil {
				return err
			}
			if err := r.Save(state(step, 16)); err != nil {
				return err
			}
			saved = step
			if err := r.SaveBest(state(step, 16)); err != nil {
				return err
			}
			best = step
		}
		return r.Write("plots/loss.svg", []byte("<svg/>"))
	}()
	return saved, best, errors.Join(err, r.Close())
}

// TestFaults fails every single call to the disk in turn, once or from there on. Whatever was
// saved before must still be whole and the error must say what happened.
func TestFaults(t *testing.T) {
	for _, fault := range []struct {
		errno  syscall.Errno
		lasts  bool
		writes bool // only calls that need space or permission
		remedy string
	}{
		{errno: syscall.EIO},
		{errno: syscall.EIO, lasts: true},
		{errno: syscall.ENOSPC, lasts: true, writes: true, remedy: "free some space there"},
		{errno: syscall.EROFS, lasts: true, writes: true, remedy: "choose a folder that can be written"},
	} {
		calls, silent := 0, 0
		for ; ; calls++ {
			disk := memfs.New()
			r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
			must(t, err)
			must(t, r.Append(day, 1, map[string]float64{"loss": 1}))
			must(t, r.Save(state(1, 16)))
			must(t, r.SaveBest(state(1, 16)))
			must(t, r.Close())
			n, struck := 0, ""
			disk.Before = func(call, name string) error {
				n++
				if fault.writes && (call == "Read" || call == "Open" || call == "List" || call == "Close" || call == "Remove") {
					return nil
				}
				if n-1 == calls || fault.lasts && n-1 > calls {
					if struck == "" {
						struck = call + " " + filepath.Base(name)
					}
					return fault.errno
				}
				return nil
			}
			saved, best, err := session(disk, r.Dir())
			if n <= calls {
				must(t, err)
				break
			}
			where := fmt.Sprintf("%v at call %d (%s)", fault.errno, calls, struck)
			switch {
			case struck == "":
			case err == nil && mayFail(struck):
				silent++
			case !errors.Is(err, rundir.ErrIO), !errors.Is(err, fault.errno), !strings.Contains(err.Error(), fault.remedy):
				t.Errorf("%s: got %v, want ErrIO and %q", where, err, fault.remedy)
			}
			disk.Before = nil
			verifyAfter(t, where, disk, r.Dir(), saved, best)
			verifyAfter(t, where+", then a power cut", disk.Crash(nil), r.Dir(), saved, best)
		}
		if calls < 60 {
			t.Errorf("%v: %d calls failed, want more than 60", fault.errno, calls)
		}
		t.Logf("%v, lasting %v: %d calls, %d without consequence", fault.errno, fault.lasts, calls, silent)
	}
}

// TestFaultsCreate fails every call that makes a run directory. The next try must succeed.
func TestFaultsCreate(t *testing.T) {
	calls := 0
	for ; ; calls++ {
		disk, n := memfs.New(), 0
		disk.Before = func(string, string) error {
			if n++; n == calls+1 {
				return syscall.EACCES
			}
			return nil
		}
		_, err := rundir.CreateOn(disk, "a/runs", "crnn", "looming", day)
		if n <= calls {
			must(t, err)
			break
		}
		wantError(t, err, rundir.ErrIO, "permission denied; choose a folder that can be written")
		if left, err := disk.List("a/runs"); err == nil && len(left) > 0 {
			t.Errorf("call %d failed and left %v", calls, left)
		}
		r, err := rundir.CreateOn(disk.Crash(nil), "a/runs", "crnn", "looming", day)
		must(t, err)
		must(t, r.Close())
	}
	if calls < 15 {
		t.Errorf("%d calls failed, want more than 15", calls)
	}
}

// TestDiscard leaves nothing of a run that could not begin on a full disk, and a run as it is that was there before.
func TestDiscard(t *testing.T) {
	disk, full := memfs.New(), false
	disk.Before = func(call, name string) error {
		if full && (call == "Write" || call == "Sync") {
			return syscall.ENOSPC
		}
		return nil
	}
	r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	r.Log().Info("begin")
	full = true
	cause := r.Write("config.toml", []byte("model = 1"))
	wantError(t, cause, rundir.ErrIO, "free some space there")
	if err := r.Discard(cause); err != cause {
		t.Errorf("Discard returned %v, want the error that it was given", err)
	}
	if left, err := disk.List("runs"); err != nil || len(left) > 0 {
		t.Errorf("there are %v, error %v", left, err)
	}
	full = false
	r, err = rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	must(t, r.Close())
	again, err := rundir.OpenOn(disk, r.Dir())
	must(t, err)
	if err := again.Discard(cause); err != cause {
		t.Errorf("Discard returned %v, want the error that it was given", err)
	}
	if left, err := disk.List(r.Dir()); err != nil || len(left) == 0 {
		t.Errorf("of a run that was opened there are %v, error %v", left, err)
	}
	r, err = rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	disk.Before = func(call, name string) error {
		if call == "Remove" {
			return syscall.EROFS
		}
		return nil
	}
	if err := r.Discard(cause); !errors.Is(err, cause) || !strings.Contains(err.Error(), "; rundir: remove "+r.Dir()) {
		t.Errorf("Discard of a folder that stays returned %v", err)
	}
}

// TestUnreadable has a checkpoint that the disk fails to read, for Latest and for Best. It must
// not be passed over: the next Save would remove it.
func TestUnreadable(t *testing.T) {
	disk := memfs.New()
	r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	must(t, r.Save(state(1, 16)))
	must(t, r.Save(state(2, 16)))
	disk.Before = func(call, name string) error {
		if call == "Read" && strings.Contains(name, "step-000000000002") {
			return syscall.EIO
		}
		return nil
	}
	_, _, err = r.Latest()
	wantError(t, err, rundir.ErrIO, "step-000000000002", "remove it to resume from the one before")
	must(t, disk.Remove(r.Dir()+"/checkpoints/step-000000000002.safetensors"))
	s, _, err := r.Latest()
	must(t, err)
	must(t, whole(s))

	must(t, r.SaveBest(state(3, 16)))
	must(t, disk.Remove(r.Dir()+"/checkpoints/step-000000000001.safetensors"))
	disk.Before = func(call, name string) error {
		if call == "Open" {
			return syscall.EIO
		}
		return nil
	}
	_, err = r.Best()
	wantError(t, err, rundir.ErrIO, "best.safetensors")
	_, _, err = r.Latest()
	wantError(t, err, rundir.ErrIO, "best.safetensors")
	disk.Before = nil
	must(t, r.Close())
}

// TestVanished has a checkpoint that the writer removes after a reader has listed it.
func TestVanished(t *testing.T) {
	disk, r := inMemory(t)
	must(t, r.Save(state(1, 16)))
	must(t, r.Save(state(2, 16)))
	disk.Before = func(call, name string) error {
		if call == "Open" && strings.Contains(name, "step-000000000002") {
			return fs.ErrNotExist
		}
		return nil
	}
	s, skipped, err := r.Latest()
	must(t, err)
	if s.Step != 1 || len(skipped) > 0 {
		t.Errorf("latest is step %d, skipped %v, want step 1 and none", s.Step, skipped)
	}
	disk.Before = nil
}

// mayFail tells the calls whose failure costs nothing: cleaning up, and the log.
func mayFail(call string) bool {
	old := strings.HasSuffix(call, ".safetensors") && !strings.HasPrefix(call, "Rename ") // a look at one that may be damaged
	return strings.HasPrefix(call, "Remove ") || strings.HasPrefix(call, "List checkpoints") || call == "Write log.jsonl" || old
}

func verifyAfter(t *testing.T, where string, disk *memfs.FS, dir string, saved, best int64) {
	t.Helper()
	r, err := rundir.OpenOn(disk.Crash(nil), dir) // a crash also frees the lock
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	s, skipped, err := r.Latest()
	if err != nil || len(skipped) > 0 || s.Step < saved || whole(s) != nil {
		t.Errorf("%s: latest is %v (skipped %v), %v, want step %d", where, s, skipped, err, saved)
	}
	b, err := r.Best()
	if err != nil || b.Step < best || whole(b) != nil {
		t.Errorf("%s: best is %v, %v, want step %d", where, b, err, best)
	}
	rows, err := r.Metrics()
	if err != nil || int64(len(rows)) < saved {
		t.Errorf("%s: %d rows, %v, want %d", where, len(rows), err, saved)
	}
	must(t, r.Close())
}

// TestReadBack has a disk that gives back something else than it was given.
func TestReadBack(t *testing.T) {
	disk := memfs.New()
	r, err := rundir.CreateOn(disk, "runs", "crnn", "looming", day)
	must(t, err)
	must(t, r.Save(state(1, 16)))
	liar := &lyingFS{FS: disk}
	must(t, r.Close())
	r, err = rundir.OpenOn(liar, r.Dir())
	must(t, err)
	liar.lie = true
	err = r.Save(state(2, 16))
	wantError(t, err, rundir.ErrIO, "read back", "step-000000000002")
	if errors.Is(err, rundir.ErrCorrupt) {
		t.Error("a disk that fails is taken for a file that was bad before")
	}
	liar.lie = false
	s, skipped, err := r.Latest()
	must(t, err)
	if s.Step != 1 || len(skipped) > 0 {
		t.Errorf("latest is step %d, skipped %v, want step 1 alone", s.Step, skipped)
	}
	must(t, r.Close())
}

// lyingFS flips a bit in what is read.
type lyingFS struct {
	rundir.FS
	lie bool
}

func (f *lyingFS) Open(name string) (rundir.Reader, error) {
	r, err := f.FS.Open(name)
	if err == nil && f.lie {
		return lyingReader{r}, nil
	}
	return r, err
}

type lyingReader struct{ rundir.Reader }

func (r lyingReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := r.Reader.ReadAt(b, at)
	if n == len(b) && n > 8 {
		b[n-1] ^= 1
	}
	return n, err
}
