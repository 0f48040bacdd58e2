package rundir_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"galvani/engine/rundir"
)

// writerDir is the environment variable that turns this test program into a writer.
const writerDir = "GALVANI_TEST_WRITER"

const writerElements = 64 << 10 // per tensor: half a megabyte per checkpoint

// writer goes on with the run in dir: it saves one checkpoint after the other and says so
// before and after each, until it is killed.
func writer(dir string) int {
	fail := func(err error) int {
		fmt.Println("error", err)
		return 1
	}
	r, err := rundir.Open(dir)
	if err != nil {
		return fail(err)
	}
	s, skipped, err := r.Latest()
	if errors.Is(err, rundir.ErrNoCheckpoint) {
		s, err = &rundir.State{}, nil
	}
	if err != nil || len(skipped) > 0 {
		return fail(errors.Join(append(skipped, err)...))
	}
	if err := r.Truncate(s.Step); err != nil {
		return fail(err)
	}
	for step := s.Step + 1; ; step++ {
		if err := r.Append(time.Now(), step, map[string]float64{"loss": 1}); err != nil {
			return fail(err)
		}
		fmt.Println("saving", step)
		if err := r.Save(state(step, writerElements)); err != nil {
			return fail(err)
		}
		if step%3 == 0 {
			if err := r.SaveBest(state(step, writerElements)); err != nil {
				return fail(err)
			}
		}
		fmt.Println("saved", step)
	}
}

// startWriter starts this test program as the writer of dir.
func startWriter(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// TestKill kills a writer at random times, half of them while it saves, and looks after each
// whether an acknowledged checkpoint is lost or a damaged one is to be seen.
func TestKill(t *testing.T) {
	t.Parallel()
	cycles := 100
	if testing.Short() {
		cycles = 10
	}
	r, err := rundir.Create(t.TempDir(), "crnn", "looming", day)
	must(t, err)
	dir := r.Dir()
	must(t, r.Close())
	rng := rand.New(rand.NewPCG(1, 1))
	acknowledged, leftovers := int64(0), 0
	for cycle := range cycles {
		acknowledged = max(acknowledged, killWriter(t, dir, rng, cycle%2 == 0))
		found, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*.tmp"))
		must(t, err)
		leftovers += len(found)
		r, err := rundir.Open(dir)
		must(t, err)
		left, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*.tmp"))
		must(t, err)
		if len(left) > 0 {
			t.Fatalf("cycle %d: not swept: %v", cycle, left)
		}
		paths, err := r.Checkpoints()
		must(t, err)
		for _, p := range append(paths, filepath.Join(dir, "checkpoints", "best.safetensors")) {
			s, err := rundir.Load(p)
			if errors.Is(err, os.ErrNotExist) {
				continue // killed before the first best
			}
			must(t, err)
			must(t, whole(s))
		}
		if acknowledged > 0 {
			s, _, err := r.Latest()
			must(t, err)
			if s.Step < acknowledged {
				t.Fatalf("cycle %d: latest is step %d, acknowledged was %d", cycle, s.Step, acknowledged)
			}
		}
		must(t, r.Close())
	}
	if acknowledged < int64(cycles)/4 {
		t.Errorf("%d checkpoints in %d cycles: the writer hardly wrote", acknowledged, cycles)
	}
	t.Logf("%d cycles, %d checkpoints acknowledged, %d leftovers swept", cycles, acknowledged, leftovers)
}

// killWriter lets a writer run for a random time, kills it and returns the last step it has
// acknowledged, 0 for none. Inside aims the kill at the time within a save.
func killWriter(t *testing.T, dir string, rng *rand.Rand, inside bool) (acknowledged int64) {
	t.Helper()
	cmd, lines := startWriter(t, dir)
	saves := 1 + rng.IntN(3)
	delay := time.Duration(rng.IntN(20)) * time.Millisecond
	if inside {
		delay = time.Duration(rng.IntN(4000)) * time.Microsecond
	}
	var timer *time.Timer
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "saving":
			if saves--; saves == 0 {
				timer = time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
			}
		case "saved":
			step, err := strconv.ParseInt(rest, 10, 64)
			must(t, err)
			acknowledged = step
		default:
			t.Errorf("writer: %s", lines.Text())
		}
	}
	if timer != nil {
		timer.Stop()
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return acknowledged
}

// TestLock lets processes try to open a run that this one holds, then one that nobody holds.
func TestLock(t *testing.T) {
	r := create(t)
	must(t, r.Save(state(1, 4)))
	for range 20 {
		cmd, lines := startWriter(t, r.Dir())
		said := ""
		for lines.Scan() {
			said += lines.Text()
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the second process was let in")
		}
		want := fmt.Sprintf("error rundir: %s: folder is in use: by process %d; wait for it to end or stop it first", r.Dir(), os.Getpid())
		if said != want {
			t.Fatalf("second process says %q, want %q", said, want)
		}
	}
	_, err := rundir.Open(r.Dir())
	wantError(t, err, rundir.ErrLocked, r.Dir())
	must(t, r.Save(state(2, 4)))
	s, _, err := r.Latest()
	must(t, err)
	must(t, whole(s))
	must(t, r.Close())
	again, err := rundir.Open(r.Dir())
	must(t, err)
	must(t, again.Close())
}
