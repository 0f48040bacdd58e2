package main

import (
	"os"
	"strings"
	"testing"
)

// TestLostOutput writes to a full device: what is for programs must not be lost in silence.
func TestLostOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	dir := copyOfRun(t)
	for _, command := range [][]string{
		args(tiny, "--quiet", "--runs-dir", t.TempDir()), args(tiny, "--json", "--runs-dir", t.TempDir()),
		{"eval", dir}, {"eval", dir, "--json"}, {"models", "list"}, {"version"}, {"--help"}, {"train", "--help"}, {"completion", "bash"},
	} {
		c := program(command...)
		c.Stdout = full
		var words strings.Builder
		c.Stderr = &words
		c.Run() // the exit code is looked at
		outcome{c.ProcessState.ExitCode(), "", words.String()}.refused(t, exitIO, "no space left on device")
	}
}
