package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"galvani/bench/rows"
)

// The marks of a table in a Markdown file: a line <!-- rows: NAME --> before it, and this one
// behind.
const (
	tableStart = "<!-- rows: "
	tableEnd   = "<!-- end of rows -->"
)

// tables are those of README.md and bench/results/README.md by name, with the files of their rows.
var tables = map[string]struct {
	files string
	write func([]Row) string
}{
	"cpu":                  {"cpu.jsonl", eachMachine(cpuTable)},
	"cpu peers":            {"cpu.jsonl", eachMachine(cpuPeersTable)},
	"cpu headlines":        {"cpu.jsonl", newestMachine(cpuHeadlines)},
	"conductance":          {"conductance.jsonl", conductanceTable},
	"neurons":              {"neurons.jsonl", eachMachine(neuronRows.table)},
	"networks":             {"networks.jsonl", eachMachine(networkRows.table)},
	"rules":                {"rules.jsonl", eachMachine(ruleRows.table)},
	"simulation headlines": {"neurons.jsonl networks.jsonl rules.jsonl", newestMachine(simulationHeadlines)},
	"scale":                {"scale.jsonl", scaleTable},
	"sums":                 {"scale.jsonl", sumTable},
	"gpu":                  {"gpu.jsonl", gpuTable},
	"gpu peers":            {"gpu.jsonl", gpuPeersTable},
	"gpu latencies":        {"gpu.jsonl", latencyTable},
}

// FillTables writes the tables of a Markdown file anew, from the rows in a folder.
//
// Errors: those of reading rows; a mark without its end, or of a table that there is not, with its
// line.
func FillTables(markdown []byte, results string) ([]byte, error) {
	var out bytes.Buffer
	files := map[string][]Row{}
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
		table, known := tables[name]
		if !known {
			return nil, fmt.Errorf("bench: line %d: no table of rows %q", number, name)
		}
		var those []Row
		for _, file := range strings.Fields(table.files) {
			if _, read := files[file]; !read {
				all, _, err := rows.Read[Row](filepath.Join(results, file), nil)
				if err != nil {
					return nil, err
				}
				files[file] = all
			}
			those = append(those, files[file]...)
		}
		slices.SortStableFunc(those, func(a, b Row) int { return cmp.Compare(a.Date, b.Date) })
		inside = name
		if text := table.write(those); text != "" {
			out.WriteString("\n" + text + "\n")
		}
	}
	if inside != "" {
		return nil, fmt.Errorf("bench: the table of rows %q has no %s behind it", inside, tableEnd)
	}
	return out.Bytes(), nil
}

// markdown writes a table.
func markdown(head []string, body [][]string) string {
	return rows.Table{Head: head, Rows: body}.Markdown()
}

// eachMachine makes a table for each machine, that of the newest row first.
func eachMachine(write func([]Row) string) func([]Row) string {
	return func(all []Row) string { return cmp.Or(strings.Join(machineTables(all, write), "\n"), noRows) }
}

// newestMachine makes the table of the machine of the newest row alone.
func newestMachine(write func([]Row) string) func([]Row) string {
	return func(all []Row) string { return append(machineTables(all, write), noRows)[0] }
}

// machineTables returns the table of each machine, that of the newest row first.
func machineTables(all []Row, write func([]Row) string) (tables []string) {
	var words []string
	of := map[string][]Row{}
	for _, r := range slices.Backward(all) {
		of[machineWords(r)] = append(of[machineWords(r)], r)
		if !slices.Contains(words, machineWords(r)) {
			words = append(words, machineWords(r))
		}
	}
	for _, w := range words {
		slices.Reverse(of[w])
		if t := write(of[w]); t != noRows {
			tables = append(tables, t)
		}
	}
	return tables
}

// noRows is the table of no rows.
const noRows = "There are no rows yet.\n"

// machineWords name the machine of a row.
func machineWords(r Row) string {
	return fmt.Sprintf("%s, %d of %d cores, %s", r.Machine.CPU, r.Machine.Threads, r.Machine.Cores, r.Machine.ISA)
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
		add(&machines, machineWords(r))
		add(&commits, r.Program.Commit[:min(len(r.Program.Commit), 7)])
	}
	return fmt.Sprintf("\n%s; %s; commit %s.\n", strings.Join(machines, "; "), rows[len(rows)-1].Date[:len("2006-01-02")], strings.Join(commits, ", "))
}

// newestOf returns the newest row of each key among those that are in, in their order.
func newestOf(all []Row, in func(Row) bool, key func(Row) string) (list []Row) {
	seen := map[string]bool{}
	for _, r := range slices.Backward(all) {
		if in(r) && !seen[key(r)] {
			seen[key(r)] = true
			list = append(list, r)
		}
	}
	slices.Reverse(list)
	return list
}

