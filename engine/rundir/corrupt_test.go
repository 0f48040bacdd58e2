package rundir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/engine/rundir"
	"galvani/engine/rundir/memfs"
	"galvani/engine/safetensors"
)

// saved returns a checkpoint: its disk, its path and its bytes.
func saved(t *testing.T, elements int) (disk *memfs.FS, path string, b []byte) {
	t.Helper()
	disk, r := inMemory(t)
	must(t, r.Save(state(5, elements)))
	paths, err := r.Checkpoints()
	must(t, err)
	b, err = r.Read("checkpoints/" + filepath.Base(paths[0]))
	must(t, err)
	return disk, paths[0], b
}

// TestTruncatedCheckpoint loads every length of a small checkpoint.
func TestTruncatedCheckpoint(t *testing.T) {
	disk, path, b := saved(t, 200)
	for n := range b {
		overwrite(t, disk, path, b[:n])
		_, err := rundir.LoadOn(disk, path)
		wantError(t, err, rundir.ErrCorrupt, path)
	}
}

// TestFlippedBits flips 1000 single bits, anywhere in the file and in the data alone.
func TestFlippedBits(t *testing.T) {
	disk, path, b := saved(t, 400)
	rng := rand.New(rand.NewPCG(3, 3))
	data := len(b) - 2*400*4
	for name, from := range map[string]int{"file": 0, "data": data} {
		found := 0
		for range 1000 {
			bad := bytes.Clone(b)
			bad[from+rng.IntN(len(b)-from)] ^= 1 << rng.IntN(8)
			overwrite(t, disk, path, bad)
			_, err := rundir.LoadOn(disk, path)
			if errors.Is(err, rundir.ErrCorrupt) || errors.Is(err, rundir.ErrForeign) {
				found++
			} else {
				t.Errorf("a flipped bit in the %s gives %v", name, err)
			}
		}
		if found != 1000 {
			t.Errorf("%d of 1000 flipped bits in the %s found", found, name)
		}
	}
}

