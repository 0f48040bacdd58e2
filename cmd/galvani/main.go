package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"galvani/engine/group"
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
	say := func(rank int, err error) int {
		if err != nil && rank == 0 {
			fmt.Fprintln(stderr, setting.OneLine("galvani: "+message(err)))
		}
		return exitCode(err)
	}
	ranks, err := group.Open(exitCode)
	if err != nil {
		rank, _, _ := group.Started()
		return say(rank, err)
	}
	code = say(ranks.Rank(), ranks.End(execute(ranks, args, stdout, stderr)))
	return cmp.Or(code, say(ranks.Rank(), ranks.Close()))
}

// execute runs one command line as one of the ranks of a job. Rank 0 speaks for all.
func execute(ranks *group.Launched, args []string, stdout, stderr io.Writer) error {
	if ranks.Rank() > 0 {
		stdout, stderr = io.Discard, io.Discard
	}
	out := &watched{Writer: stdout}
	root := newRoot(args)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	if err := withRanks(root, ranks, args); err != nil {
		return err
	}
	return cmp.Or(root.Execute(), out.err)
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
