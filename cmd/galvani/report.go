package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"galvani/engine/setting"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// jsonFlag adds --json to a reporting command.
func jsonFlag(c *cobra.Command, p *bool) {
	c.Flags().BoolVar(p, "json", false, "print JSON to stdout")
}

// report writes the result of a command to stdout: as JSON, or in words.
func report(c *cobra.Command, asJSON bool, value any, words func(*printer)) error {
	if asJSON {
		return writeJSON(c.OutOrStdout(), value)
	}
	p := newPrinter(c.OutOrStdout())
	words(p)
	return p.err
}

// reporting has a command report what find returns, in words or with --json as it is.
func reporting[R any](c *cobra.Command, find func(c *cobra.Command, args []string) (R, error), words func(*printer, R)) *cobra.Command {
	var asJSON bool
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := find(c, args)
		if err != nil {
			return err
		}
		return report(c, asJSON, r, func(p *printer) { words(p, r) })
	}
	jsonFlag(c, &asJSON)
	return c
}

// writeJSON writes one value as one line.
func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// printer writes lines and tables, bold where a terminal shows it; it keeps the first error.
type printer struct {
	w    io.Writer
	bold bool
	err  error
}

func newPrinter(w io.Writer) *printer { return &printer{w: w, bold: colorful(w)} }

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// title writes a heading.
func (p *printer) title(format string, args ...any) {
	if p.bold {
		format = "\x1b[1m" + format + "\x1b[0m"
	}
	p.line(format, args...)
}

// equations writes what heads the description of a thing that has equations.
func (p *printer) equations(name, doc, equations string) {
	p.title("%s", name)
	p.line("%s", doc)
	p.line("")
	for l := range strings.SplitSeq(equations, "\n") {
		p.line("  %s", l)
	}
	p.line("")
}

// tabulate writes a table with a row for each of a list.
func tabulate[E any](p *printer, list []E, head []string, row func(E) []string) {
	rows := make([][]string, len(list))
	for i, e := range list {
		rows[i] = row(e)
	}
	p.table(head, rows)
}

// yes is a truth in a table.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// table writes rows in columns under a heading. Where a terminal is too narrow for them, the cells of the
// widest column are broken into lines.
func (p *printer) table(head []string, rows [][]string) {
	if columns, ok := terminal(p.w); ok {
		rows = fold(head, rows, columns-1)
	}
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, tableGap, ' ', 0)
	for _, r := range append([][]string{head}, rows...) {
		for k, cell := range r { // names that users give may hold anything
			if k > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, setting.OneLine(cell))
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i, l := range lines {
		if l = strings.TrimRight(l, " "); i == 0 {
			p.title("%s", l)
		} else {
			p.line("%s", l)
		}
	}
}

// noteWidth is how long the lines of notes are, at most.
const noteWidth = 96

// notes writes paragraphs under a heading. The first line of each is broken to the width; those
// that follow are rows of a table of its own.
func (p *printer) notes(title string, list []string) {
	if len(list) == 0 {
		return
	}
	p.title("\n%s", title)
	for _, note := range list {
		text, table, _ := strings.Cut(note, "\n")
		mark := "- "
		for _, line := range breakText(text, noteWidth-len(mark)) {
			p.line("%s%s", mark, line)
			mark = "  "
		}
		if table != "" {
			p.line("    %s", strings.ReplaceAll(table, "\n", "\n    "))
		}
	}
}

const (
	tableGap  = 2  // columns of the terminal between those of a table
	leastFold = 16 // columns below which a cell is not broken: it would hardly be read
)

// fold breaks the cells of the widest column of a table into lines, so that it is at most room columns
// wide; a table that cannot be made so narrow stays as it is.
func fold(head []string, rows [][]string, room int) [][]string {
	wide := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for k, cell := range r {
			wide[k] = max(wide[k], utf8.RuneCountInString(cell))
		}
	}
	total, widest := -tableGap, 0
	for k, w := range wide {
		total += w + tableGap
		if w > wide[widest] {
			widest = k
		}
	}
	left := wide[widest] - (total - room)
	if total <= room || left < leastFold {
		return rows
	}
	var list [][]string
	for _, r := range rows {
		for i, part := range breakText(r[widest], left) {
			line := make([]string, len(r))
			if i == 0 {
				copy(line, r)
			}
			line[widest] = part
			list = append(list, line)
		}
	}
	return list
}

// breakText breaks a text between words into lines of some columns; a longer word stays whole. There is
// at least one line.
func breakText(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// terminal returns the width of the terminal that w is, or false.
func terminal(w io.Writer) (width int, ok bool) {
	if out, ok := w.(*watched); ok {
		w = out.Writer
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// redrawn reports whether w is a terminal on which a line can be taken away and drawn anew.
func redrawn(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("TERM") != "dumb"
}

// colorful reports whether w shows colours and the user has not declined them
// (https://no-color.org).
func colorful(w io.Writer) bool {
	return redrawn(w) && os.Getenv("NO_COLOR") == ""
}