// TestDamagedNewestIsPassedOver damages the newest of two checkpoints in every way of the tests
// before: it is named and passed over, and never taken.
func TestDamagedNewestIsPassedOver(t *testing.T) {
	disk, path, b := saved(t, 100)
	r, err := rundir.ViewOn(disk, filepath.Dir(filepath.Dir(path)))
	must(t, err)
	older, err := disk.Create(filepath.Join(filepath.Dir(path), "step-000000000003.safetensors"))
	must(t, err)
	other, otherPath, content := saved(t, 100)
	s, err := rundir.LoadOn(other, otherPath)
	must(t, err)
	_, err = older.Write(content)
	must(t, err)
	look := func(bad []byte, how string, n int) {
		overwrite(t, disk, path, bad)
		got, skipped, err := r.Latest()
		must(t, err)
		if len(skipped) != 1 || !strings.Contains(skipped[0].Error(), path) || got.Path == path || whole(got) != nil || got.Step != s.Step {
			t.Fatalf("%s %d: skipped %v, took %s", how, n, skipped, got.Path)
		}
	}
	for n := range b {
		look(b[:n], "cut at", n)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for n := range 1000 {
		bad := bytes.Clone(b)
		bad[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		look(bad, "bit flip", n)
	}
}

// TestZeroedPages blanks 200 random stretches, as a lost sector does.
func TestZeroedPages(t *testing.T) {
	disk, path, b := saved(t, 4096)
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		bad := bytes.Clone(b)
		at := rng.IntN(len(b) - 512)
		clear(bad[at : at+512])
		overwrite(t, disk, path, bad)
		_, err := rundir.LoadOn(disk, path)
		if !errors.Is(err, rundir.ErrCorrupt) && !errors.Is(err, rundir.ErrForeign) {
			t.Fatalf("zeros from byte %d give %v", at, err)
		}
	}
}

// TestForgedMetadata changes one entry after the other, and mends the hash of the header, so
// that the check behind it has to find it.
func TestForgedMetadata(t *testing.T) {
	disk, path, b := saved(t, 8)
	for name, c := range map[string]struct {
		key, value string
		want       error
	}{
		"no format":        {"galvani_checkpoint", "", rundir.ErrForeign},
		"newer format":     {"galvani_checkpoint", "2", rundir.ErrForeign},
		"other config":     {"config", "steps = 6\n", rundir.ErrCorrupt},
		"other data":       {"data_sha256", strings.Repeat("0", 64), rundir.ErrCorrupt},
		"state no JSON":    {"state", "{", rundir.ErrCorrupt},
		"unknown field":    {"state", `{"step":1,"best":"0","code":"x"}`, rundir.ErrCorrupt},
		"negative step":    {"state", `{"step":-1,"best":"0"}`, rundir.ErrCorrupt},
		"best no number":   {"state", `{"step":1,"best":"x"}`, rundir.ErrCorrupt},
		"trailing state":   {"state", `{"step":1,"best":"0"} {}`, rundir.ErrCorrupt},
		"negative seed":    {"state", `{"step":1,"best":"0","seed":-1}`, rundir.ErrCorrupt},
		"no header hash":   {"header_sha256", "", rundir.ErrCorrupt},
		"header hash":      {"header_sha256", strings.Repeat("0", 64), rundir.ErrCorrupt},
		"short header sum": {"header_sha256", "0", rundir.ErrCorrupt},
	} {
		f, err := safetensors.Decode(b, "")
		must(t, err)
		f.Metadata[c.key] = c.value
		if c.value == "" {
			delete(f.Metadata, c.key)
		}
		if c.key != "header_sha256" {
			rundir.Seal(f.Metadata, f.Tensors)
		}
		var out bytes.Buffer
		must(t, safetensors.Write(&out, f.Tensors, f.Metadata))
		overwrite(t, disk, path, out.Bytes())
		_, err = rundir.LoadOn(disk, path)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	write := func(b []byte) error {
		must(t, os.WriteFile(path, b, 0o666))
		_, err := rundir.Load(path)
		return err
	}
	var other bytes.Buffer
	must(t, safetensors.Write(&other, []safetensors.Tensor{safetensors.Float32("w", nil, []float32{1})}, map[string]string{"format": "pt"}))
	wantError(t, write(other.Bytes()), rundir.ErrForeign, path)
	for _, dtype := range []string{"F16", "F8_E4M3"} { // one that can be read and one that cannot
		header := `{"w":{"dtype":"` + dtype + `","shape":[0],"data_offsets":[0,0]}}`
		wantError(t, write(append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...)), rundir.ErrForeign, path)
	}
	for name, text := range map[string]string{
		"empty": "", "pickle": "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00c__builtin__\nexec\n", "zip": "PK\x03\x04..........", "text": "steps = 1\nlr = 0.1\n",
	} {
		if err := write([]byte(text)); !errors.Is(err, rundir.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	_, err := rundir.Load(filepath.Join(t.TempDir(), "missing"))
	wantError(t, err, rundir.ErrIO, "no such file")
	_, err = rundir.Load(t.TempDir())
	wantError(t, err, rundir.ErrIO)
}

// TestLatestSkips damages checkpoints from the newest on.
func TestLatestSkips(t *testing.T) {
	r := create(t)
	must(t, r.SaveBest(state(1, 4)))
	for step := int64(2); step <= 4; step++ {
		must(t, r.Save(state(step, 4)))
	}
	paths, err := r.Checkpoints()
	must(t, err)
	paths = append(paths, filepath.Join(r.Dir(), "checkpoints", "best.safetensors"))
	for i, want := range []int64{4, 3, 2, 1} {
		s, skipped, err := r.Latest()
		must(t, err)
		if s.Step != want || len(skipped) != i {
			t.Errorf("latest is step %d, %d skipped, want step %d, %d skipped", s.Step, len(skipped), want, i)
		}
		for j, err := range skipped {
			wantError(t, err, rundir.ErrCorrupt, paths[j])
		}
		must(t, os.WriteFile(paths[i], []byte(`damaged, all of it`), 0o666))
	}
	_, skipped, err := r.Latest()
	wantError(t, err, rundir.ErrCorrupt, "none of 4 checkpoints is whole", paths[0])
	if len(skipped) != 4 {
		t.Errorf("%d skipped, want 4", len(skipped))
	}
}

// TestOpensInOtherReaders wants the file to be plain safetensors with plain JSON in it.
func TestOpensInOtherReaders(t *testing.T) {
	_, path, b := saved(t, 8)
	f, err := safetensors.Decode(b, path)
	must(t, err)
	var rec map[string]any
	must(t, json.Unmarshal([]byte(f.Metadata["state"]), &rec))
	if rec["step"] != 5.0 || rec["model"] != "crnn" || f.Metadata["config"] != "steps = 5\n" {
		t.Errorf("metadata %v", f.Metadata)
	}
	if _, ok := f.Tensor("optimizer.m.cell.W"); !ok {
		t.Errorf("no optimizer.m.cell.W among %v", f.Tensors)
	}
}
