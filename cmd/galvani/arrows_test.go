package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leaves are packages of general use. They import nothing of the project but other leaves, and every
// package may import them.
var leaves = []string{"engine/cite", "engine/hostmem", "engine/infile", "engine/npz", "engine/safetensors", "engine/setting", "kernels/monitor", "kernels/pages", "kernels/random", "models/description", "models/unitfile"}

// arrows says of a package, or of a folder of packages with /..., which others of the project it may
// import besides leaves.
var arrows = map[string][]string{
	"kernels":             {"kernels/optimisers", "kernels/cells", "kernels/compartments", "kernels/neurons", "kernels/segments", "kernels/sparse"},
	"kernels/cells":       {},
	"kernels/neurons":     {"kernels/cells"},
	"kernels/segments":    {},
	"kernels/optimisers":  {},
	"kernels/sparse":      {},
	"kernels/programs":    {"kernels"},
	"kernels/wiring":      {"kernels", "kernels/neurons", "kernels/sparse"},
	"kernels/driver":      {},
	"kernels/ptx":         {},
	"kernels/emu":         {},
	"kernels/cpu":         {"kernels", "kernels/cells", "kernels/compartments", "kernels/neurons", "kernels/programs", "kernels/segments", "kernels/sparse", "kernels/wiring", "kernels/cpu/..."},
	"kernels/cpu/src":     {},
	"kernels/cpu/circuit": {"kernels", "kernels/cpu/pace", "kernels/cpu/src", "kernels/neurons", "kernels/wiring"},
	"kernels/cpu/pace":    {},
	"kernels/cpu/...":     {"kernels/cells", "kernels/compartments", "kernels/cpu/src"},
	"kernels/cuda":        {"kernels", "kernels/cells", "kernels/compartments", "kernels/programs", "kernels/segments", "kernels/sparse", "kernels/wiring", "kernels/driver", "kernels/optimisers", "kernels/ptx"},
	"kernels/devices":     {"kernels", "kernels/cells", "kernels/cpu", "kernels/cuda", "kernels/driver"},
	"kernels/conform":     {"kernels", "kernels/cells", "kernels/compartments", "kernels/neurons", "kernels/optimisers", "kernels/sparse"},
	"data":                {},
	"models":              {"kernels"},
	"models/meanfield":    {},
	"models/plasticity":   {"kernels"},
	"models/rates":        {"kernels", "kernels/neurons"},
	"models/...":          {"models", "models/meanfield", "models/neurons", "models/plasticity", "models/rates", "kernels", "kernels/compartments", "kernels/neurons", "kernels/sparse"},
	"models/layered":      {"models", "models/rules", "kernels"},
	"engine":              {"data", "kernels", "kernels/optimisers", "engine/group", "engine/rundir"},
	"engine/...":          {"engine/chart", "engine/rundir"},
	"engine/local":        {"data", "engine", "kernels"},
	"bench/rows":          {"engine/chart", "engine/rundir", "kernels/cpu"},
	"bench/analysis":      {"data", "engine", "engine/...", "kernels", "models"},
	// The frame of experiments knows no experiment, and no experiment another.
	"bench/experiment": {"bench/rows", "data", "engine", "engine/...", "kernels", "models"},
	"bench/experiment/...": {"bench/experiment", "bench/experiment/probe", "bench/rows", "bench/analysis", "data", "engine", "engine/...",
		"kernels", "kernels/devices", "models", "models/..."},
	"bench":                           {"bench/analysis", "bench/rows", "data", "engine", "engine/...", "kernels", "kernels/cpu", "kernels/devices", "models", "models/..."},
	"cmd/galvani/internal/config":     {},
	"docker":                          {},
	"kernels/compartments":            {"kernels/sparse"},
	"kernels/random/internal/...":     {},
	"kernels/optimisers/internal/...": {"kernels/optimisers"},
	"cmd/galvani/internal/...":        {},
	"bench/experiment/exptest":        {"bench/experiment", "bench/rows", "data", "engine", "kernels", "kernels/devices/devicetest", "models"},
	"kernels/devices/devicetest":      {"kernels", "kernels/devices"},
	"engine/rundir/memfs":             {"engine/rundir"},
}

// TestArrows holds the imports of every package, with and without the GPU, to arrows. Only cmd/galvani
// may import all but another command.
func TestArrows(t *testing.T) {
	for _, tags := range []string{"", "gpu"} {
		out, err := exec.Command("go", "list", "-e", "-tags", tags, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "galvani/...").Output()
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			for _, to := range f[1:] {
				if to, ok := strings.CutPrefix(to, "galvani/"); ok {
					seen++
					if from := strings.TrimPrefix(f[0], "galvani/"); !mayImport(from, to) {
						t.Errorf("%s imports %s", from, to)
					}
				}
			}
		}
		if seen < 50 {
			t.Errorf("tags %q: %d imports within the project: go list found too few", tags, seen)
		}
	}
}

