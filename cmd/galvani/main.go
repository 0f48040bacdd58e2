package main

import (
	"fmt"
	"io"
	"os"

	"galvani/engine/setting"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command line and returns the exit code. Data goes to stdout, words for
// people to stderr; an error is one line. A command whose output is lost has failed.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintln(stderr, setting.OneLine(fmt.Sprintf("galvani: internal error (please report): %v", r)))
			code = exitBug
		}
	}()
	out := &watched{Writer: stdout}
	root := newRoot()
	withFile(root, args)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		err = out.err
	}
	if err != nil {
		fmt.Fprintln(stderr, setting.OneLine("galvani: "+message(err)))
	}
	return exitCode(err)
}

// watched keeps the first error of a writer. Not every command looks at what becomes of its
// output, and cobra does not.
type watched struct {
	io.Writer
	err error
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if w.err == nil {
		w.err = err
	}
	return n, err
}
