package neurons

import (
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestNumbers sets every number of every built-in neuron, and wants it back, alone, also through a file.
func TestNumbers(t *testing.T) {
	for _, name := range Names() {
		n, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range n.Learnable() {
			before := n.Numbers(number)
			if n.Unit(number) == "" {
				t.Errorf("%s: %s has no unit", name, number)
			}
			if len(before) == 0 {
				t.Errorf("%s: %s has no numbers", name, number)
			}
			other := slices.Clone(before)
			for i := range other {
				other[i] = other[i]*1.25 + 0.125
			}
			m, err := Read("like.toml", n.Like(name, "x", []string{number}, func(string) []float64 { return other }), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Numbers(number); !slices.Equal(got, other) || m.Name != "like" || m.Doc != "x" {
				t.Errorf("%s: %s is %v in a file, want %v", name, number, got, other)
			}
			for _, o := range n.Learnable() {
				if o != number && !strings.HasSuffix(o, "."+number) && !strings.HasSuffix(number, "."+o) && !slices.Equal(m.Numbers(o), n.Numbers(o)) {
					t.Errorf("%s: %s changes with %s", name, o, number)
				}
			}
			if err := m.Set(number, append(before, 1)); err == nil {
				t.Errorf("%s: %s takes one number too many", name, number)
			}
		}
	}
}

// TestWritten: numbers are told in the unit that the file of a neuron writes them in, and come back to the last bit.
func TestWritten(t *testing.T) {
	for neuron, units := range map[string]map[string]string{
		"hh":        {"g_na": "mS/cm²", "soma.g_k": "mS/cm²", "g_leak": "mS/cm²", "soma.cm": "µF/cm²", "e_leak": "mV", "w_current": "µA/cm²", "na.m.beta.k": "mV", "e_na": "mV"},
		"lgmd":      {"g_na": "S/cm²", "dendrite.g_leak": "S/cm²", "w_current": "nA", "w_facets": "nS", "calcium.tau": "ms", "axial": "µS", "nap.l.a": "ms"},
		"lgmd-rake": {"cm": "µF/cm²"},
	} {
		n, err := Load(neuron)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range units {
			w := n.Written(name)
			if w.Unit != want {
				t.Errorf("%s: %s is in %q, want %q", neuron, name, w.Unit, want)
			}
			for _, x := range n.Numbers(name) {
				if got := w.In(w.Of(x)); got != x && (name != "w_current" || math.Abs(got-x) > 1e-15*x) {
					t.Errorf("%s: %s is %v, and %v by way of %v %s", neuron, name, x, got, w.Of(x), w.Unit)
				}
			}
		}
	}
	n, err := Load("hh")
	if err != nil {
		t.Fatal(err)
	}
	if na, in := n.Written("g_na").Of(n.Numbers("g_na")[0]), n.Written("w_current").Of(n.Numbers("w_current")[0]); na != 120 || math.Abs(in-1) > 1e-12 {
		t.Errorf("g_na is %v and w_current %v, want 120 and 1, as the file has them", na, in)
	}
}

// TestLike reads a neuron like that of a file in another folder.
func TestLike(t *testing.T) {
	files := map[string]string{"a/b.toml": "like = \"c.toml\"\n[numbers]\ng_k = \"30 mS/cm2\"\n", "a/c.toml": "like = \"hh\"\n[numbers]\ng_na = [0.1]\n",
		"loop.toml": "like = \"loop.toml\"\n"}
	open := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	n, err := Read("my.toml", []byte(`like = "a/b.toml"`), open)
	if err != nil {
		t.Fatal(err)
	}
	if na, k := n.Numbers("g_na")[0], n.Numbers("g_k")[0]; na != 0.1 || k != 0.03 {
		t.Errorf("g_na %g, g_k %g", na, k)
	}
	for text, want := range map[string]string{
		"like = \"hh\"\n[numbers]\ng_k = \"30 mS\"": `numbers.g_k is "30 mS", in an unknown unit; want one of S/cm2`,
		`like = "none.toml"`:                        "file does not exist", `like = "loop.toml"`: "too many", `like = "hhh"`: `did you mean "hh"?`,
		"like = \"hh\"\nstart = \"1 mV\"": "start is unknown", "like = \"hh\"\n[numbers]\ng_k = \"a\"": "want a finite number and a unit",
	} {
		if _, err := Read("my.toml", []byte(text), open); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
