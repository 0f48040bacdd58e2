package docker_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseYAML reads the YAML that the files of this folder keep to: documents of block mappings and
// sequences, flow sequences of scalars, literal blocks, quoted and plain scalars, comments. Anything
// else is an error. A scalar is a string, an empty value nil.
func parseYAML(text string) (docs []any, err error) {
	for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
		p := &yamlParser{lines: strings.Split(doc, "\n")}
		v, err := p.block(0)
		if err != nil {
			return nil, err
		}
		if p.next() {
			return nil, p.errorf("indentation")
		}
		docs = append(docs, v)
	}
	return docs, nil
}

type yamlParser struct {
	lines []string
	at    int
}

var yamlKey = regexp.MustCompile(`^([A-Za-z0-9_./-]+):(?: +(.*))?$`)

func (p *yamlParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s in %q", fmt.Sprintf(format, args...), p.lines[min(p.at, len(p.lines)-1)])
}

// next moves to the next line that is neither empty nor a comment.
func (p *yamlParser) next() bool {
	for ; p.at < len(p.lines); p.at++ {
		if t := strings.TrimSpace(p.lines[p.at]); t != "" && t[0] != '#' {
			return true
		}
	}
	return false
}

// indent returns the column that the current line begins at.
func (p *yamlParser) indent() int {
	return len(p.lines[p.at]) - len(strings.TrimLeft(p.lines[p.at], " "))
}

// here tells whether the next line begins at the column, and returns the rest of it.
func (p *yamlParser) here(column int) (string, bool) {
	if !p.next() || p.indent() != column {
		return "", false
	}
	return p.lines[p.at][column:], true
}

// block reads the mapping or sequence that begins at the column.
func (p *yamlParser) block(column int) (any, error) {
	line, _ := p.here(column)
	if strings.HasPrefix(line, "- ") {
		return p.sequence(column)
	}
	return p.mapping(column)
}

func (p *yamlParser) sequence(column int) (any, error) {
	var list []any
	for {
		line, ok := p.here(column)
		if !ok {
			return list, nil
		}
		rest, ok := strings.CutPrefix(line, "- ")
		if !ok {
			return nil, p.errorf("no item")
		}
		var v any
		var err error
		if yamlKey.MatchString(rest) {
			p.lines[p.at] = strings.Repeat(" ", column+2) + rest
			v, err = p.mapping(column + 2)
		} else {
			v, err = p.value(rest, column)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

func (p *yamlParser) mapping(column int) (any, error) {
	m := map[string]any{}
	for {
		line, ok := p.here(column)
		if !ok {
			return m, nil
		}
		kv := yamlKey.FindStringSubmatch(line)
		if kv == nil {
			return nil, p.errorf("no key")
		}
		if _, twice := m[kv[1]]; twice {
			return nil, p.errorf("key %s twice", kv[1])
		}
		v, err := p.value(kv[2], column)
		if err != nil {
			return nil, err
		}
		m[kv[1]] = v
	}
}

// value reads what follows a key or dash on the line, or below it and further in than the column.
func (p *yamlParser) value(rest string, column int) (any, error) {
	if i := strings.Index(" "+rest, " #"); i >= 0 {
		rest = strings.TrimSpace(rest[:i])
	}
	switch {
	case rest == "":
		p.at++
		if p.next() && p.indent() > column {
			return p.block(p.indent())
		}
		return nil, nil
	case rest == "|":
		return p.literal(column), nil
	case strings.HasPrefix(rest, "["):
		return p.flow(rest)
	}
	p.at++
	return scalar(rest)
}

// literal reads the lines of a literal block, which lie further in than the column.
func (p *yamlParser) literal(column int) string {
	var b strings.Builder
	inner := -1
	for p.at++; p.at < len(p.lines); p.at++ {
		if strings.TrimSpace(p.lines[p.at]) == "" {
			b.WriteString("\n")
			continue
		}
		if p.indent() <= column {
			break
		}
		if inner < 0 {
			inner = p.indent()
		}
		b.WriteString(p.lines[p.at][min(inner, p.indent()):] + "\n")
	}
	return b.String()
}

func (p *yamlParser) flow(text string) (any, error) {
	body, ok := strings.CutSuffix(text[1:], "]")
	if !ok {
		return nil, p.errorf("flow sequence over several lines")
	}
	p.at++
	var list []any
	for _, item := range strings.Split(body, ",") {
		v, err := scalar(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// scalar unquotes a scalar and refuses what only full YAML gives a meaning.
func scalar(s string) (any, error) {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && !strings.Contains(s, `\`) {
		return s[1 : n-1], nil
	}
	if s == "" || strings.ContainsAny(s[:1], "&*!|>{}[]%@`\"'?\t") || strings.Contains(s, ": ") {
		return nil, fmt.Errorf("scalar %q: quote it or keep to plain words", s)
	}
	return s, nil
}

func TestParseYAML(t *testing.T) {
	text := `# head
a: 1   # one
b:
  - x: [p, "q: r"]
    y:
      z: w
  - plain
c: |
  first
    second
d:
---
e: f
`
	want := []any{
		map[string]any{"a": "1", "b": []any{
			map[string]any{"x": []any{"p", "q: r"}, "y": map[string]any{"z": "w"}}, "plain"},
			"c": "first\n  second\n", "d": nil},
		map[string]any{"e": "f"},
	}
	got, err := parseYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for _, bad := range []string{"a: 1\na: 2", "a: {b: c}", "a: &x b", "a:\n\tb: c", "a: 1\n  b: 2", "- a\nb: c", "a: [b\n  c]", "a: b: c"} {
		if v, err := parseYAML(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, v)
		}
	}
}
