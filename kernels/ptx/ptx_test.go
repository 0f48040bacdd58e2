package ptx

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	_ "embed"
	"encoding/binary"
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

	"galvani/kernels/cells"
)

const root = "../.."

//go:embed manifest.json
var manifest []byte

// record is what compile.py writes into the manifest. Sources are paths from the root of the repository.
type record struct {
	Files   map[string]file   `json:"files"`
	Sources map[string]string `json:"sources"`
}

// file is PTX, made of sources, or machine code, made of PTX.
type file struct {
	SHA256    string   `json:"sha256"`
	Sources   []string `json:"sources"`
	PTX       string   `json:"ptx"`
	PTXSHA256 string   `json:"ptx_sha256"`
}

var products = regexp.MustCompile(`(?m)^#define \w+_REC (\d+)$`)

// lean is the line of a cell that is compiled for one number format and kept as PTX alone.
var lean = regexp.MustCompile(`(?m)^#define \w+_LEAN `)

// formats returns the number formats of products that a cell needs modules for: one where it has no
// products or is lean.
func formats(cell string) ([]string, error) {
	text, err := os.ReadFile(cell)
	if err != nil {
		return nil, err
	}
	m := products.FindSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("%s says not how many recurrent products it has", cell)
	}
	if string(m[1]) == "0" || lean.Match(text) {
		return []string{"fp32"}, nil
	}
	return []string{"fp32", "tf32", "bf16"}, nil
}

