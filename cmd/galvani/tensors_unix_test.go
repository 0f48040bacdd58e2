//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWriteFile writes a new file, over one with permissions of its own, through a link, into a pipe, and not over a folder.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	usual, err := os.Create(name("usual"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(usual.Close(), os.WriteFile(name("own"), nil, 0o600), os.Symlink("own", name("link")), syscall.Mkfifo(name("pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(name("pipe"))
		read <- string(text)
	}()
	mode := func(n string) os.FileMode {
		info, err := os.Lstat(name(n))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	for _, n := range []string{"new", "link", "pipe", os.DevNull} {
		if !filepath.IsAbs(n) {
			n = name(n)
		}
		if err := writeBytes(n, []byte("numbers")); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	for _, n := range []string{"new", "own"} {
		if text, err := os.ReadFile(name(n)); err != nil || string(text) != "numbers" {
			t.Errorf("%s holds %q, error %v", n, text, err)
		}
	}
	if text := <-read; text != "numbers" {
		t.Errorf("the pipe carried %q", text)
	}
	if mode("new") != mode("usual") || mode("own") != 0o600 || mode("link")&os.ModeSymlink == 0 || mode("pipe")&os.ModeNamedPipe == 0 {
		t.Errorf("modes are %v as %v, %v, %v and %v", mode("new"), mode("usual"), mode("own"), mode("link"), mode("pipe"))
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&os.ModeDevice == 0 {
		t.Errorf("%s is %v, error %v", os.DevNull, info.Mode(), err)
	}
	if err := writeBytes(dir, nil); exitCode(err) != exitIO || !errors.Is(err, syscall.EISDIR) {
		t.Errorf("over a folder: %v", err)
	}
	broken := errors.New("broken")
	if err := writeFile(name("half"), func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the writer", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 5 {
		t.Errorf("the folder holds %v, error %v", left, err)
	}
}

// TestWriteErrors names the file, the cause and the remedy.
func TestWriteErrors(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	for err, want := range map[error]string{
		writeBytes("/dev/full", []byte("numbers")):                                  "write /dev/full: no space left on device; free some space there, or write elsewhere",
		&fs.PathError{Op: "make a file in", Path: "x", Err: syscall.EACCES}:         "make a file in x: permission denied; choose a folder that can be written",
		&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}:                   "open x: permission denied",
		fmt.Errorf("%w", &fs.PathError{Op: "write", Path: "x", Err: syscall.EFBIG}): "write x: file too large; raise the limit of file sizes (ulimit -f)",
		fmt.Errorf("--port: %w", os.NewSyscallError("bind", syscall.EACCES)):        "--port: bind: permission denied",
	} {
		if got := message(err); got != want || exitCode(err) != exitIO {
			t.Errorf("%q with code %d, want %q with %d", got, exitCode(err), want, exitIO)
		}
	}
}
