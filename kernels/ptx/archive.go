package ptx

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// directory returns the entries of the archive by the module that each holds.
func directory() (map[string]*zip.File, error) {
	r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("ptx: %w", err)
	}
	r.RegisterDecompressor(zstd.ZipMethodWinZip, zstd.ZipDecompressor())
	entries := map[string]*zip.File{}
	for _, f := range r.File {
		entries[strings.TrimSuffix(f.Name, ".tar")] = f
	}
	return entries, nil
}

// unpack returns all images of a module.
//
// Errors: a name that is no module.
func unpack(name string) ([]Image, error) {
	entries, err := directory()
	if err != nil {
		return nil, err
	}
	f := entries[name]
	if f == nil {
		return nil, fmt.Errorf("ptx: no module %q, want one of %v", name, Modules())
	}
	body, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("ptx: module %s: %w", name, err)
	}
	defer body.Close()
	var all []Image
	for r := tar.NewReader(body); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("ptx: module %s: %w", name, err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("ptx: module %s: %w", name, err)
		}
		m, err := image(h.Name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
}
