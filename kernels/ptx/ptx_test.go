package ptx

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// manifest is what compile.py writes. Sources are paths from the root of the repository.
type manifest struct {
	Files map[string]struct {
		SHA256  string   `json:"sha256"`
		Sources []string `json:"sources"`
	} `json:"files"`
	Sources map[string]string `json:"sources"`
}

// sourcesOf returns the root sources of each module that the sources in dir ask for.
func sourcesOf(dir string) (map[string][]string, error) {
	cu, err := filepath.Glob(filepath.Join(dir, "kernels/cuda/*.cu"))
	if err != nil {
		return nil, err
	}
	cells, err := filepath.Glob(filepath.Join(dir, "kernels/cells/*.h"))
	if err != nil {
		return nil, err
	}
	modules := map[string][]string{}
	for _, file := range cu {
		name := strings.TrimSuffix(filepath.Base(file), ".cu")
		source := path.Join("kernels/cuda", filepath.Base(file))
		if name != "scan" {
			modules[name] = []string{source}
			continue
		}
		for _, cell := range cells {
			modules[strings.TrimSuffix(filepath.Base(cell), ".h")] = []string{source, path.Join("kernels/cells", filepath.Base(cell))}
		}
	}
	return modules, nil
}

var include = regexp.MustCompile(`(?m)^\s*#\s*include\s*"([^"]+)"`)

