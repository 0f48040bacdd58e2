package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(runTests(m))
	case deaf:
		ctx, _ := interruptible(context.Background())
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("asked")
		select {}
	}
	main()
}

func runTests(m *testing.M) int {
	var err error
	if exampleFolder, err = os.MkdirTemp("", "galvani-example-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(exampleFolder)
	os.Setenv(asProgram, "1")           // for processes that a command starts
	if signal.Ignored(syscall.SIGHUP) { // by nohup: what is caught here is not ignored by programs that tests start
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	return m.Run()
}

// deaf is a galvani that does not end when it is asked to.
const deaf = "deaf"

// TestReports holds that every reporting command prints words and, asked for it, JSON, both to
// stdout, and colours neither in a pipe.
func TestReports(t *testing.T) {
	for _, args := range [][]string{
		{"version"}, {"devices"}, {"data", "list"}, {"models", "list"}, {"models", "show", "crnn"},
		{"tasks", "list"}, {"tasks", "show", "looming"}, {"tasks", "show", "mnist-rows", "--data-dir", "nowhere"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			words := finish(t, program(args...)).ok(t)
			if words.stdout == "" || strings.ContainsAny(words.stdout+words.stderr, "\r\x1b") {
				t.Errorf("stdout %q, stderr %q, want plain words", words.stdout, words.stderr)
			}
			o := galvani(t, append(args, "--json")...).ok(t)
			var value any
			if err := json.Unmarshal([]byte(o.stdout), &value); err != nil || strings.Count(o.stdout, "\n") != 1 {
				t.Errorf("stdout is no JSON line (%v): %s", err, o.stdout)
			}
		})
	}
}

// TestFetchWithoutNetwork sends all requests to a port where nobody listens.
func TestFetchWithoutNetwork(t *testing.T) {
	c := program("data", "fetch", "mnist", "--data-dir", t.TempDir())
	c.Env = append(c.Env, "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1")
	finish(t, c).refused(t, exitIO, "check the network")
}

// TestExitCodesAreListed holds the help topic against the codes.
func TestExitCodesAreListed(t *testing.T) {
	text := galvani(t, "help", "exit-codes").ok(t).stdout
	for _, code := range []int{exitOK, exitUsage, exitConfig, exitData, exitDevice, exitBug, exitNumerical, exitIO, exitStopped, exitInterrupted, exitTerminated} {
		if !strings.Contains(text, fmt.Sprintf("\n%5d  ", code)) {
			t.Errorf("code %d is not listed in\n%s", code, text)
		}
	}
	if top := galvani(t, "--help").ok(t).stdout; !strings.Contains(top, "exit-codes") {
		t.Errorf("the topic is not named in\n%s", top)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "models"}, {}, {"models"}} {
		if o := galvani(t, args...).ok(t); !strings.Contains(o.stdout, "Usage:") {
			t.Errorf("%v: stdout has no usage: %q", args, o.stdout)
		}
	}
}

// TestPanicIsOneLine holds the last line of defence.
func TestPanicIsOneLine(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run([]string{"version"}, panicking{}, &stderr)
	o := outcome{code, stdout.String(), stderr.String()}
	o.refused(t, exitBug, "internal error (please report): two lines")
}

// panicking is a stdout that panics.
type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("two\nlines") }
