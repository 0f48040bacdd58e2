package data

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"galvani/engine/infile"
)

// FetchOptions is how to download. The zero value is good.
type FetchOptions struct {
	Client   *http.Client   // nil is http.DefaultClient
	Stall    time.Duration  // give up on a mirror that sends nothing for so long; 0 is a minute
	Progress func(Progress) // called now and then from the downloading goroutine; may be nil
}

// Progress is how far a download is.
type Progress struct {
	File  string
	URL   string
	Done  int64 // bytes, those of earlier attempts included
	Total int64 // bytes, -1 where the mirror does not say
}

// Fetch downloads the collection into dir/NAME. Files that are there already and
// whole are kept; a broken one is replaced.
//
// An interrupted download stays as FILE.part and is continued by the next call. A file takes
// its name only after its SHA-256 has been checked and it has reached the disk.
//
// Errors: ErrFetch if no mirror served a file whole, the context's error if it was cancelled,
// or what the file system says.
func (c Collection) Fetch(ctx context.Context, dir string, opt FetchOptions) error {
	if opt.Client == nil {
		opt.Client = http.DefaultClient
	}
	if opt.Stall <= 0 {
		opt.Stall = time.Minute
	}
	if opt.Progress == nil {
		opt.Progress = func(Progress) {}
	}
	folder := filepath.Join(dir, c.Name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("data: fetch %s: %w", c.Name, err)
	}
	for _, f := range c.Files {
		if f.present(folder) {
			continue
		}
		part := filepath.Join(folder, f.Name+".part")
		if err := f.download(ctx, c.Mirrors, part, opt); err != nil {
			return fmt.Errorf("data: fetch %s: %s: %w", c.Name, f.Name, err)
		}
		if err := f.install(folder, part); err != nil {
			return fmt.Errorf("data: fetch %s: %s: %w", c.Name, f.Name, err)
		}
	}
	return nil
}

// present reports whether the file is in the folder and whole. Members of an archive have no
// published hash; their size is taken for it, and the reader checks the rest.
func (f Download) present(folder string) bool {
	if len(f.Members) == 0 {
		return f.verify(filepath.Join(folder, f.Name)) == nil
	}
	for _, m := range f.Members {
		info, err := os.Stat(filepath.Join(folder, m.name()))
		if err != nil || info.Size() != m.Bytes {
			return false
		}
	}
	return true
}

// install gives a verified download its name, or takes its members out of it.
func (f Download) install(folder, part string) error {
	if len(f.Members) == 0 {
		if err := os.Rename(part, filepath.Join(folder, f.Name)); err != nil {
			return err
		}
		return syncFolder(folder)
	}
	if err := unpack(part, folder, f.Members); err != nil {
		return err
	}
	return os.Remove(part)
}

// tries is how often one mirror is asked for the same file, as long as it makes progress.
const tries = 3

// download brings the whole, verified file to the path part, from the first mirror that can.
func (f Download) download(ctx context.Context, mirrors []string, part string, opt FetchOptions) error {
	var failures []string
	for _, mirror := range mirrors {
		url := strings.TrimSuffix(mirror, "/") + "/" + f.Name
		for range tries {
			before := fileSize(part)
			err := get(ctx, url, part, f, opt)
			again := fileSize(part) > before // the rest of a broken connection may still come
			if err == nil {
				if err = f.verify(part); err == nil {
					return nil
				}
			}
			if errors.Is(err, errHash) && !isSystem(err) {
				if err := os.Remove(part); err != nil {
					return err
				}
				again = before > 0 // perhaps only what was left from earlier did not fit
			}
			if ctx.Err() != nil {
				return fmt.Errorf("stopped; run the same command to go on where it stopped: %w", context.Cause(ctx))
			}
			if isSystem(err) {
				return err
			}
			failures = append(failures, url+": "+oneLine(err))
			if !again {
				break
			}
		}
	}
	return fmt.Errorf("%w from %d mirrors (%s); check the network and run the same command to go on where it stopped",
		ErrFetch, len(mirrors), strings.Join(failures, "; "))
}

// errHash marks a file that is not the published one.
var errHash = errors.New("not the published file")

// verify compares the hash of a file with the published one.
func (f Download) verify(path string) error {
	file, err := infile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var r io.Reader = file
	if f.Content > 0 {
		z, err := newGunzip(bufio.NewReader(file))
		if err != nil {
			return fmt.Errorf("%w: %w", errHash, err)
		}
		r = io.LimitReader(z, f.Content+1)
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("%w: %w", errHash, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%w: SHA-256 is %s, want %s", errHash, got, f.SHA256)
	}
	return nil
}

// fileSize returns the size of a file, 0 if there is none.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// oneLine makes the message of a foreign error fit for a one-line message.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
