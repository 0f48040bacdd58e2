package rows

import (
	"fmt"
	"strings"
)

// Table is a table of words. Numbers in it come with their interval (Estimate.Format).
type Table struct {
	Title string     `json:"title"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
}

// Markdown writes head and rows as a table in Markdown, without the title. A bar within a cell, which would
// end it, is escaped.
func (t Table) Markdown() string {
	var b strings.Builder
	line := func(words []string) {
		b.WriteString("|")
		for _, w := range words {
			fmt.Fprintf(&b, " %s |", strings.ReplaceAll(w, "|", `\|`))
		}
		b.WriteString("\n")
	}
	line(t.Head)
	b.WriteString("|" + strings.Repeat("---|", len(t.Head)) + "\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}