// sourcesOf returns the root sources of each module that the sources in dir ask for.
func sourcesOf(dir string) (map[string][]string, error) {
	cu, err := filepath.Glob(filepath.Join(dir, "kernels/cuda/*.cu"))
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
		for _, cell := range cells.Names() {
			header := path.Join("kernels/cells", cell+".h")
			list, err := formats(filepath.Join(dir, header))
			if err != nil {
				return nil, err
			}
			for _, format := range list {
				modules[cell+"_"+format] = []string{source, header}
			}
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

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// verifier compares images with what the manifest and the sources in dir, a copy of the repository,
// ask for.
type verifier struct {
	dir      string
	images   map[string][]byte
	manifest record
	modules  map[string][]string
	wrong    []string
}

// contents returns every image of the archive by its name.
func contents(t *testing.T) map[string][]byte {
	t.Helper()
	images := map[string][]byte{}
	for _, name := range Modules() {
		all, err := unpack(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if images[m.Name] != nil || !strings.HasPrefix(m.Name, name+".") {
				t.Errorf("module %s holds %s, which is another's", name, m.Name)
			}
			images[m.Name] = m.Data
		}
	}
	return images
}

// verify says how images, manifest and the sources in dir differ.
func verify(dir string, images map[string][]byte, manifest []byte) ([]string, error) {
	v := verifier{dir: dir, images: images}
	if err := json.Unmarshal(manifest, &v.manifest); err != nil {
		return nil, err
	}
	var err error
	if v.modules, err = sourcesOf(dir); err != nil {
		return nil, err
	}
	err = errors.Join(v.hashes(), v.origins())
	v.machine()
	v.extra()
	return v.wrong, err
}

func (v *verifier) differ(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// hashes compares every image and source with its hash.
func (v *verifier) hashes() error {
	compare := func(name string, data []byte, want string) {
		if got := hashOf(data); got != want {
			v.differ("%s has hash %.8s, want %.8s", name, got, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.manifest.Files)) {
		if data := v.images[name]; data == nil {
			v.differ("%s is not there", name)
		} else {
			compare(name, data, v.manifest.Files[name].SHA256)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.manifest.Sources)) {
		data, err := os.ReadFile(filepath.Join(v.dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			v.differ("%s is not there", name)
		case err != nil:
			return err
		default:
			compare(name, data, v.manifest.Sources[name])
		}
	}
	return nil
}

// machineCode lists the GPUs that there is machine code for.
var machineCode = []int{80, 86, 89, 90}

// machine compares what machine code was made of with the PTX that its GPU would load without, and looks
// for GPUs without machine code. Lean cells have none.
func (v *verifier) machine() {
	for _, module := range slices.Sorted(maps.Keys(v.modules)) {
		if cell, _, ok := strings.Cut(module, "_fp32"); ok && cells.Lean(cell) {
			continue
		}
		for _, gpu := range machineCode {
			newest := ""
			for _, compute := range []int{70, 80, 90} {
				if name := fmt.Sprintf("%s.sm%d.ptx", module, compute); compute <= gpu && v.manifest.Files[name].SHA256 != "" {
					newest = name
				}
			}
			name := fmt.Sprintf("%s.sm%d.cubin", module, gpu)
			switch f := v.manifest.Files[name]; {
			case f.SHA256 == "":
				v.differ("there is no %s", name)
			case f.PTX != newest || f.PTXSHA256 != v.manifest.Files[newest].SHA256:
				v.differ("%s was made from %s with hash %.8s, want %s with %.8s", name, f.PTX, f.PTXSHA256, newest, v.manifest.Files[newest].SHA256)
			}
		}
	}
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
		if parts[3] != "ptx" {
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

// extra looks for images that the manifest does not know.
func (v *verifier) extra() {
	for _, name := range slices.Sorted(maps.Keys(v.images)) {
		if _, ok := v.manifest.Files[name]; !ok {
			v.differ("%s is not in the manifest", name)
		}
	}
}

func TestArchiveBelongsToSources(t *testing.T) {
	wrong, err := verify(root, contents(t), manifest)
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

// TestArchivesAreSmall: the repository keeps every version of them.
func TestArchivesAreSmall(t *testing.T) {
	const most = 6_000_000
	var size int64
	files, err := archives.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > most {
		t.Errorf("the archives have %d bytes, want at most %d", size, most)
	}
}

// copyTree copies what verify looks at into a new folder.
func copyTree(t *testing.T) string {
	t.Helper()
	var r record
	if err := json.Unmarshal(manifest, &r); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name := range r.Sources {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// copies is a copy of all that verify looks at.
type copies struct {
	dir      string
	images   map[string][]byte
	manifest []byte
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
	source := func(file, text string) func(c *copies) error {
		return func(c *copies) error { return grow(c.dir, file, text) }
	}
	all := contents(t)
	for _, c := range []struct {
		name  string
		plant func(c *copies) error
		want  string
	}{
		{"source", source("kernels/cuda/gemm.cu", " "), "kernels/cuda/gemm.cu has hash"},
		{"header", source("kernels/cuda/params.h", " "), "kernels/cuda/params.h has hash"},
		{"PTX", func(c *copies) error {
			c.images["gemm.sm70.ptx"] = append(slices.Clone(c.images["gemm.sm70.ptx"]), ' ')
			return nil
		}, "gemm.sm70.ptx has hash"},
		{"machine code", func(c *copies) error {
			c.images["gemm.sm86.cubin"] = c.images["gemm.sm80.cubin"]
			return nil
		}, "gemm.sm86.cubin has hash"},
		{"machine code of other PTX", func(c *copies) error {
			var r record
			err := json.Unmarshal(c.manifest, &r)
			c.manifest = bytes.ReplaceAll(c.manifest, []byte(`"ptx_sha256": "`+r.Files["gemm.sm80.ptx"].SHA256), []byte(`"ptx_sha256": "`+r.Files["gemm.sm70.ptx"].SHA256))
			return err
		}, "gemm.sm80.cubin was made from gemm.sm80.ptx with hash"},
		{"new module", source("kernels/cuda/new.cu", ""), "module new was not compiled"},
		{"new include", func(c *copies) error {
			return errors.Join(grow(c.dir, "kernels/cuda/new.h", ""), grow(c.dir, "kernels/cuda/gpu.h", "#include \"new.h\"\n"))
		}, "kernels/cuda/new.h"},
		{"lost source", func(c *copies) error { return os.Remove(filepath.Join(c.dir, "kernels/cuda/update.cu")) }, "belongs to no source"},
		{"lost PTX", func(c *copies) error { delete(c.images, "loss.sm70.ptx"); return nil }, "loss.sm70.ptx is not there"},
		{"extra PTX", func(c *copies) error { c.images["more.sm70.ptx"] = nil; return nil }, "more.sm70.ptx is not in the manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := &copies{copyTree(t), maps.Clone(all), slices.Clone(manifest)}
			if err := c.plant(to); err != nil {
				t.Fatal(err)
			}
			wrong, err := verify(to.dir, to.images, to.manifest)
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
	for name, text := range contents(t) {
		m, err := image(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Machine {
			if arch, _ := elfKernels(t, m); arch != m.Compute {
				t.Errorf("%s is for compute capability %d", name, arch)
			}
			continue
		}
		h := head.FindSubmatch(text)
		if h == nil {
			t.Errorf("%s: no .version, .target and .address_size 64", name)
			continue
		}
		isa, err := strconv.ParseFloat(string(h[1]), 64)
		if err != nil || isa > newestISA {
			t.Errorf("%s: .version %s, want at most %v (%v)", name, h[1], newestISA, err)
		}
		if target := string(h[2]); target != strconv.Itoa(m.Compute) {
			t.Errorf("%s: .target sm_%s", name, target)
		}
	}
}

// elfKernels returns the compute capability of machine code and the kernels in it.
func elfKernels(t *testing.T, m Image) (compute int, names []string) {
	t.Helper()
	data := slices.Clone(m.Data)
	binary.LittleEndian.PutUint32(data[20:], uint32(elf.EV_CURRENT)) // e_version, which NVIDIA counts on its own
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	const machine = 190 // EM_CUDA
	if f.Machine != machine {
		t.Errorf("%s is for machine %d, want %d", m.Name, f.Machine, machine)
	}
	for _, s := range f.Sections {
		if name, ok := strings.CutPrefix(s.Name, ".text."); ok {
			names = append(names, name)
		}
	}
	flags := binary.LittleEndian.Uint32(m.Data[48:]) // e_flags of ELF64
	return int(flags & 0xff), names
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
		cell, format, _ := cutLast(module, "_")
		for _, k := range []string{"prepare", "unprepare", "replay", "forward_" + format, "backward_" + format} {
			names = append(names, cell+"_"+k)
		}
	default:
		t.Fatal(err)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return compute < 80 && mma.MatchString(n) })
}

var (
	ieee    = regexp.MustCompile(`(?m)^#define GPU_IEEE\b`)
	rounded = regexp.MustCompile(`\b(?:fma|mad)\.\S*f(?:32|64)|\b(?:add|sub|mul)(?:\.ftz)?\.f(?:32|64)|\S*\.ftz\S*`)
	fused   = []byte("fma.rn.f32")
)

// TestIEEE wants no flushing of denormals in modules with GPU_IEEE, nor products and sums that the
// assembler may make in one; the others have them. A source that calls fmaf asks for that.
func TestIEEE(t *testing.T) {
	seen := map[bool]int{}
	for name, text := range contents(t) {
		m, err := image(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Machine {
			continue
		}
		module, _, _ := strings.Cut(name, ".")
		source, err := os.ReadFile(filepath.Join(root, "kernels/cuda", module+".cu"))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a cell's is scan.cu
			t.Fatal(err)
		}
		if bytes.Contains(source, []byte("fmaf(")) {
			text = bytes.ReplaceAll(text, fused, nil)
		}
		exact, found := ieee.Match(source), rounded.Find(text)
		seen[exact]++
		if exact && found != nil || module == "rnn_fp32" && found == nil {
			t.Errorf("%s: GPU_IEEE is %v, and it has %q", name, exact, found)
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("modules with and without GPU_IEEE: %v", seen)
	}
}

// cutLast cuts s at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// TestEntries: every image of a module holds its kernels.
func TestEntries(t *testing.T) {
	for _, name := range Modules() {
		for _, compute := range []int{70, 80, 86, 89, 90} {
			if compute < 80 && mma.MatchString(name) {
				continue
			}
			images, err := Images(name, compute)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range images {
				var got []string
				for _, e := range entry.FindAllSubmatch(m.Data, -1) {
					got = append(got, string(e[1]))
				}
				if m.Machine {
					_, got = elfKernels(t, m)
				}
				slices.Sort(got)
				if want := kernels(t, name, compute); !slices.Equal(got, want) {
					t.Errorf("%s for %d has entries %v, want %v", m.Name, compute, got, want)
				}
			}
		}
	}
}

// TestImagesOfGPUs: machine code of the GPU itself, else of an older one of its generation, and always
// the newest PTX.
func TestImagesOfGPUs(t *testing.T) {
	for _, c := range []struct {
		compute int
		want    []string
	}{
		{70, []string{"gemm.sm70.ptx"}},
		{75, []string{"gemm.sm70.ptx"}},
		{80, []string{"gemm.sm80.cubin", "gemm.sm80.ptx"}},
		{87, []string{"gemm.sm86.cubin", "gemm.sm80.ptx"}},
		{89, []string{"gemm.sm89.cubin", "gemm.sm80.ptx"}},
		{90, []string{"gemm.sm90.cubin", "gemm.sm80.ptx"}},
		{120, []string{"gemm.sm80.ptx"}},
	} {
		images, err := Images("gemm", c.compute)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range images {
			got = append(got, m.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("gemm for %d: %v, want %v", c.compute, got, c.want)
		}
	}
	if _, err := Images("gemm", 61); !errors.Is(err, ErrTooOld) || !strings.Contains(err.Error(), "6.1, want at least 7.0") {
		t.Errorf("gemm for 61: %v, want %v", err, ErrTooOld)
	}
	if _, err := Images("none", 80); err == nil || errors.Is(err, ErrTooOld) {
		t.Errorf("module none: %v, want an unknown module", err)
	}
}