// newest returns the newest row of a case with an aim; nil where there is none.
func newest(rows []Row, c Case) *Row {
	for i, r := range slices.Backward(rows) {
		if r.Case == c.Kind && r.Model == c.Model && r.What == c.What && r.Shape == c.Shape && !r.Quick && r.Ratio != nil && r.Ratio.Bound > 0 &&
			(c.Kind != casePeer || strings.HasSuffix(r.Reference.Name, " "+c.Peer)) {
			return &rows[i]
		}
	}
	return nil
}

// cpuTable tells the newest row of each case of the suite that has an aim, without the peers.
func cpuTable(rows []Row) string {
	var table [][]string
	var used []Row
	for _, c := range Suite(nil) {
		r := newest(rows, c)
		if r == nil {
			continue
		}
		what, against := "`"+c.Model+"`", r.Reference.Name
		if c.What != both {
			what += ", " + c.What
		}
		if c.Shape.I != inputs {
			what += fmt.Sprintf(", I = %d", c.Shape.I)
		}
		switch c.Kind {
		case caseGraph:
			against = "unrolled graph"
		case caseHalf:
			what, against = what+", products in bf16", "fp32"
		case caseThreads:
			what, against = fmt.Sprintf("%s, on %d threads", what, r.Machine.Threads), "one thread"
		}
		table = append(table, []string{what, fmt.Sprint(c.Shape.B), fmt.Sprint(c.Shape.H), fmt.Sprint(c.Shape.T),
			fmt.Sprintf("%.3g ms", r.Subject.Median*1e3), against, ratioWord(r.Ratio), aimWord(r.Ratio)})
		used = append(used, *r)
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown([]string{"what", "B", "H", "T", "time", "against", "ratio", "aim"}, table) + origin(used)
}

// peerRows returns the newest row of each model, shape and form of a peer, and the forms in order.
func peerRows(rows []Row) (newestRows []peerRow, forms []string) {
	for _, p := range peerForms {
		if p.bound > 0 && !slices.Contains(forms, p.form) {
			forms = append(forms, p.form)
		}
	}
	for _, c := range Suite(forms) {
		if c.Kind != casePeer {
			continue
		}
		if r := newest(rows, c); r != nil {
			newestRows = append(newestRows, peerRow{Case: c, Row: r})
		}
	}
	return newestRows, forms
}

// peerRow is the newest row of a case with a peer.
type peerRow struct {
	Case
	*Row
}

// peerOrigin names the peers of rows and where they were measured.
func peerOrigin(measured []peerRow) string {
	var names []string
	var rows []Row
	for _, m := range measured {
		if name := strings.TrimSuffix(m.Reference.Name, " "+m.Peer); !slices.Contains(names, name) {
			names = append(names, name)
		}
		rows = append(rows, *m.Row)
	}
	return "\nAgainst " + strings.Join(names, ", ") + ". " + strings.TrimPrefix(origin(rows), "\n")
}

// cpuPeersTable shows how many times faster the scan is than each form of the peers: a line for
// each model and shape, a column for each form.
func cpuPeersTable(rows []Row) string {
	measured, forms := peerRows(rows)
	return peersTable(measured, forms, []string{"B", "H", "T"}, func(s Shape) []string {
		return []string{fmt.Sprint(s.B), fmt.Sprint(s.H), fmt.Sprint(s.T)}
	})
}

// cpuHeadlines shows the same with a line for each model, those in layers left out: the range over shapes.
func cpuHeadlines(rows []Row) string {
	measured, forms := peerRows(rows)
	measured = slices.DeleteFunc(measured, func(r peerRow) bool { return strings.Contains(r.Case.Model, ":") })
	return peersTable(measured, forms, nil, func(Shape) []string { return nil })
}

// peersTable groups rows by model and the words of their shape, and gives each group a line. A
// cell holds the smallest and the largest ratio of the group.
func peersTable(measured []peerRow, forms, shapeHead []string, shapeWords func(Shape) []string) string {
	if len(measured) == 0 {
		return noRows
	}
	type cell struct{ low, high *Ratio }
	cells := map[string]cell{} // by line and form
	var lines []string
	var table [][]string
	for _, m := range measured {
		words := append([]string{"`" + m.Case.Model + "`"}, shapeWords(m.Case.Shape)...)
		line := strings.Join(words, "|")
		if !slices.Contains(lines, line) {
			lines, table = append(lines, line), append(table, words)
		}
		c, ok := cells[line+m.Peer]
		if !ok || m.Ratio.Value < c.low.Value {
			c.low = m.Ratio
		}
		if !ok || m.Ratio.Value > c.high.Value {
			c.high = m.Ratio
		}
		cells[line+m.Peer] = c
	}
	for i, line := range lines {
		for _, form := range forms {
			word := "-"
			if c, ok := cells[line+form]; ok {
				word = ratioWord(c.low)
				if c.low != c.high {
					word = strings.TrimSuffix(word, "×") + " to " + ratioWord(c.high)
				}
			}
			table[i] = append(table[i], word)
		}
	}
	head := append([]string{"model"}, shapeHead...)
	for _, f := range forms {
		head = append(head, "`"+f+"`")
	}
	return markdown(head, table) + peerOrigin(measured)
}

func ratioWord(q *Ratio) string {
	if q.Kind == Cost {
		return fmt.Sprintf("cost %.2f", q.Value)
	}
	format := "%.1f×"
	if q.Value >= 100 {
		format = "%.0f×"
	}
	return fmt.Sprintf(format, q.Value)
}

// aimOf tells the aim of a row and whether it was missed, where there is one.
func aimOf(r Row) string {
	if r.Ratio != nil && r.Ratio.Bound > 0 {
		return aimWord(r.Ratio)
	}
	return "-"
}

// atMost tells the most that a number is to be, and whether it is.
func atMost(v, bound float64, unit string) string {
	words := fmt.Sprintf("≤ %g %s", bound, unit)
	if v > bound {
		words += ", missed"
	}
	return words
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
		return noRows
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

// measured yields the rows of a case that were measured on hardware at the shapes of the goals, the
// newest of each key alone, in the order of the goals.
func measured(rows []Row, kind string, key func(Row) string) []Row {
	var all []Row
	for _, g := range goals {
		all = append(all, newestOf(rows, func(r Row) bool {
			on := r.Subject.Device
			return r.Case == kind && !r.Quick && !r.Emulated && r.Model == g.model && r.Shape == g.shape && on != nil && on.Device != "cpu"
		}, key)...)
	}
	return all
}

// gpuWords are the first words of a row on a GPU.
func gpuWords(r Row) []string {
	s := r.Shape
	return []string{"`" + r.Model + "`", r.What, r.Subject.Device.Precision, fmt.Sprint(s.B), fmt.Sprint(s.H), fmt.Sprint(s.T),
		fmt.Sprintf("%.3g", r.Subject.Median/float64(s.T)*1e6)}
}

// gpuOrigin says on what rows were measured.
func gpuOrigin(rows []Row) string {
	on := rows[len(rows)-1].Subject.Device
	return fmt.Sprintf("\n%s, compute %s, driver for CUDA %s.\n", on.Name, on.Compute, on.Driver) + origin(rows)
}

// gpuTable tells the newest row of each network of the goals.
func gpuTable(rows []Row) string {
	rows = measured(rows, caseMatrix, func(r Row) string { return r.What + r.Subject.Device.Precision })
	if len(rows) == 0 {
		return "There are no rows from a GPU yet.\n"
	}
	var table [][]string
	for _, r := range rows {
		aim, roof := "-", "-"
		if r.Goal != nil && r.Goal.Bound > 0 {
			aim = fmt.Sprintf("≤ %.3g", r.Goal.Bound)
			if r.Goal.Pass != nil && !*r.Goal.Pass {
				aim += ", missed"
			}
		}
		if r.Subject.Roof != nil {
			roof = fmt.Sprintf("%.0f %%", 100*r.Subject.Roof.Share)
		}
		table = append(table, append(gpuWords(r), aim, roof, megabytes(r.Subject)))
	}
	return markdown([]string{"model", "what", "precision", "B", "H", "T", "µs per step", "aim", "of the roofline", "memory"}, table) + gpuOrigin(rows)
}

// gpuPeersTable tells the newest row of each network of the goals and each form of a peer; nothing
// where there is none.
func gpuPeersTable(rows []Row) string {
	rows = measured(rows, casePeer, func(r Row) string { return r.What + r.Subject.Device.Precision + r.Reference.Name })
	if len(rows) == 0 {
		return ""
	}
	var table [][]string
	for _, r := range rows {
		table = append(table, append(gpuWords(r), r.Reference.Name, fmt.Sprintf("%.3g", r.Reference.Median/float64(r.Shape.T)*1e6),
			ratioWord(r.Ratio), megabytes(r.Subject), megabytes(*r.Reference)))
	}
	return markdown([]string{"model", "what", "precision", "B", "H", "T", "µs per step", "against", "µs per step", "faster", "memory", "of the peer"}, table) + gpuOrigin(rows)
}

// latencyTable tells the newest row of each signal of a GPU; nothing where there is none.
func latencyTable(rows []Row) string {
	var table [][]string
	used := newestOf(rows, func(r Row) bool { return r.Case == caseLatency && !r.Quick && !r.Emulated }, func(r Row) string { return r.What })
	for _, r := range used {
		table = append(table, []string{r.What, fmt.Sprintf("%.3g µs", r.Subject.Median*1e6)})
	}
	if len(table) == 0 {
		return ""
	}
	return markdown([]string{"signal", "a round"}, table) + gpuOrigin(used)
}

func megabytes(t Timing) string { return fmt.Sprintf("%.0f MB", float64(t.MemoryHigh)/1e6) }
