package cells

import (
	"slices"
	"strings"
	"testing"

	"galvani/kernels/headers"
)

// TestList wants every header in list.h, which is generated, and in its order.
func TestList(t *testing.T) {
	want, err := headers.Names(Headers)
	if err != nil {
		t.Fatal(err)
	}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("list.h has %v, the folder %v; run: go generate ./kernels/cells", got, want)
	}
}

// TestLimits wants limits.h to be what the tables of the headers give.
func TestLimits(t *testing.T) {
	var all []Tables
	for _, name := range Names() {
		tables, err := TablesOf(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tables)
	}
	text, err := Headers.ReadFile("limits.h")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != LimitsHeader(all) {
		t.Error("limits.h is not what the headers give; run: go generate ./kernels/cells")
	}
	if text := LimitsHeader([]Tables{{Consts: make([]Const, 17), Raws: make([]Param, 32), Rec: 8}}); !strings.Contains(
		text, "MAX_PLANES = 64, MAX_CONSTS = 32, MAX_REC = 8") {
		t.Errorf("a cell of 17 constants, 32 parameters and 8 products has the limits\n%s", text)
	}
}

// TestTables wants names that differ, ranges and texts in the tables of every header.
func TestTables(t *testing.T) {
	for _, name := range Names() {
		tables, err := TablesOf(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range tables.Planes {
			if seen[p.Name] || p.Unit == "" || p.Doc == "" {
				t.Errorf("%s: plane %+v", name, p)
			}
			seen[p.Name] = true
		}
		clear(seen)
		for _, p := range tables.Raws {
			if seen[p.Name] || p.Unit == "" || p.Doc == "" || p.Min >= p.Max {
				t.Errorf("%s: parameter %+v", name, p)
			}
			seen[p.Name] = true
		}
		clear(seen)
		for _, c := range tables.Consts {
			if seen[c.Name] || c.Doc == "" || c.Min > c.Max {
				t.Errorf("%s: constant %+v", name, c)
			}
			for _, v := range c.Choices {
				if v < c.Min || v > c.Max {
					t.Errorf("%s: constant %s: choice %v is out of its range", name, c.Name, v)
				}
			}
			seen[c.Name] = true
		}
	}
}

// TestBadTables names the header and what is wrong with its tables.
func TestBadTables(t *testing.T) {
	const good = "#define a_REC 1\n#define a_PREP 2\n"
	for text, want := range map[string]string{
		good:                                     "table a_PLANES(X)",
		good + "#define a_PLANES(X) X(h, \"1\")": "3 entries",
		good + "#define a_PLANES(X) \\\n\tY(h)\n": "3 entries",
		"#define a_REC n\n":                       "a_REC with a number",
	} {
		h := header{name: "a", text: text}
		h.count("REC")
		h.rows("PLANES", 3)
		if h.err == nil || !strings.Contains(h.err.Error(), want) || !strings.Contains(h.err.Error(), "a.h") {
			t.Errorf("%q: %v, want one of %s", text, h.err, want)
		}
	}
	if _, err := TablesOf("nonesuch"); err == nil {
		t.Error("a cell without a header has tables")
	}
	if got, words := choices("0 tanh, 1 relu"); len(got) != 2 || got[1] != 1 || words[1] != "relu" {
		t.Errorf("choices %v of %v", got, words)
	}
	if got, _ := choices("length of a step, 0 where all are 1"); got != nil {
		t.Errorf("choices %v of a length", got)
	}
}