// closure returns the files and all that they include in dir, sorted.
func closure(dir string, files []string) ([]string, error) {
	seen := map[string]bool{}
	for todo := slices.Clone(files); len(todo) > 0; {
		file := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[file] {
			continue
		}
		seen[file] = true
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		for _, m := range include.FindAllStringSubmatch(string(text), -1) {
			next := path.Join(path.Dir(file), m[1])
			if _, err := os.Stat(filepath.Join(dir, next)); err == nil {
				todo = append(todo, next)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

func hashOf(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// verifier compares the PTX files in dir, a copy of the repository, with what the manifest and
// the sources there ask for.
type verifier struct {
	dir      string
	manifest manifest
	modules  map[string][]string
	wrong    []string
}

// verify says how files, manifest and sources in dir differ.
func verify(dir string) ([]string, error) {
	v := verifier{dir: dir}
	data, err := os.ReadFile(filepath.Join(dir, "kernels/ptx/manifest.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &v.manifest); err != nil {
		return nil, err
	}
	if v.modules, err = sourcesOf(dir); err != nil {
		return nil, err
	}
	err = errors.Join(v.hashes(), v.origins(), v.extra())
	return v.wrong, err
}

func (v *verifier) differ(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// hashes compares every file and source with its hash.
func (v *verifier) hashes() error {
	want := maps.Clone(v.manifest.Sources)
	for name, f := range v.manifest.Files {
		want[path.Join("kernels/ptx", name)] = f.SHA256
	}
	for _, file := range slices.Sorted(maps.Keys(want)) {
		got, err := hashOf(filepath.Join(v.dir, file))
		switch {
		case errors.Is(err, os.ErrNotExist):
			v.differ("%s is not there", file)
		case err != nil:
			return err
		case got != want[file]:
			v.differ("%s has hash %.8s, want %.8s", file, got, want[file])
		}
	}
	return nil
}

// origins compares the sources of each file with those that its module includes now, and looks
// for modules without a file.
func (v *verifier) origins() error {
	built := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(v.manifest.Files)) {
		parts := fileName.FindStringSubmatch(name)
		if parts == nil || v.modules[parts[1]] == nil {
			v.differ("%s belongs to no source", name)
			continue
		}
		built[parts[1]] = true
		used, err := closure(v.dir, v.modules[parts[1]])
		if err != nil {
			return err
		}
		recorded := v.manifest.Files[name].Sources
		if !slices.Equal(used, recorded) {
			v.differ("%s was made from %v, want %v", name, recorded, used)
		}
		for _, s := range recorded {
			if v.manifest.Sources[s] == "" {
				v.differ("%s: no hash of its source %s", name, s)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.modules)) {
		if !built[name] {
			v.differ("module %s was not compiled", name)
		}
	}
	return nil
}

// extra looks for files that the manifest does not know.
func (v *verifier) extra() error {
	there, err := filepath.Glob(filepath.Join(v.dir, "kernels/ptx/*.ptx"))
	for _, file := range there {
		if _, ok := v.manifest.Files[filepath.Base(file)]; !ok {
			v.differ("%s is not in the manifest", filepath.Base(file))
		}
	}
	return err
}

func TestCommittedPTXBelongsToSources(t *testing.T) {
	wrong, err := verify(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if len(wrong) > 0 {
		t.Log("run: make ptx")
	}
}

// copyTree copies what verify looks at into a new folder.
func copyTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"kernels/cuda/*.cu", "kernels/cuda/*.h", "kernels/cells/*.h", "kernels/cells/shared/*.h", "kernels/ptx/*.ptx", "kernels/ptx/manifest.json"} {
		list, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range list {
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(dir, path.Dir(pattern), filepath.Base(from))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestPlantedChanges proves that verify sees each way in which files and sources can part.
func TestPlantedChanges(t *testing.T) {
	grow := func(dir, file, text string) error {
		f, err := os.OpenFile(filepath.Join(dir, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		return errors.Join(err, f.Close())
	}
	for _, c := range []struct {
		name  string
		plant func(dir string) error
		want  string
	}{
		{"source", func(dir string) error { return grow(dir, "kernels/cuda/gemm.cu", " ") }, "kernels/cuda/gemm.cu has hash"},
		{"header", func(dir string) error { return grow(dir, "kernels/cuda/params.h", " ") }, "kernels/cuda/params.h has hash"},
		{"PTX", func(dir string) error { return grow(dir, "kernels/ptx/gemm.sm70.ptx", " ") }, "gemm.sm70.ptx has hash"},
		{"new module", func(dir string) error { return grow(dir, "kernels/cuda/new.cu", "") }, "module new was not compiled"},
		{"new include", func(dir string) error {
			return errors.Join(grow(dir, "kernels/cuda/new.h", ""), grow(dir, "kernels/cuda/gpu.h", "#include \"new.h\"\n"))
		}, "kernels/cuda/new.h"},
		{"lost source", func(dir string) error { return os.Remove(filepath.Join(dir, "kernels/cuda/update.cu")) }, "belongs to no source"},
		{"lost PTX", func(dir string) error { return os.Remove(filepath.Join(dir, "kernels/ptx/loss.sm70.ptx")) }, "loss.sm70.ptx is not there"},
		{"extra PTX", func(dir string) error { return grow(dir, "kernels/ptx/more.sm70.ptx", "") }, "more.sm70.ptx is not in the manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyTree(t)
			if err := c.plant(dir); err != nil {
				t.Fatal(err)
			}
			wrong, err := verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(wrong, "; "); !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// newestISA is what drivers from R535 on load.
const newestISA = 8.2

var head = regexp.MustCompile(`(?m)^\.version (\S+)\n\.target sm_(\d+)\n\.address_size 64$`)

func TestVersionAndTarget(t *testing.T) {
	for name, list := range computes {
		for _, compute := range list {
			text, err := Module(name, compute)
			if err != nil {
				t.Fatal(err)
			}
			m := head.FindSubmatch(text)
			if m == nil {
				t.Errorf("%s.sm%d: no .version, .target and .address_size 64", name, compute)
				continue
			}
			isa, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil || isa > newestISA {
				t.Errorf("%s.sm%d: .version %s, want at most %v (%v)", name, compute, m[1], newestISA, err)
			}
			if target := string(m[2]); target != strconv.Itoa(compute) {
				t.Errorf("%s.sm%d: .target sm_%s", name, compute, target)
			}
		}
	}
}

var (
	kernel = regexp.MustCompile(`(?m)^KERNEL(?:_BOUNDED)?\((\w+),`)
	entry  = regexp.MustCompile(`\.entry (\w+)\(`)
	mma    = regexp.MustCompile(`_(tf32|bf16)$`)
	// What stands under GPU_CLUSTER as a whole.
	clustered = regexp.MustCompile(`(?ms)^#ifdef GPU_CLUSTER\n.*?^#endif$`)
)

// kernels returns the entries that a module needs: those that its source names, or those of a
// cell. Products in tf32 and bf16 need compute capability 8.0, kernels of clusters 9.0.
func kernels(t *testing.T, module string, compute int) []string {
	t.Helper()
	var names []string
	text, err := os.ReadFile(filepath.Join(root, "kernels/cuda", module+".cu"))
	switch {
	case err == nil:
		if compute < 90 {
			text = clustered.ReplaceAll(text, nil)
		}
		for _, m := range kernel.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	case errors.Is(err, os.ErrNotExist):
		for _, k := range []string{"prepare", "unprepare", "replay", "forward_fp32", "forward_tf32", "forward_bf16", "backward_fp32", "backward_tf32", "backward_bf16"} {
			names = append(names, module+"_"+k)
		}
	default:
		t.Fatal(err)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return compute < 80 && mma.MatchString(n) })
}

func TestEntries(t *testing.T) {
	for _, name := range Modules() {
		for _, compute := range []int{70, 80, 90} {
			text, err := Module(name, compute)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range entry.FindAllSubmatch(text, -1) {
				got = append(got, string(m[1]))
			}
			slices.Sort(got)
			if want := kernels(t, name, compute); !slices.Equal(got, want) {
				t.Errorf("%s for %d has entries %v, want %v", name, compute, got, want)
			}
		}
	}
}

func TestModulePicksNewest(t *testing.T) {
	for _, c := range []struct{ compute, want int }{{70, 70}, {75, 70}, {80, 80}, {89, 80}, {120, 80}} {
		text, err := Module("gemm", c.compute)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("\n.target sm_%d\n", c.want); !strings.Contains(string(text), want) {
			t.Errorf("gemm for %d: no %q", c.compute, want)
		}
	}
	if _, err := Module("gemm", 61); !errors.Is(err, ErrTooOld) || !strings.Contains(err.Error(), "6.1, want at least 7.0") {
		t.Errorf("gemm for 61: %v, want %v", err, ErrTooOld)
	}
	if _, err := Module("none", 80); err == nil || errors.Is(err, ErrTooOld) {
		t.Errorf("module none: %v, want an unknown module", err)
	}
	if h := Hash(); len(h) != 64 {
		t.Errorf("hash %q, want 64 digits", h)
	}
}
