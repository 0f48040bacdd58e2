package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The marks of a table in a Markdown file: a line <!-- rows: NAME --> before it, and this one
// behind.
const (
	tableStart = "<!-- rows: "
	tableEnd   = "<!-- end of rows -->"
)

// tables makes the tables of the README, by the file of rows that they come from.
var tables = map[string]func([]Row) string{"cpu": cpuTable, "conductance": conductanceTable, "gpu": gpuTable}

// FillTables writes the tables of a Markdown file anew, from the rows NAME.jsonl in a folder.
//
// Errors: those of reading rows; a mark without its end, or of a table that there is not, with its
// line.
func FillTables(markdown []byte, results string) ([]byte, error) {
	var out bytes.Buffer
	inside, number := "", 0
	for line := range bytes.Lines(markdown) {
		number++
		text := strings.TrimSpace(string(line))
		if inside != "" && text != tableEnd {
			if strings.HasPrefix(text, tableStart) {
				break
			}
			continue
		}
		inside = ""
		out.Write(line)
		name, ok := strings.CutPrefix(text, tableStart)
		if !ok {
			continue
		}
		name = strings.TrimSpace(strings.TrimSuffix(name, "-->"))
		write := tables[name]
		if write == nil {
			return nil, fmt.Errorf("bench: line %d: no table of rows %q", number, name)
		}
		rows, err := Read(filepath.Join(results, name+".jsonl"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		inside = name
		out.WriteString("\n" + write(rows) + "\n")
	}
	if inside != "" {
		return nil, fmt.Errorf("bench: the table of rows %q has no %s behind it", inside, tableEnd)
	}
	return out.Bytes(), nil
}

// Read reads a file of rows.
//
// Errors: fs.ErrNotExist; a line that is no row of this schema, with its number.
func Read(path string) ([]Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []Row
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var r Row
			if e := json.Unmarshal(line, &r); e != nil {
				return nil, fmt.Errorf("bench: %s: line %d: %w", path, len(rows)+1, e)
			}
			if r.Schema != schema {
				return nil, fmt.Errorf("bench: %s: line %d: schema %d, want %d", path, len(rows)+1, r.Schema, schema)
			}
			rows = append(rows, r)
		}
		if err != nil {
			return rows, nil
		}
	}
}

// markdown writes a table.
func markdown(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(words []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(words, " | ")) }
	line(head)
	b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

// origin says where rows were measured.
func origin(rows []Row) string {
	var machines, commits []string
	add := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, r := range rows {
		add(&machines, fmt.Sprintf("%s, %d of %d cores, %s", r.Machine.CPU, r.Machine.Threads, r.Machine.Cores, r.Machine.ISA))
		add(&commits, r.Program.Commit[:min(len(r.Program.Commit), 7)])
	}
	return fmt.Sprintf("\n%s; %s; commit %s.\n", strings.Join(machines, "; "), rows[len(rows)-1].Date[:len("2006-01-02")], strings.Join(commits, ", "))
}

// cpuTable tells the newest row of each case of the suite that has an aim.
func cpuTable(rows []Row) string {
	var forms []string
	for _, p := range peerForms {
		forms = append(forms, p.form)
	}
	var table [][]string
	var used []Row
	for _, c := range Suite(forms) {
		for _, r := range slices.Backward(rows) {
			if r.Quick || !c.is(r) || r.Ratio == nil || r.Ratio.Bound == 0 {
				continue
			}
			what := "`" + c.Model + "`"
			if c.What != both {
				what += ", " + c.What
			}
			table = append(table, []string{what, fmt.Sprint(c.Shape.B), fmt.Sprint(c.Shape.H), fmt.Sprint(c.Shape.T),
				fmt.Sprintf("%.3g ms", r.Subject.Median*1e3), against(r), ratioWord(r.Ratio), aimWord(r.Ratio)})
			used = append(used, r)
			break
		}
	}
	if len(table) == 0 {
		return "There are no rows yet.\n"
	}
	return markdown([]string{"what", "B", "H", "T", "time", "against", "ratio", "aim"}, table) + origin(used)
}

// is reports whether a row is of the case.
func (c Case) is(r Row) bool {
	return r.Case == c.Kind && r.Model == c.Model && r.What == c.What && r.Shape == c.Shape &&
		(c.Kind != casePeer || strings.HasSuffix(r.Reference.Name, " "+c.Peer))
}

