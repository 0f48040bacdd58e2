package main

import (
	"bytes"
	"fmt"
	"os"

	"galvani/bench"

	"github.com/spf13/cobra"
)

func newBenchTables() *cobra.Command {
	var path, results string
	c := &cobra.Command{Use: "tables", Short: "Write the tables of README.md anew from rows",
		Long: `Write the tables of benchmarks in README.md, or in another Markdown file, anew from
the rows that the other commands left in a folder. A table stands between the lines
<!-- rows: NAME --> and <!-- end of rows -->; NAME is cpu, conductance or gpu, and NAME.jsonl has the
rows. What cannot be traced to a row cannot come into such a table.`,
		Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			old, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text, err := bench.FillTables(old, results)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if bytes.Equal(text, old) {
				fmt.Fprintf(c.OutOrStdout(), "%s is up to date\n", path)
				return nil
			}
			return os.WriteFile(path, text, 0o644)
		}}
	c.Flags().StringVar(&path, "in", "README.md", "`file` to write")
	c.Flags().StringVar(&results, "results", "bench/results", "`folder` of the rows")
	return c
}
