package rundir_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
)

// promise is what a run directory has promised so far.
type promise struct {
	dir        string // "" before Create has returned
	step, best int64  // of the last acknowledged checkpoint, -1 for none
	rows       int    // appended before it
}

// history trains for a while: saves, better scores, rows of metrics, restarts. Disk calls
// point before every call that changes something, with the promise of that moment.
func history(rng *rand.Rand, disk *memfs.FS, point func(promise)) error {
	p := promise{step: -1, best: -1}
	disk.Before = func(call, _ string) error {
		switch call {
		case "Open", "Read", "List", "Close":
		default:
			point(p)
		}
		return nil
	}
	r, err := rundir.CreateOn(disk, "a/runs", "crnn", "looming", day)
	if err != nil {
		return err
	}
	p.dir = r.Dir()
	rows := 0
	for step := range int64(2 + rng.IntN(4)) {
		for range rng.IntN(3) {
			if err := r.Append(day, step, map[string]float64{"loss": 1 / float64(step+1)}); err != nil {
				return err
			}
			rows++
		}
		if rng.IntN(4) > 0 {
			if err := r.Save(state(step, 8)); err != nil {
				return err
			}
			p.step, p.rows = step, rows
		}
		if rng.IntN(4) == 0 {
			if err := r.SaveBest(state(step, 8)); err != nil {
				return err
			}
			p.best = step
		}
		if rng.IntN(4) == 0 {
			if err := r.Close(); err != nil {
				return err
			}
			if r, err = rundir.OpenOn(disk, p.dir); err != nil {
				return err
			}
		}
	}
	point(p)
	return r.Close()
}

// check opens what a crash has left, holds it against the promise and may go on with the run.
func check(disk *memfs.FS, p promise, goOn bool) error {
	if p.dir == "" {
		return nil
	}
	r, err := rundir.OpenOn(disk, p.dir)
	if err != nil {
		return err
	}
	for _, sub := range []string{"", "/checkpoints", "/plots"} {
		names, err := disk.List(p.dir + sub)
		if err != nil {
			return err
		}
		for _, n := range names {
			if strings.HasSuffix(n, ".tmp") {
				return fmt.Errorf("%s is not swept", n)
			}
		}
	}
	s, skipped, err := r.Latest()
	switch {
	case errors.Is(err, rundir.ErrNoCheckpoint) && p.step < 0:
		s = &rundir.State{Step: -1}
	case err != nil:
		return err
	case len(skipped) > 0:
		return fmt.Errorf("corrupt file is visible: %w", skipped[0])
	case s.Step < p.step:
		return fmt.Errorf("latest is step %d, acknowledged was %d", s.Step, p.step)
	default:
		if err := whole(s); err != nil {
			return err
		}
	}
	if p.best >= 0 {
		b, err := r.Best()
		if err != nil {
			return err
		}
		if b.Step < p.best || whole(b) != nil {
			return fmt.Errorf("best is step %d (%v), acknowledged was %d", b.Step, whole(b), p.best)
		}
	}
	if err := r.Truncate(max(s.Step, p.step)); err != nil {
		return err
	}
	rows, err := r.Metrics()
	if err != nil {
		return err
	}
	if len(rows) < p.rows {
		return fmt.Errorf("%d rows of metrics, acknowledged were %d", len(rows), p.rows)
	}
	if !goOn {
		return r.Close()
	}
	if err := r.Append(day, s.Step+1, map[string]float64{"loss": 0}); err != nil {
		return err
	}
	if err := r.Save(state(s.Step+1, 8)); err != nil {
		return err
	}
	s2, _, err := r.Latest()
	if err != nil {
		return err
	}
	if s2.Step != s.Step+1 {
		return fmt.Errorf("latest is step %d after saving %d", s2.Step, s.Step+1)
	}
	return r.Close()
}

// powerCuts runs histories and cuts the power at every point of each, in turn losing all that
// was not synced and losing a random part; every fifth time the run goes on afterwards. It
// returns the number of cuts and the first broken promise.
func powerCuts(histories int, spoil func(*memfs.FS)) (cuts int, err error) {
	for seed := range histories {
		disk := memfs.New()
		spoil(disk)
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		var broken error
		failed := history(rng, disk, func(p promise) {
			cuts++
			survivor := rng
			if cuts%2 == 0 {
				survivor = nil
			}
			if err := check(disk.Crash(survivor), p, cuts%5 == 0); err != nil && broken == nil {
				broken = fmt.Errorf("history %d, cut %d: %w", seed, cuts, err)
			}
		})
		if err := errors.Join(failed, broken); err != nil {
			return cuts, err
		}
	}
	return cuts, nil
}

// TestPowerCut cuts the power at every point of 1000 histories.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	histories := 1000
	if testing.Short() {
		histories = 50
	}
	cuts, err := powerCuts(histories, func(*memfs.FS) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cuts", cuts)
}

// TestPowerCutNeedsSync leaves out one kind of sync after the other and expects promises to break.
func TestPowerCutNeedsSync(t *testing.T) {
	for kind, left := range map[string]func(call, name string) bool{
		"fsync of checkpoints": func(call, name string) bool {
			return call == "Sync" && strings.HasSuffix(name, ".safetensors.tmp")
		},
		"fsync of their directory": func(call, name string) bool {
			return call == "SyncDir" && filepath.Base(name) == "checkpoints"
		},
		"fsync of metrics": func(call, name string) bool {
			return call == "Sync" && filepath.Base(name) == "metrics.jsonl"
		},
		"fsync of the run directory": func(call, name string) bool {
			return call == "SyncDir" && filepath.Base(name) == "20261103T141500Z-crnn-looming"
		},
		"fsync of the folder of runs": func(call, name string) bool {
			return call == "SyncDir" && filepath.Base(name) == "runs"
		},
	} {
		if _, err := powerCuts(20, func(disk *memfs.FS) { disk.Ignore = left }); err == nil {
			t.Errorf("without %s no promise breaks: the test proves nothing", kind)
		} else {
			t.Logf("without %s: %v", kind, err)
		}
	}
}