// against names the reference of a row.
func against(r Row) string {
	switch r.Case {
	case casePeer:
		return r.Reference.Name
	case caseGraph:
		return "unrolled graph"
	}
	return "matrix product"
}

func ratioWord(q *Ratio) string {
	if q.Kind == Cost {
		return fmt.Sprintf("cost %.2f", q.Value)
	}
	return fmt.Sprintf("%.3g×", q.Value)
}

func aimWord(q *Ratio) string {
	words := fmt.Sprintf("≤ %.3g", q.Bound)
	if q.Kind == SpeedUp {
		words = fmt.Sprintf("≥ %.3g×", q.Bound)
	}
	if q.Pass != nil && !*q.Pass {
		words += ", missed"
	}
	return words
}

// conductanceAim is the most that a conductance-based cell should take, relative to crnn-simple.
const conductanceAim = 1.35

// conductanceTable compares the cells of the newest run with crnn-simple at equal H.
func conductanceTable(rows []Row) string {
	var last []Row
	for _, r := range rows {
		if r.Case == caseMatrix && r.What == both && r.Date == rows[len(rows)-1].Date {
			last = append(last, r)
		}
	}
	base := map[int]float64{}
	var names []string
	var widths []int
	for _, r := range last {
		switch {
		case r.Model == "crnn-simple":
			base[r.Shape.H] = r.Subject.Median
			widths = append(widths, r.Shape.H)
		case !slices.Contains(names, r.Model):
			names = append(names, r.Model)
		}
	}
	if len(names) == 0 || len(widths) == 0 {
		return "There are no rows yet.\n"
	}
	head := []string{"model"}
	for _, h := range widths {
		head = append(head, fmt.Sprintf("H = %d", h))
	}
	var table [][]string
	for _, name := range names {
		words := []string{"`" + name + "`"}
		for _, h := range widths {
			i := slices.IndexFunc(last, func(r Row) bool { return r.Model == name && r.Shape.H == h })
			if i < 0 {
				words = append(words, "-")
				continue
			}
			ratio := last[i].Subject.Median / base[h]
			word := fmt.Sprintf("%.2f", ratio)
			if ratio > conductanceAim {
				word += ", missed"
			}
			words = append(words, word)
		}
		table = append(table, words)
	}
	return markdown(head, table) + origin(last)
}

// gpuTable tells the newest row of each goal.
func gpuTable(rows []Row) string {
	type key struct{ model, what, precision string }
	var table [][]string
	var used []Row
	for _, g := range goals {
		seen, first := map[key]bool{}, len(table)
		for _, r := range slices.Backward(rows) {
			if r.Quick || r.Emulated || r.Goal == nil || r.Goal.Bound == 0 || r.Goal.Name != g.name || r.Model != g.model ||
				r.Shape != g.shape || r.Subject.Device == nil || r.Subject.Device.Device == "cpu" {
				continue
			}
			k := key{r.Model, r.What, r.Subject.Device.Precision}
			if seen[k] {
				continue
			}
			seen[k] = true
			aim, roof := fmt.Sprintf("≤ %.3g", r.Goal.Bound), "-"
			if r.Goal.Pass != nil && !*r.Goal.Pass {
				aim += ", missed"
			}
			if r.Subject.Roof != nil {
				roof = fmt.Sprintf("%.0f %%", 100*r.Subject.Roof.Share)
			}
			table = append(table, []string{g.name, r.Model, r.What, k.precision, fmt.Sprint(g.shape.B), fmt.Sprint(g.shape.H), fmt.Sprint(g.shape.T),
				fmt.Sprintf("%.3g", r.Subject.Median/float64(g.shape.T)*1e6), aim, roof, fmt.Sprintf("%.0f MB", float64(r.Subject.MemoryHigh)/1e6)})
			used = append(used, r)
		}
		slices.Reverse(table[first:])
	}
	if len(table) == 0 {
		return "There are no rows from a GPU yet.\n"
	}
	device := used[len(used)-1].Subject.Device
	return markdown([]string{"goal", "model", "what", "precision", "B", "H", "T", "µs per step", "aim", "of the roofline", "memory"}, table) +
		fmt.Sprintf("\n%s, compute %s, driver for CUDA %s.\n", device.Name, device.Compute, device.Driver) + origin(used)
}
