package ptx

import (
	"archive/tar"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// archives holds a tar file for each group of modules: the cells by number format of their products, and
// the modules that all cells share. Cells of one format are much alike, so that a group compresses far
// better than its modules do one by one, and a run needs two groups.
//
//go:embed *.tar.zst
var archives embed.FS

// shared is the group of the modules that belong to no cell.
const shared = "shared"

// groups unpacks each group when it is first asked for.
var groups = map[string]func() (map[string][]Image, error){
	"fp32": unpacked("fp32"),
	"tf32": unpacked("tf32"),
	"bf16": unpacked("bf16"),
	shared: unpacked(shared),
}

// unpacked returns what unpacks a group once.
func unpacked(group string) func() (map[string][]Image, error) {
	return sync.OnceValues(func() (map[string][]Image, error) {
		modules, err := read(group + ".tar.zst")
		if err != nil {
			return nil, fmt.Errorf("ptx: modules %s: %w", group, err)
		}
		return modules, nil
	})
}

// read returns the images of an archive by module.
func read(archive string) (map[string][]Image, error) {
	file, err := archives.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	modules := map[string][]Image{}
	for r := tar.NewReader(body); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return modules, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		m, err := image(h.Name, data)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(h.Name, ".")
		modules[name] = append(modules[name], m)
	}
}

// unpack returns all images of a module.
//
// Errors: a name that is no module.
func unpack(name string) ([]Image, error) {
	group := groups[name[strings.LastIndexByte(name, '_')+1:]]
	if group == nil || !strings.Contains(name, "_") {
		group = groups[shared]
	}
	modules, err := group()
	if err != nil {
		return nil, err
	}
	if modules[name] == nil {
		return nil, fmt.Errorf("ptx: no module %q, want one of %v", name, slices.Sorted(maps.Keys(modules)))
	}
	return modules[name], nil
}
