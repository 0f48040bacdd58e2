package cells

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Plane is a plane of the state of a cell.
type Plane struct{ Name, Unit, Doc string }

// Param is a per-unit parameter plane, with a range for the numbers of tests.
type Param struct {
	Name, Unit, Doc string
	Min, Max        float64
}

// Const is a constant, likewise. Choices are the numbers of a constant that chooses, nil for others, and Words
// what each chooses.
type Const struct {
	Name, Doc string
	Min, Max  float64
	Choices   []float64
	Words     []string
	Unbounded *float64 // the choice with which h grows without bound; nil for none
}

// Bounded tells whether h has a bound with these constants.
func (t Tables) Bounded(consts []float64) bool {
	for i, c := range t.Consts {
		if c.Unbounded != nil && *c.Unbounded == consts[i] {
			return false
		}
	}
	return true
}

// Tables are what a header declares of its cell in tables.
type Tables struct {
	Planes []Plane
	Raws   []Param
	Consts []Const
	// Rec and Prep are the numbers of recurrent products and of prepared planes, Elapsed is that of the
	// constant that holds the length of a step, or -1.
	Rec, Prep, Elapsed int
}

// TablesOf returns the tables of a cell. It reads the text of the header, and so needs no C compiler.
//
// Errors: a cell without a header, and a header without a table or with a row that is none.
func TablesOf(name string) (Tables, error) {
	text, err := Headers.ReadFile(name + ".h")
	if err != nil {
		return Tables{}, fmt.Errorf("cells: there is no cell %q", name)
	}
	h := header{name: name, text: string(text)}
	t := Tables{Rec: h.count("REC"), Prep: h.count("PREP"), Elapsed: h.count("ELAPSED")}
	for _, r := range h.rows("PLANES", 3) {
		t.Planes = append(t.Planes, Plane{r[0], r[1], r[2]})
	}
	for _, r := range h.rows("RAWS", 5) {
		t.Raws = append(t.Raws, Param{Name: r[0], Unit: r[1], Min: h.number(r[2]), Max: h.number(r[3]), Doc: r[4]})
	}
	for _, r := range h.rows("CONSTS", 4) {
		c := Const{Name: r[0], Min: h.number(r[1]), Max: h.number(r[2]), Doc: r[3]}
		c.Choices, c.Words = choices(r[3])
		t.Consts = append(t.Consts, c)
	}
	h.unbounded(t.Consts)
	return t, h.err
}

// header is the text of a header, and what is wrong with it.
type header struct {
	name, text string
	err        error
}

func (h *header) fail(format string, args ...any) {
	if h.err == nil {
		h.err = fmt.Errorf("cells: %s.h: %s", h.name, fmt.Sprintf(format, args...))
	}
}

func (h *header) number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		h.fail("%s is no number", s)
	}
	return v
}

// unbounded notes the choice of a constant that a line #define NAME_UNBOUNDED(X) X(constant, value) names.
func (h *header) unbounded(consts []Const) {
	m := regexp.MustCompile(`(?m)^#define ` + h.name + `_UNBOUNDED\(X\) X\((\w+), (-?\d+)\)`).FindStringSubmatch(h.text)
	if m == nil {
		return
	}
	i := slices.IndexFunc(consts, func(c Const) bool { return c.Name == m[1] })
	if value := h.number(m[2]); i >= 0 && slices.Contains(consts[i].Choices, value) {
		consts[i].Unbounded = &value
		return
	}
	h.fail("%s is no choice of a constant", m[0])
}

// count returns the number that a macro of the cell stands for.
func (h *header) count(macro string) int {
	m := regexp.MustCompile(`(?m)^#define ` + h.name + "_" + macro + ` (-?\d+)$`).FindStringSubmatch(h.text)
	if m == nil {
		h.fail("there is no line #define %s_%s with a number", h.name, macro)
		return 0
	}
	return int(h.number(m[1]))
}

// rows returns the rows X(...) of a table, of n entries each.
func (h *header) rows(table string, n int) (list [][]string) {
	_, text, ok := strings.Cut(h.text, "#define "+h.name+"_"+table+"(X)")
	if !ok {
		h.fail("there is no table %s_%s(X)", h.name, table)
		return nil
	}
	for more := true; more; {
		line, rest, _ := strings.Cut(text, "\n")
		line, more = strings.CutSuffix(line, "\\")
		text = rest
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		row := entry.FindAllStringSubmatch(strings.TrimSuffix(strings.TrimPrefix(line, "X("), ")"), -1)
		if !strings.HasPrefix(line, "X(") || !strings.HasSuffix(line, ")") || len(row) != n {
			h.fail("%s of %s_%s, want X(...) with %d entries", line, h.name, table, n)
			return list
		}
		r := make([]string, n)
		for i, e := range row {
			r[i] = e[1] + e[2]
		}
		list = append(list, r)
	}
	return list
}

// entry is one of a row: a text in quotes, or a name or a number.
var entry = regexp.MustCompile(`\s*(?:"([^"]*)"|([^",\s]+))\s*(?:,|$)`)

// choices returns the numbers that a description such as "0 tanh, 1 relu" gives meanings, and those, nil for
// any other.
func choices(doc string) (list []float64, words []string) {
	for _, part := range strings.Split(doc, ", ") {
		f := strings.Fields(part)
		if len(f) != 2 {
			return nil, nil
		}
		v, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			return nil, nil
		}
		list, words = append(list, v), append(words, f[1])
	}
	if len(list) < 2 {
		return nil, nil
	}
	return list, words
}
