package neurons

import (
	"io/fs"
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
			m, err := Read("like.toml", Like(name, "x", []string{number}, func(string) []float64 { return other }), nil)
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

// TestLike reads a neuron like that of a file in another folder.
func TestLike(t *testing.T) {
	files := map[string]string{"a/b.toml": "like = \"c.toml\"\n[numbers]\ng_k = 0.03\n", "a/c.toml": "like = \"hh\"\n[numbers]\ng_na = [0.1]\n",
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
		`like = "none.toml"`: "file does not exist", `like = "loop.toml"`: "too many", `like = "hhh"`: `did you mean "hh"?`,
		"like = \"hh\"\nstart = \"1 mV\"": "start is unknown", "like = \"hh\"\n[numbers]\ng_k = \"a\"": "want numbers",
	} {
		if _, err := Read("my.toml", []byte(text), open); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
