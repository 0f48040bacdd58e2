package description

import "testing"

// TestLocate holds places of keys: tables of arrays, dotted and quoted keys, values of several lines.
func TestLocate(t *testing.T) {
	lines := locate("a = 1\nb.c = '''\nx = 1\n'''\n\n[t]\nd = [\n1, # ]\n2 ]\ne = \"]\"\n[[u]]\nf = 1\n[[u]]\n\"g h\" = { x = 1 }\n[u.v]\ni = \"\"\"\\\"\"\"\"\nj = 2\n")
	for path, want := range map[string]int{"a": 1, "b": 2, "b.c": 2, "t": 6, "t.d": 7, "t.e": 10, "u[0]": 11, "u[0].f": 12, "u[1]": 13, "u[1].g h": 14, "u[1].v": 15, "u[1].v.i": 16, "u[1].v.j": 17} {
		if lines[path] != want {
			t.Errorf("%s is in line %d, want %d", path, lines[path], want)
		}
	}
	if _, wrong := lines["x"]; wrong {
		t.Errorf("text of a string is taken for a key: %v", lines)
	}
}
