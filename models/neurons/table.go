package neurons

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/setting"

	"github.com/BurntSushi/toml"
)

// ErrDescription marks a description of a channel, a neuron or a morphology that is wrong.
var ErrDescription = errors.New("bad description")

// Mistake is what is wrong in a file.
type Mistake struct {
	File string
	Line int    // from 1, 0 for the whole file
	Key  string // empty for none
	What string // cause and remedy
}

// Error returns "FILE: line N: KEY WHAT".
func (m *Mistake) Error() string {
	text := m.File + ": "
	if m.Line > 0 {
		text += fmt.Sprintf("line %d: ", m.Line)
	}
	if m.Key != "" {
		text += m.Key + " "
	}
	return setting.OneLine(text + m.What)
}

// Is matches ErrDescription.
func (m *Mistake) Is(target error) bool { return target == ErrDescription }

// maxFile bounds what is read of a description.
const maxFile = 1 << 20

// document is a TOML file with the places of its keys. The first mistake stays in err, and what is read
// after it is zero.
type document struct {
	file  string
	lines map[string]int // by path, see locate
	order map[string]int // by path without indices
	err   error
}

// table is one table of a document; its keys are spent as they are read.
type table struct {
	doc    *document
	path   string // "" for the root
	values map[string]any
	known  []string
}

// openDocument reads the TOML of a file.
//
// Errors: *Mistake where it is not well formed.
func openDocument(file string, text []byte) (*table, error) {
	if len(text) > maxFile {
		return nil, &Mistake{File: file, What: fmt.Sprintf("has more than %d bytes, want a description", maxFile)}
	}
	values := map[string]any{}
	meta, err := toml.Decode(string(text), &values)
	if err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, &Mistake{File: file, Line: syntax.Position.Line, What: setting.OneLine(syntax.Message)}
		}
		return nil, &Mistake{File: file, What: setting.OneLine(err.Error())}
	}
	doc := &document{file: file, lines: locate(string(text)), order: map[string]int{}}
	for i, k := range meta.Keys() {
		for n := range k { // with the tables around it, which need no heading of their own
			if name := strings.Join(k[:n+1], "."); doc.order[name] == 0 {
				doc.order[name] = i + 1
			}
		}
	}
	return &table{doc: doc, values: values}, nil
}

// fail notes the first mistake of the document, at a key of the table.
func (t *table) fail(key, format string, args ...any) {
	if t.doc.err != nil {
		return
	}
	path := t.join(key)
	t.doc.err = &Mistake{File: t.doc.file, Line: t.doc.line(path), Key: setting.Shorten(path), What: fmt.Sprintf(format, args...)}
}

