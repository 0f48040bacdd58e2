package description

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/setting"

	"github.com/BurntSushi/toml"
)

// Err marks a description that is wrong.
var Err = errors.New("bad description")

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

// Is matches Err.
func (m *Mistake) Is(target error) bool { return target == Err }

// maxFile bounds what is read of a description.
const maxFile = 1 << 20

// document is a TOML file with the places of its keys. The first mistake stays in err, and what is read
// after it is zero.
type document struct {
	file  string
	lines map[string]int // by path, see locate
	order map[string]int // by path without indices
	names map[string]float64
	err   error
}

// Table is one table of a document; its keys are spent as they are read.
type Table struct {
	doc    *document
	path   string // "" for the root
	values map[string]any
	known  []string
}

// Open reads the TOML of a file.
//
// Errors: *Mistake where it is not well formed.
func Open(file string, text []byte) (*Table, error) {
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
	return &Table{doc: doc, values: values}, nil
}

// Let gives names values, which numbers and quantities of the document may be computed from. Without it a
// formula is refused.
func (t *Table) Let(names map[string]float64) { t.doc.names = names }

// Err returns the first mistake of the document.
func (t *Table) Err() error { return t.doc.err }

// Put replaces the mistake of the document, as by one in a file that it names.
func (t *Table) Put(err error) { t.doc.err = err }

// At returns the place of a path of the document, to note a mistake there.
func (t *Table) At(path string) *Table { return &Table{doc: t.doc, path: path} }

// Line returns the line of a key, or of the nearest table around it; 0 for the whole file.
func (t *Table) Line(key string) int { return t.doc.line(t.join(key)) }

// Value returns what a key holds, and spends nothing.
func (t *Table) Value(key string) any { return t.values[key] }

// With returns the table with other values of some keys.
func (t *Table) With(values map[string]any) *Table {
	u := &Table{doc: t.doc, path: t.path, values: maps.Clone(t.values)}
	maps.Copy(u.values, values)
	return u
}

// Spend takes keys for read.
func (t *Table) Spend(keys ...string) { t.known = append(t.known, keys...) }

// Empty reports whether the table has no key.
func (t *Table) Empty() bool { return len(t.values) == 0 }

