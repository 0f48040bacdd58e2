package setting

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

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
	Taus    []float64 `toml:"taus" doc:"Time constants." unit:"ms" min:"0" nonempty:"true"`
	Sizes   []int     `toml:"sizes" doc:"Layer sizes."`
	Words   []string  `toml:"words" doc:"Words." oneof:"a|b"`
	private int
	Derived int
}

type timing struct {
	Dt float64 `toml:"dt" doc:"Time step." unit:"ms" min:"1e-3" max:"10"`
}

// newCell returns settings that are all in their ranges.
func newCell() *cell {
	return &cell{timing: timing{1}, Units: 64, Kernel: "ema", Taus: []float64{5, 20}, private: 1}
}

// keyOf returns one key of c.
func keyOf(t testing.TB, c any, name string) Key {
	t.Helper()
	keys, err := Keys("cell", c)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("there is no key %q", name)
	return Key{}
}

func TestKeysFollowFields(t *testing.T) {
	keys, err := Keys("cell", newCell())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.Name+":"+k.Type())
	}
	want := []string{"dt:float", "units:int", "seed:int", "small:int", "syn_kernel:string",
		"path:string", "literal:bool", "taus:floats", "sizes:ints", "words:strings"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

// TestKeysRefuse: what is no setting, and tags that cannot be read.
func TestKeysRefuse(t *testing.T) {
	for name, p := range map[string]any{
		"value": cell{},
		"nil":   nil,
		"a field of type func": &struct {
			F func() `toml:"f"`
		}{},
		"needs without operator": &struct {
			X int `toml:"x" needs:"something"`
		}{},
		"needs a number": &struct {
			X int `toml:"x" needs:"y>much"`
		}{},
		"min": &struct {
			X int `toml:"x" min:"few"`
		}{},
		"max": &struct {
			X int `toml:"x" max:"many"`
		}{},
	} {
		if _, err := Keys(name, p); err == nil {
			t.Errorf("%s: Keys accepted %T", name, p)
		}
	}
}

func TestParse(t *testing.T) {
	c := newCell()
	for name, text := range map[string]string{"dt": "0.5", "units": "8", "seed": "07", "small": "-003",
		"syn_kernel": "alpha", "path": "a b", "literal": "true", "taus": "1, 2.5", "sizes": "", "words": "b"} {
		if err := keyOf(t, c, name).Parse(text); err != nil {
			t.Error(err)
		}
	}
	want := &cell{timing: timing{0.5}, Units: 8, Seed: 7, Small: -3, Kernel: "alpha", Path: "a b",
		Literal: true, Taus: []float64{1, 2.5}, Sizes: []int{}, Words: []string{"b"}, private: 1}
	if d := cmp.Diff(want, c, cmp.AllowUnexported(cell{}, timing{})); d != "" {
		t.Error(d)
	}
}

// TestAssignAndCheckAgree gives the same value as text and in Go: both are refused with the same words.
func TestAssignAndCheckAgree(t *testing.T) {
	for _, tt := range []struct {
		text string
		set  func(c *cell)
		want string
	}{
		{"units=0", func(c *cell) { c.Units = 0 }, `units is 0, want 1 to 4096`},
		{"dt=11", func(c *cell) { c.Dt = 11 }, `dt is 11, want 1e-3 to 10`},
		{"dt=nan", func(c *cell) { c.Dt = math.NaN() }, `dt is NaN, want 1e-3 to 10`},
		{"taus=inf", func(c *cell) { c.Taus = []float64{math.Inf(1)} }, `taus is +Inf, want at least 0`},
		{"taus=3,-1", func(c *cell) { c.Taus[1] = -1 }, `taus is -1, want at least 0`},
		{"taus=", func(c *cell) { c.Taus = nil }, `taus is [], want at least one value`},
		{"syn_kernel=emma", func(c *cell) { c.Kernel = "emma" }, `syn_kernel is "emma", want one of ema, alpha`},
		{"syn_kernel=", func(c *cell) { c.Kernel = "" }, `syn_kernel is "", want one of ema, alpha`},
		{"words=a,c", func(c *cell) { c.Words = []string{"a", "c"} }, `words is "c", want one of a, b`},
	} {
		c := newCell()
		name, text, _ := strings.Cut(tt.text, "=")
		assigned := keyOf(t, c, name).Parse(text)
		if d := cmp.Diff(newCell(), c, cmp.AllowUnexported(cell{}, timing{})); d != "" {
			t.Errorf("%s: a refused value was stored: %s", tt.text, d)
		}
		tt.set(c)
		for what, err := range map[string]error{"text": assigned, "in Go": Check(c)} {
			var r *Refused
			if !errors.As(err, &r) || r.Error() != tt.want || r.Key != name {
				t.Errorf("%s, %s: error is %v, want %s", tt.text, what, err, tt.want)
			}
		}
	}
	if err := Check(newCell()); err != nil {
		t.Error(err)
	}
}

// TestSingle: one value stands for a list of it, in a file as in what is written.
func TestSingle(t *testing.T) {
	var c struct {
		H []int `toml:"h" min:"1" nonempty:"true" single:"true"`
	}
	k := keyOf(t, &c, "h")
	for _, tt := range []struct {
		value, want any
		text        string
	}{{int64(5), 5, "5"}, {[]any{int64(5)}, 5, "5"}, {[]any{int64(5), int64(3)}, []int{5, 3}, "5,3"}} {
		if err := k.Assign(tt.value); err != nil || cmp.Diff(tt.want, k.Value()) != "" || k.String() != tt.text {
			t.Errorf("%v: value %v, text %q, error %v", tt.value, k.Value(), k, err)
		}
	}
	for value, want := range map[any]string{int64(0): "h is 0, want at least 1", "x": `h is "x", want an integer`} {
		if err := k.Assign(value); err == nil || err.Error() != want {
			t.Errorf("%v: error %v, want %s", value, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"tau_s", "tau_l", "dt", "--hidden", "lr"}
	for name, want := range map[string]string{"tau_x": "tau_s", "hiden": "--hidden", "--hiden": "--hidden", "--model": "",
		"LR": "lr", "tau-s": "tau_s", "DT": "dt", "xyzzy": "", "": "", "--": ""} {
		if got, _ := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestConditionsAreRead holds the grammar of the tag needs.
func TestConditionsAreRead(t *testing.T) {
	list, err := parseConditions("optimizer=sgd|adam; momentum>0 ;a!=b;x<-1.5;")
	if err != nil {
		t.Fatal(err)
	}
	want := []Condition{{"optimizer", "=", []string{"sgd", "adam"}}, {"momentum", ">", []string{"0"}},
		{"a", "!=", []string{"b"}}, {"x", "<", []string{"-1.5"}}}
	if d := cmp.Diff(want, list); d != "" {
		t.Error(d)
	}
	for value, meets := range map[string][]bool{"sgd": {true, false, true, false}, "b": {false, false, false, false},
		"1": {false, true, true, false}, "-2": {false, false, true, true}} {
		for i, c := range list {
			if got := c.Holds(value); got != meets[i] {
				t.Errorf("%s holds for %q: %t, want %t", c, value, got, meets[i])
			}
		}
	}
}

func TestRegistry(t *testing.T) {
	r := NewRegistry("dish", func(s string) string { return s })
	for _, name := range []string{"soup", "bread", "cheese"} {
		r.Add(name)
	}
	if d := cmp.Diff([]string{"bread", "cheese", "soup"}, r.All()); d != "" {
		t.Error(d)
	}
	if e, err := r.Lookup("soup"); e != "soup" || err != nil {
		t.Errorf("Lookup gave %q, %v", e, err)
	}
	for name, want := range map[string]string{"soap": `unknown dish "soap"; did you mean "soup"?`, "x\ny": `unknown dish "x y"; known: bread, cheese, soup`} {
		if _, err := r.Lookup(name); err == nil || err.Error() != want {
			t.Errorf("Lookup(%q): error is %v, want %s", name, err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name was taken twice")
		}
	}()
	r.Add("soup")
}

// TestWords holds that a list that packages add to stands for its words in the tags oneof and needs.
func TestWords(t *testing.T) {
	for _, w := range []string{"stp", "ltp", "stp"} {
		AddWord("test rule", w)
	}
	type rule struct {
		Rule string  `toml:"rule" doc:"Rule." oneof:"@test rule"`
		Rate float64 `toml:"rate" doc:"Rate." needs:"rule=@test rule" min:"0"`
	}
	keys, err := Keys("test", &rule{Rule: "ltp"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ltp", "stp"}
	if !slices.Equal(keys[0].OneOf, want) || !slices.Equal(keys[1].Needs[0].Values, want) {
		t.Errorf("words %v and %v, want %v", keys[0].OneOf, keys[1].Needs[0].Values, want)
	}
	if err := Check(&rule{Rule: "xtp"}); err == nil {
		t.Error("a word that nobody has added is taken")
	}
}
