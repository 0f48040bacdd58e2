package description

import (
	"fmt"
	"strings"
)

// locate returns the line of each key of a well-formed TOML text by its path, such as region.soma.leak or
// gate[1].alpha, tables of an array by their index. Keys of an inline table have none of their own.
func locate(text string) map[string]int {
	l := locator{lines: map[string]int{}, counts: map[string]int{}}
	for i, line := range strings.Split(text, "\n") {
		l.line(i+1, line)
	}
	return l.lines
}

type locator struct {
	lines   map[string]int
	counts  map[string]int // tables of each array so far
	table   string         // path of the table that keys belong to
	depth   int            // open brackets of a value
	opening string         // quotes that a string over several lines waits for, empty for none
}

// line takes in one line.
func (l *locator) line(n int, s string) {
	if l.opening == "" && l.depth == 0 {
		s = strings.TrimSpace(s)
		switch {
		case strings.HasPrefix(s, "[["):
			path, _ := l.path(s[2:], "")
			l.counts[path]++
			l.table = fmt.Sprintf("%s[%d]", path, l.counts[path]-1)
			l.lines[l.table] = n
			return
		case strings.HasPrefix(s, "["):
			path, _ := l.path(s[1:], "")
			l.table = l.indexed(path)
			l.note(l.table, n)
			return
		case s == "" || s[0] == '#':
			return
		}
		path, rest := l.path(s, l.table)
		l.note(path, n)
		s = rest
	}
	l.value(s)
}

// note keeps the line of a path and of those around it.
func (l *locator) note(path string, n int) {
	for path != "" {
		if _, seen := l.lines[path]; seen {
			return
		}
		l.lines[path] = n
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
}

// path reads a dotted key up to = or ] behind a table, and returns what follows.
func (l *locator) path(s, table string) (path, rest string) {
	path = table
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return path, ""
		}
		var part string
		if q := s[0]; q == '"' || q == '\'' {
			end := strings.IndexByte(s[1:], q)
			if end < 0 {
				return path, ""
			}
			part, s = s[1:1+end], s[2+end:]
		} else {
			end := strings.IndexAny(s, " \t.=]")
			if end < 0 {
				return path, ""
			}
			part, s = s[:end], s[end:]
		}
		if path = l.indexed(path); path != "" {
			path += "."
		}
		path += part
		s = strings.TrimLeft(s, " \t")
		if s == "" || s[0] != '.' {
			return path, strings.TrimPrefix(s, "=")
		}
		s = s[1:]
	}
}

// indexed adds the index of the last table to the path of an array.
func (l *locator) indexed(path string) string {
	if n := l.counts[path]; n > 0 {
		return fmt.Sprintf("%s[%d]", path, n-1)
	}
	return path
}

// value follows brackets and strings of several lines through the rest of a line.
func (l *locator) value(s string) {
	for s != "" {
		if l.opening != "" {
			end := strings.Index(s, l.opening)
			escape := -1
			if l.opening == `"""` {
				escape = strings.IndexByte(s, '\\')
			}
			if escape >= 0 && (end < 0 || escape < end) {
				s = s[min(len(s), escape+2):]
				continue
			}
			if end < 0 {
				return
			}
			s, l.opening = s[end+3:], ""
			continue
		}
		switch c := s[0]; c {
		case '#':
			return
		case '[', '{':
			l.depth++
		case ']', '}':
			l.depth--
		case '"', '\'':
			if triple := strings.Repeat(string(c), 3); strings.HasPrefix(s, triple) {
				l.opening, s = triple, s[3:]
				continue
			}
			s = afterString(s)
			continue
		}
		s = s[1:]
	}
}

// afterString returns what follows a string within one line.
func afterString(s string) string {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] == s[0]:
			return s[i+1:]
		}
	}
	return ""
}
