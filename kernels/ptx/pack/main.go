// Command pack puts compiled kernels into the archive that package ptx reads.
//
//	go run ./kernels/ptx/pack DIR ARCHIVE
//
// DIR holds files MODULE.smCOMPUTE.ptx and MODULE.smCOMPUTE.cubin. The archive is a zip file with one
// entry per module, compressed with zstd; an entry is a tar file of the module's files, which are much
// alike and so compress best together.
//
// It imports nothing of the project.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// window lets the compressor find in a file what stands in all files of the module before it.
const window = 16 << 20

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack DIR ARCHIVE")
		os.Exit(64)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes the archive of the files in dir.
func pack(dir, out string) error {
	order, modules, err := list(dir)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	w.RegisterCompressor(zstd.ZipMethodWinZip, zstd.ZipCompressor(
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1)))
	for _, name := range order {
		body, err := bundle(modules[name])
		if err != nil {
			return err
		}
		e, err := w.CreateHeader(&zip.FileHeader{Name: name + ".tar", Method: zstd.ZipMethodWinZip})
		if err != nil {
			return err
		}
		if _, err := e.Write(body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, archive.Bytes(), 0o644)
}

// list returns the modules in order and the files of each: PTX, then machine code, by compute
// capability.
func list(dir string) (order []string, modules map[string][]string, err error) {
	modules = map[string][]string{}
	for _, kind := range []string{"ptx", "cubin"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.sm*."+kind)) // sorted
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			module, _, _ := strings.Cut(filepath.Base(file), ".")
			if modules[module] == nil {
				order = append(order, module)
			}
			modules[module] = append(modules[module], file)
		}
	}
	if len(order) == 0 {
		return nil, nil, fmt.Errorf("%s holds no compiled kernels", dir)
	}
	return order, modules, nil
}

// bundle returns a tar file of files, without times and owners.
func bundle(files []string) ([]byte, error) {
	var body bytes.Buffer
	w := tar.NewWriter(&body)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Name: filepath.Base(file), Mode: 0o644, Size: int64(len(data)), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	return body.Bytes(), w.Close()
}
