// Command galvani trains recurrent networks whose cells come from biophysics, and shows what
// they learned.
package main

import (
	"fmt"
	"io"
	"os"

	"galvani/cmd/galvani/internal/config"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes one command line and returns the exit code. Data goes to stdout, words for
// people to stderr; an error is one line.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintln(stderr, config.OneLine(fmt.Sprintf("galvani: internal error (please report): %v", r)))
			code = exitBug
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err != nil {
		fmt.Fprintln(stderr, config.OneLine("galvani: "+err.Error()))
	}
	return exitCode(err)
}
