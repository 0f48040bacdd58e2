package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// cell has one field of each kind.
type cell struct {
	timing
	Units   int       `toml:"units" doc:"Number of units." min:"1" max:"4096"`
	Seed    uint64    `toml:"seed" doc:"Seed."`
	Small   int8      `toml:"small" doc:"Small integer."`
	Kernel  string    `toml:"syn_kernel" doc:"Synaptic kernel." oneof:"ema|alpha"`
	Path    string    `toml:"path" doc:"A file."`
	Literal bool      `toml:"literal" doc:"Literal signs."`
	Taus    []float64 `toml:"taus" doc:"Time constants." unit:"ms" min:"0"`
	Sizes   []int     `toml:"sizes" doc:"Layer sizes."`
	private int
	Derived int
}

type timing struct {
	Dt float64 `toml:"dt" doc:"Time step." unit:"ms" min:"1e-3" max:"10"`
}

func newCell() *cell {
	return &cell{timing: timing{1}, Units: 64, Kernel: "ema", Taus: []float64{5, 20}, private: 1}
}

func newSet(t testing.TB, c *cell) *Set {
	t.Helper()
	s := &Set{}
	if err := s.Add("cell", c); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRefuse(t *testing.T) {
	for _, tt := range []struct{ toml, want string }{
		{`units = 0`, `key "units" is 0, want 1 to 4096`},
		{`units = 64.0`, `key "units" is 64, want an integer`},
		{`units = "many"`, `key "units" is "many", want an integer`},
		{`seed = -7`, `key "seed" is -7, want at least 0`},
		{`small = 200`, `key "small" is 200, want a smaller integer`},
		{`dt = nan`, `key "dt" is NaN, want 1e-3 to 10`},
		{`dt = 1e300`, `key "dt" is 1e+300, want 1e-3 to 10`},
		{`dt = 11`, `key "dt" is 11, want 1e-3 to 10`},
		{`syn_kernel = "emma"`, `key "syn_kernel" is "emma", want one of ema, alpha`},
		{`literal = 1`, `key "literal" is 1, want true or false`},
		{`path = 1`, `key "path" is 1, want a string`},
		{`taus = 5`, `key "taus" is 5, want a list of floats`},
		{`taus = [1, -1]`, `key "taus" is -1, want at least 0`},
		{`tau = 1`, `unknown key "tau"; did you mean "taus"?`},
		{`zzzzzzz = 1`, `unknown key "zzzzzzz"; known: dt, units, seed,`},
		{`[units]`, `units is a table, want flat keys`},
		{`units.more = 1`, `is a table, want flat keys`},
		{`units = `, `line 1: unexpected EOF; expected value`},
		{"units = 1\nunits = 2", `line 2: Key 'units' has already been defined`},
		{`dt = 1979-05-27`, `key "dt" is 1979-05-27`},
		{strings.Repeat("#", maxFile+1), `file is longer than 65536 bytes`},
	} {
		c := newCell()
		pairs, err := Decode(strings.NewReader(tt.toml))
		if err == nil {
			err = newSet(t, c).Apply(pairs)
		}
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: error %q, want ErrConfig in one line with %q", tt.toml, err, tt.want)
		}
		if d := cmp.Diff(newCell(), c, cmp.AllowUnexported(cell{}, timing{})); d != "" {
			t.Errorf("%.40s: a refused value was stored: %s", tt.toml, d)
		}
	}
}

// TestAddRefuses holds that no key has two owners.
func TestAddRefuses(t *testing.T) {
	if err := newSet(t, newCell()).Add("task", newCell()); err == nil {
		t.Error("Add accepted a key that the set has already")
	}
}

func TestWriteReproduces(t *testing.T) {
	c := newCell()
	c.Path, c.Dt, c.Literal = "odd \"name\"\n\x00é", 1e-3, true
	var out bytes.Buffer
	if err := newSet(t, c).Write(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "# Time step [ms] (1e-3 to 10)\ndt = ") {
		t.Errorf("comment of dt is missing:\n%s", &out)
	}
	got := &cell{private: 1}
	pairs, err := Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := newSet(t, got).Apply(pairs); err != nil {
		t.Fatal(err)
	}
	c.Sizes = []int{}
	if d := cmp.Diff(c, got, cmp.AllowUnexported(cell{}, timing{})); d != "" {
		t.Error(d)
	}
}

// FuzzConfig holds two promises: no file makes Decode panic, and what is accepted survives
// being written and read again.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("dt = 1\nunits = 3\ntaus = [1, 2.5]\nliteral = true\nsyn_kernel = \"alpha\"\n"))
	f.Add([]byte("seed = -1\n[table]\na.b = 1979-05-27T07:32:00Z\n"))
	f.Add([]byte("path = '''\n\x01'''\nsmall = 0x7f\ndt = nan\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
		}()
		c := newCell()
		s := newSet(t, c)
		pairs, err := Decode(bytes.NewReader(file))
		if err == nil {
			err = s.Apply(pairs)
		}
		if err != nil {
			if !errors.Is(err, ErrConfig) || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("error is not ErrConfig in one line: %q", err)
			}
			return
		}
		var out bytes.Buffer
		if err := s.Write(&out); err != nil {
			t.Fatal(err)
		}
		again := newCell()
		pairs, err = Decode(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		if err := newSet(t, again).Apply(pairs); err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		var second bytes.Buffer
		if err := newSet(t, again).Write(&second); err != nil {
			t.Fatal(err)
		}
		if out.String() != second.String() {
			t.Fatalf("written\n%s\nread back\n%s", &out, &second)
		}
	})
}
