package experiment

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds that no folder of claims imports another, and that neither the frame nor the probe
// imports one.
func TestImports(t *testing.T) {
	const root = "galvani/bench/experiment/"
	shared := map[string]bool{"probe": true, "exptest": true}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	claims := 0
	for _, dir := range append([]string{"."}, names(folders)...) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if dir != "." && !shared[dir] {
			claims++
		}
		for _, path := range files {
			if dir == "exptest" && strings.HasSuffix(path, "_test.go") {
				continue // lists what is registered
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				what, _ := strconv.Unquote(i.Path.Value)
				if below, ok := strings.CutPrefix(what, root); ok && !shared[below] {
					t.Errorf("%s imports the claims in %s", path, below)
				}
			}
		}
	}
	if claims < 3 {
		t.Errorf("%d folders of claims were found", claims)
	}
}

// names returns the names of folders.
func names(entries []os.DirEntry) []string {
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}
