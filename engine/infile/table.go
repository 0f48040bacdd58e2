package infile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Table is a table of values as rigs, spreadsheets and programs write one.
type Table struct {
	Rows  [][]string // without blanks around the values, all of one length
	lines []int
}

// Line returns the number of the line, from 1, that row k begins in.
func (t *Table) Line(k int) int { return t.lines[k] }

// ErrTable marks a text that is no table.
var ErrTable = errors.New("it is no table")

// ParseTable reads a table of one row at least, whose first row has a value for each column. Its values are
// divided by what Separator finds in the first line, and beside semicolons and tabs a number may have a decimal
// comma. Empty lines and empty values behind the last column mean nothing.
//
// Errors: ErrTable or ErrText, with the line.
func ParseTable(text []byte) (*Table, error) {
	text, err := Plain(text)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	head, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	r.Comma, r.FieldsPerRecord = Separator(string(head)), -1
	t := &Table{}
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTable, err)
		}
		for i, value := range row {
			row[i] = DecimalPoint(strings.TrimSpace(value), r.Comma)
		}
		line, _ := r.FieldPos(0)
		want := len(row)
		if len(t.Rows) > 0 {
			want = len(t.Rows[0])
		}
		for len(row) > 1 && row[len(row)-1] == "" && (len(t.Rows) == 0 || len(row) > want) {
			row = row[:len(row)-1]
		}
		switch {
		case !slices.ContainsFunc(row, func(v string) bool { return v != "" }):
			continue
		case len(t.Rows) > 0 && len(row) != want:
			return nil, fmt.Errorf("%w: line %d has %d values, the first row %d; write as many in each, decimal commas beside semicolons or tabs alone", ErrTable, line, len(row), want)
		}
		t.Rows, t.lines = append(t.Rows, row), append(t.lines, line)
	}
	if len(t.Rows) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrTable)
	}
	return t, nil
}

// Separator returns what divides the values of a table with this first line: a semicolon or a tab where one is in it,
// outside of quotes and other than as a blank behind a comma, and otherwise a comma.
func Separator(head string) rune {
	parts := strings.Split(strings.ReplaceAll(head, ",\t", ","), `"`)
	for i := 1; i < len(parts); i += 2 {
		parts[i] = ""
	}
	head = strings.Join(parts, "")
	for _, sign := range ";\t" {
		if strings.ContainsRune(head, sign) {
			return sign
		}
	}
	return ','
}

// DecimalPoint returns a value of a table with a point for its decimal comma, where it is such a number and the separator
// lets it be one.
func DecimalPoint(value string, separator rune) string {
	if separator == ',' || strings.Count(value, ",") != 1 {
		return value
	}
	text := strings.Replace(value, ",", ".", 1)
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return value
	}
	return text
}

// Columns returns where the named columns are in the first row, -1 for one that is not there.
//
// Errors: ErrTable for a name that is there twice.
func (t *Table) Columns(names ...string) ([]int, error) {
	at := make([]int, len(names))
	for i, name := range names {
		at[i] = slices.Index(t.Rows[0], name)
		if at[i] >= 0 && slices.Contains(t.Rows[0][at[i]+1:], name) {
			return nil, fmt.Errorf("%w with one %s: its first row has the name twice; leave one out", ErrTable, name)
		}
	}
	return at, nil
}

// units are what numbers of a column count in, by the names that a heading may give them, and how much of the first of its
// kind one is.
var units = map[string]struct {
	kind string
	size float64
}{
	"ms": {"ms", 1}, "msec": {"ms", 1}, "s": {"ms", 1000}, "sec": {"ms", 1000}, "us": {"ms", 1e-3}, "µs": {"ms", 1e-3}, "μs": {"ms", 1e-3},
	"pa": {"nA", 1e-3}, "na": {"nA", 1}, "ua": {"nA", 1e3}, "µa": {"nA", 1e3}, "μa": {"nA", 1e3}, "ma": {"nA", 1e6}, "a": {"nA", 1e9},
	"mv": {"mV", 1}, "v": {"mV", 1000}, "uv": {"mV", 1e-3}, "µv": {"mV", 1e-3}, "μv": {"mV", 1e-3},
}

// Heading divides the name of a column, such as "Time (s)", "time_s" or "voltage [mV]", into what it is of, in small
// letters, and its unit, which may stand alone: what its numbers are times, 1 where it names none, to be in kind, ms, mV or nA. The size of a unit
// that is not known or of another kind is NaN. Behind a low line units of currents are those of currents alone: places and inputs
// may be called a or na.
func Heading(name, kind string) (of string, size float64) {
	of, unit := divide(name, kind)
	switch u := units[unit]; {
	case unit == "":
		return of, 1
	case u.kind == kind:
		return of, u.size
	}
	return of, math.NaN()
}

// HasUnit tells whether the name of a column has a unit, known or not.
func HasUnit(name, kind string) bool {
	_, unit := divide(name, kind)
	return unit != ""
}

// divide divides the name of a column.
func divide(name, kind string) (of, unit string) {
	of = strings.ToLower(strings.TrimSpace(name))
	if at := strings.IndexAny(of, "(["); at > 0 && strings.HasSuffix(of, map[byte]string{'(': ")", '[': "]"}[of[at]]) {
		of, unit = of[:at], of[at+1:len(of)-1]
	} else if at := strings.LastIndexByte(of, '_'); at > 0 {
		if u := units[of[at+1:]].kind; u != "" && (u == "nA") == (kind == "nA") {
			of, unit = of[:at], of[at+1:]
		}
	}
	of = strings.TrimRight(of, " _")
	if unit == "" && units[of].kind == kind { // such as "s"
		unit = of
	}
	return of, strings.TrimSpace(unit)
}
