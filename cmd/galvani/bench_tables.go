package main

import (
	"bytes"
	"fmt"
	"os"

	"galvani/bench"

	"github.com/spf13/cobra"
)

func newBenchTables() *cobra.Command {
	var paths []string
	var results string
	c := &cobra.Command{Use: "tables", Short: "Write the tables of benchmarks in Markdown files from rows",
		Long: `Write the tables of benchmarks in README.md and bench/results/README.md, or in other Markdown
files, from the rows that the other commands left in a folder. A table stands between the lines
<!-- rows: NAME --> and <!-- end of rows -->. Everything else in a file stays as it is.`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, path := range paths {
				old, err := os.ReadFile(path)
				if err != nil {
					return missingInput(err)
				}
				text, err := bench.FillTables(old, results)
				if err != nil {
					return missingInput(fmt.Errorf("%s: %w", path, err))
				}
				state := "up to date"
				if !bytes.Equal(text, old) {
					if err := os.WriteFile(path, text, 0o644); err != nil {
						return err
					}
					state = "written"
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", path, state)
			}
			return nil
		}}
	c.Flags().StringSliceVar(&paths, "in", []string{"README.md", "bench/results/README.md"}, "`files` to write")
	c.Flags().StringVar(&results, "results", "bench/results", "`folder` of the rows")
	return c
}