// mostLines is how many lines a file of Go has at most, tests aside.
const mostLines = 500

// TestDocs holds that every package says what lives in it and how it stands to the others: in doc.go, or
// in its only file, and that no file is too long. TestArrows holds what they import to it.
func TestDocs(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{.Dir}}{{range .Imports}} {{.}}{{end}}`, "galvani/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		files, err := filepath.Glob(filepath.Join(f[1], "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
		if len(files) == 0 {
			continue // tests alone
		}
		seen++
		for _, file := range files {
			text := contents(t, file)
			if n := bytes.Count(text, []byte("\n")); n > mostLines {
				t.Errorf("%s has %d lines, want at most %d", file, n, mostLines)
			}
		}
		path := filepath.Join(f[1], "doc.go")
		if len(files) == 1 {
			path = files[0]
		}
		text := packageDoc(t, path)
		if !strings.Contains(text, "import") {
			t.Errorf("%s: the comment of the package does not say what it imports and who may import it:\n%s", path, text)
		}
		for _, to := range f[2:] {
			to, ours := strings.CutPrefix(to, "galvani/")
			if says := importsAtMost(text); ours && (says == "nothing" || says == "leaves" && !slices.Contains(leaves, to)) {
				t.Errorf("%s: the comment of the package says that it imports %s of the project, and it imports %s", path, says, to)
			}
		}
	}
	if seen < 30 {
		t.Errorf("go list found %d packages", seen)
	}
}

// importsAtMost returns what the comment of a package allows it to import of the project: nothing, leaves, or "" where it
// says neither.
func importsAtMost(comment string) string {
	comment = strings.Join(strings.Fields(comment), " ")
	for says, words := range map[string][]string{
		"nothing": {"imports nothing of the project.", "imports nothing of the project;", "imports none of the project.", "imports none of the project;", "imports nothing;", "imports the standard library"},
		"leaves":  {"imports leaves alone", "imports leaves and the standard library", "imports nothing of the project but leaves"},
	} {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(comment, w) }) {
			return says
		}
	}
	return ""
}

// packageDoc returns the comment of the package in a file, empty where there is none.
func packageDoc(t *testing.T, path string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Error(err)
		return ""
	}
	return f.Doc.Text()
}

// mayImport reports whether the arrow from one package of the project to another is allowed.
func mayImport(from, to string) bool {
	if strings.HasPrefix(from, "kernels") && !strings.HasPrefix(to, "kernels") {
		return false // the ground, which nothing above holds up
	}
	if slices.Contains(leaves, from) {
		return slices.Contains(leaves, to)
	}
	if slices.Contains(leaves, to) {
		return true
	}
	if from == "cmd/galvani" {
		return !strings.HasPrefix(to, "cmd/") || strings.HasPrefix(to, "cmd/galvani/internal/")
	}
	allowed, ok := arrows[from]
	for folder := path.Dir(from); !ok && folder != "."; folder = path.Dir(folder) {
		allowed, ok = arrows[folder+"/..."]
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		folder, all := strings.CutSuffix(a, "...")
		return to == a || all && strings.HasPrefix(to, folder)
	})
}

// TestArrowsRefuse plants arrows that must not be.
func TestArrowsRefuse(t *testing.T) {
	for _, a := range [][2]string{
		{"kernels", "kernels/cpu"}, {"kernels", "kernels/devices"}, {"kernels/cuda", "kernels/cpu"}, {"kernels/cpu", "kernels/cuda"},
		{"models", "engine"}, {"engine", "models"}, {"models/event", "engine/rundir"}, {"data", "engine"}, {"data", "kernels"},
		{"engine/cite", "engine"}, {"bench", "cmd/galvani"}, {"bench/experiment", "bench/experiment/charged"},
		{"bench/experiment/charged", "bench/experiment/learning"}, {"models", "kernels/devices"}, {"kernels/optimisers", "engine/setting"}, {"engine", "kernels/devices"},
		{"a/package/without/rules", "kernels"},
	} {
		if mayImport(a[0], a[1]) {
			t.Errorf("%s may import %s", a[0], a[1])
		}
	}
	if !mayImport("models", "kernels") || !mayImport("models", "engine/cite") {
		t.Error("models may not import the contract or a leaf")
	}
}