// Fail notes the first mistake of the document, at a key of the table.
func (t *Table) Fail(key, format string, args ...any) {
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

func (t *Table) join(key string) string {
	switch {
	case t.path == "":
		return key
	case key == "":
		return t.path
	}
	return t.path + "." + key
}

// take spends a key.
func (t *Table) take(key string) (any, bool) {
	t.known = append(t.known, key)
	v, ok := t.values[key]
	return v, ok && t.doc.err == nil
}

// Has tells whether a key is there, and spends nothing.
func (t *Table) Has(key string) bool { _, ok := t.values[key]; return ok }

// Either returns which of two names a key goes by in the table: the first, or another one that files also use.
func (t *Table) Either(key, other string) string {
	if !t.Has(other) {
		return key
	}
	if t.Spend(other); t.Has(key) {
		t.Fail(other, "is %s by another name; leave one of them out", key)
	}
	return other
}

// StepKey is the key of the length of a step at the top of a neuron and of a network.
const StepKey = "dt"

// Step reads the length of a step in ms, which may also be called step, and returns the key that has it.
func (t *Table) Step(otherwise float64) (ms float64, key string) {
	key = t.Either(StepKey, "step")
	t.Spend(StepKey)
	return t.Quantity(key, Duration, otherwise, Interval{Lo: 1e-6, Hi: 1000}), key
}

// Need refuses a table without a key.
func (t *Table) Need(key, example string) bool {
	if !t.Has(key) {
		t.known = append(t.known, key)
		t.Fail("", "has no %s; add one, such as %s = %s", key, key, example)
	}
	return t.doc.err == nil
}

// Done refuses keys that nobody has read.
func (t *Table) Done() {
	for _, key := range t.Names() {
		if !slices.Contains(t.known, key) {
			known := slices.Compact(slices.Sorted(slices.Values(t.known)))
			t.Fail(key, "is unknown%s", strings.TrimPrefix(setting.Unknown("key", key, known), "unknown key "+strconv.Quote(setting.Shorten(key))))
		}
	}
}

// Names returns the keys of the table in the order of the file.
func (t *Table) Names() []string {
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

// Words reads text, and the default where there is none.
func (t *Table) Words(key, otherwise string) string {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	s, ok := v.(string)
	if !ok {
		t.Fail(key, "is %v, want text in quotes", Brief(v))
	}
	return s
}

// Texts reads a list of texts, of which there is one at least.
func (t *Table) Texts(key string) (list []string) {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	all, _ := v.([]any)
	for _, e := range all {
		if s, ok := e.(string); ok {
			list = append(list, s)
		}
	}
	if len(list) == 0 || len(list) != len(all) {
		t.Fail(key, "is %v, want a list of names in quotes", Brief(v))
		return nil
	}
	return list
}

// OneOf reads a word of a list and returns its number.
func (t *Table) OneOf(key string, list []string) int {
	if !t.Need(key, strconv.Quote(list[0])) {
		return 0
	}
	word := t.Words(key, "")
	at := slices.Index(list, word)
	if at < 0 {
		t.Fail(key, "is %q, want one of %s", setting.Shorten(word), strings.Join(list, ", "))
		return 0
	}
	return at
}

// Truth reads true or false.
func (t *Table) Truth(key string) bool {
	v, ok := t.take(key)
	b, is := v.(bool)
	if ok && !is {
		t.Fail(key, "is %v, want true or false", Brief(v))
	}
	return b
}

// Integer reads a whole number of a range; a formula is rounded to one.
func (t *Table) Integer(key string, otherwise, lo, hi int) int {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	n, ok := v.(int64)
	if text, is := v.(string); is && t.doc.names != nil {
		x, err := t.doc.formula(text)
		if err != nil {
			t.Fail(key, "is %q, %v", setting.Shorten(text), err)
			return otherwise
		}
		if x = math.Round(x); !(x >= float64(lo) && x <= float64(hi)) {
			t.Fail(key, "is %q, which is %g, want a whole number of %d to %d", setting.Shorten(text), x, lo, hi)
			return otherwise
		}
		return int(x)
	}
	if !ok || n < int64(lo) || n > int64(hi) {
		t.Fail(key, "is %v, want a whole number of %d to %d", Brief(v), lo, hi)
		return otherwise
	}
	return int(n)
}

// Number reads a number without a unit.
func (t *Table) Number(key string, otherwise, lo, hi float64) float64 {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	x, ok := v.(float64)
	if n, whole := v.(int64); whole {
		x, ok = float64(n), true
	}
	is := Brief(v)
	if text, words := v.(string); words && t.doc.names != nil {
		var err error
		if x, err = t.doc.formula(text); err != nil {
			t.Fail(key, "is %q, %v", setting.Shorten(text), err)
			return otherwise
		}
		ok, is = true, fmt.Sprintf("%s, which is %g", is, x)
	}
	if !ok || !(x >= lo && x <= hi) {
		t.Fail(key, "is %v, want a number of %g to %g", is, lo, hi)
		return otherwise
	}
	return x
}

// Interval is the range of a quantity.
type Interval struct {
	Lo, Hi float64
	Open   bool // without Lo itself
}

var (
	AnyReal   = Interval{Lo: -1e30, Hi: 1e30}
	FromZero  = Interval{Lo: 0, Hi: 1e30}
	AboveZero = Interval{Lo: 0, Hi: 1e30, Open: true}
)

// Quantity reads a number with a unit, and the default where there is none.
func (t *Table) Quantity(key string, d Dimension, otherwise float64, in Interval) float64 {
	v, ok := t.take(key)
	if !ok {
		return otherwise
	}
	text, ok := v.(string)
	if !ok {
		return t.noQuantity(key, v, d, otherwise)
	}
	return t.Of(key, text, d, otherwise, in)
}

// Of is Quantity for text that is part of what a key holds.
func (t *Table) Of(key, text string, d Dimension, otherwise float64, in Interval) float64 {
	x, err := t.doc.in(d, text)
	is := strconv.Quote(setting.Shorten(text))
	if number, _ := Split(text); err == nil && formulaLike(number) {
		is += ", which is " + d.Text(x)
	}
	switch {
	case err != nil:
		t.Fail(key, "is %s, %v", is, err)
	case x > in.Hi && !math.IsInf(x, 1) && (in.Open || in.Lo == 0):
		t.Fail(key, "is %s, want at most %s", is, d.Text(in.Hi))
	case in.Open && !(x > in.Lo && x <= in.Hi):
		t.Fail(key, "is %s, want more than %g", is, in.Lo)
	case in.Lo == 0 && !(x >= 0 && x <= in.Hi):
		t.Fail(key, "is %s, want 0 or more", is)
	case !(x >= in.Lo && x <= in.Hi):
		t.Fail(key, "is %s, want %s to %s", is, d.Text(in.Lo), d.Text(in.Hi))
	default:
		return x
	}
	return otherwise
}

// noQuantity refuses what is no text.
func (t *Table) noQuantity(key string, v any, d Dimension, otherwise float64) float64 {
	switch v.(type) {
	case int64, float64:
		t.Fail(key, "is %v without a unit; write %s = %q", v, key, fmt.Sprint(v, " ", d.Unit))
	default:
		t.Fail(key, "is %v, want a number with a unit, such as %q", Brief(v), "1 "+d.Unit)
	}
	return otherwise
}

// Must reads a quantity that has no default.
func (t *Table) Must(key string, d Dimension, in Interval) float64 {
	if !t.Need(key, strconv.Quote("1 "+d.Unit)) {
		return 0
	}
	return t.Quantity(key, d, 0, in)
}

// Sub returns the table of a key, which is empty where there is none.
func (t *Table) Sub(key string) *Table {
	s := &Table{doc: t.doc, path: t.join(key), values: map[string]any{}}
	v, ok := t.take(key)
	if !ok {
		return s
	}
	if s.values, ok = v.(map[string]any); !ok {
		t.Fail(key, "is %v, want a table", Brief(v))
		s.values = map[string]any{}
	}
	return s
}

// List returns the tables of an array of tables.
func (t *Table) List(key string) []*Table {
	v, ok := t.take(key)
	if !ok {
		return nil
	}
	var all []*Table
	add := func(m map[string]any) {
		all = append(all, &Table{doc: t.doc, path: fmt.Sprintf("%s[%d]", t.join(key), len(all)), values: m})
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
	t.Fail(key, "is %v, want tables, each under [[%s]]", Brief(v), plainPath(t.join(key)))
	return nil
}

// Brief is a value in a message.
func Brief(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(setting.Shorten(v))
	case map[string]any, []map[string]any:
		return "a table"
	}
	return setting.Shorten(fmt.Sprint(v))
}