// line returns the line of a path, or of the nearest table around it.
func (d *document) line(path string) int {
	for path != "" {
		if n, ok := d.lines[path]; ok {
			return n
		}
		cut := strings.LastIndexByte(path, '.')
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return 0
}

func (t *table) join(key string) string {
	switch {
	case t.path == "":
		return key
	case key == "":
		return t.path
	}
	return t.path + "." + key
}

// take spends a key.
func (t *table) take(key string) (any, bool) {
	t.known = append(t.known, key)
	v, ok := t.values[key]
	return v, ok && t.doc.err == nil
}

// has tells whether a key is there, and spends nothing.
func (t *table) has(key string) bool { _, ok := t.values[key]; return ok }

// need refuses a table without a key.
func (t *table) need(key, example string) bool {
	if !t.has(key) {
		t.known = append(t.known, key)
		t.fail("", "has no %s; add one, such as %s = %s", key, key, example)
	}
	return t.doc.err == nil
}

// done refuses keys that nobody has read.
func (t *table) done() {
	for _, key := range t.names() {
		if !slices.Contains(t.known, key) {
			known := slices.Compact(slices.Sorted(slices.Values(t.known)))
			t.fail(key, "is unknown%s", strings.TrimPrefix(setting.Unknown("key", key, known), "unknown key "+strconv.Quote(setting.Shorten(key))))
		}
	}
}

// names returns the keys of the table in the order of the file.
func (t *table) names() []string {
	names := slices.Sorted(maps.Keys(t.values))
	prefix := plainPath(t.path)
	place := func(key string) int {
		if prefix != "" {
			key = prefix + "." + key
		}
		return t.doc.order[key]
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}

// plainPath leaves out the indices of a path.
func plainPath(path string) string {
	for {
		open := strings.IndexByte(path, '[')
		if open < 0 {
			return path
		}
		end := strings.IndexByte(path[open:], ']')
		if end < 0 {
			return path
		}
		path = path[:open] + path[open+end+1:]
	}
}

// words reads text, and the default where there is none.
func (t *table) words(key, otherwise string) string {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	s, ok := v.(string)
	if !ok {
		t.fail(key, "is %v, want text in quotes", brief(v))
	}
	return s
}

// oneOf reads a word of a list and returns its number.
func (t *table) oneOf(key string, list []string) int {
	if !t.need(key, strconv.Quote(list[0])) {
		return 0
	}
	word := t.words(key, "")
	at := slices.Index(list, word)
	if at < 0 {
		t.fail(key, "is %q, want one of %s", setting.Shorten(word), strings.Join(list, ", "))
		return 0
	}
	return at
}

// truth reads true or false.
func (t *table) truth(key string) bool {
	v, ok := t.take(key)
	b, is := v.(bool)
	if ok && !is {
		t.fail(key, "is %v, want true or false", brief(v))
	}
	return b
}

// integer reads a whole number of a range.
func (t *table) integer(key string, otherwise, lo, hi int) int {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	n, ok := v.(int64)
	if !ok || n < int64(lo) || n > int64(hi) {
		t.fail(key, "is %v, want a whole number of %d to %d", brief(v), lo, hi)
		return otherwise
	}
	return int(n)
}

// number reads a number without a unit.
func (t *table) number(key string, otherwise, lo, hi float64) float64 {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	x, ok := v.(float64)
	if n, whole := v.(int64); whole {
		x, ok = float64(n), true
	}
	if !ok || !(x >= lo && x <= hi) {
		t.fail(key, "is %v, want a number of %g to %g", brief(v), lo, hi)
		return otherwise
	}
	return x
}

// interval is the range of a quantity.
type interval struct {
	lo, hi float64
	open   bool // without lo itself
}

var (
	anyReal   = interval{lo: -1e30, hi: 1e30}
	fromZero  = interval{lo: 0, hi: 1e30}
	aboveZero = interval{lo: 0, hi: 1e30, open: true}
)

// quantity reads a number with a unit, and the default where there is none.
func (t *table) quantity(key string, d dimension, otherwise float64, in interval) float64 {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	text, ok := v.(string)
	if !ok {
		switch v.(type) {
		case int64, float64:
			t.fail(key, "is %v without a unit; write %s = %q", v, key, fmt.Sprint(v, " ", d.unit))
		default:
			t.fail(key, "is %v, want a number with a unit, such as %q", brief(v), "1 "+d.unit)
		}
		return otherwise
	}
	x, err := d.in(text)
	switch {
	case err != nil:
		t.fail(key, "is %q, %v", setting.Shorten(text), err)
	case in.open && !(x > in.lo && x <= in.hi):
		t.fail(key, "is %q, want more than %g", setting.Shorten(text), in.lo)
	case in.lo == 0 && !(x >= 0 && x <= in.hi):
		t.fail(key, "is %q, want 0 or more", setting.Shorten(text))
	case !(x >= in.lo && x <= in.hi):
		t.fail(key, "is %q, want %s to %s", setting.Shorten(text), d.text(in.lo), d.text(in.hi))
	default:
		return x
	}
	return otherwise
}

// must reads a quantity that has no default.
func (t *table) must(key string, d dimension, in interval) float64 {
	if !t.need(key, strconv.Quote("1 "+d.unit)) {
		return 0
	}
	return t.quantity(key, d, 0, in)
}

// sub returns the table of a key, which is empty where there is none.
func (t *table) sub(key string) *table {
	s := &table{doc: t.doc, path: t.join(key), values: map[string]any{}}
	v, ok := t.take(key)
	if !ok {
		return s
	}
	if s.values, ok = v.(map[string]any); !ok {
		t.fail(key, "is %v, want a table", brief(v))
		s.values = map[string]any{}
	}
	return s
}

// list returns the tables of an array of tables.
func (t *table) list(key string) []*table {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	var all []*table
	add := func(m map[string]any) {
		all = append(all, &table{doc: t.doc, path: fmt.Sprintf("%s[%d]", t.join(key), len(all)), values: m})
	}
	switch v := v.(type) {
	case []map[string]any:
		for _, m := range v {
			add(m)
		}
		return all
	case []any: // inline tables
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				add(m)
			}
		}
		if len(all) == len(v) {
			return all
		}
	}
	t.fail(key, "is %v, want tables, each under [[%s]]", brief(v), plainPath(t.join(key)))
	return nil
}

// brief is a value in a message.
func brief(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(setting.Shorten(v))
	case map[string]any, []map[string]any:
		return "a table"
	}
	return setting.Shorten(fmt.Sprint(v))
}
