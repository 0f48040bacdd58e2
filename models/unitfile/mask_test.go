package unitfile

import (
	"slices"
	"strings"
	"testing"
)

// TestMask: numbers with anything usual between them, or nothing.
func TestMask(t *testing.T) {
	want := []float64{0, 1, 1, 0}
	for _, text := range []string{"01\n10\n", "0 1\n1 0", "0,1\n1,0\n", "\ufeff0;1\r\n1;0\r\n", "# who reaches whom\n\n0\t1 # the first\n10\n",
		"0.000000000000000000e+00 1.000000000000000000e+00\n1.0,0.0\n", "#" + strings.Repeat("x", 1<<20-10) + "\n01\n10"} {
		if m, err := Mask(strings.NewReader(text), 2); err != nil || !slices.Equal(m, want) {
			t.Errorf("%.40q: mask %v, error %v", text, m, err)
		}
	}
	for text, says := range map[string]string{
		"01\n1":                          "line 2: row 2 of the mask has 1 numbers, want 2 rows of 2 for 2 units",
		"01\n10\n11":                     "line 3: row 3 of the mask has 2 numbers",
		"01\n":                           "1 rows, want 2",
		"":                               "0 rows, want 2",
		"02\n10":                         `line 1: "02", want 0 or 1`,
		"0 0.5\n1 0":                     `line 1: "0.5", want 0 or 1`,
		strings.Repeat("0", 1<<20+65):    "line 1 has more than 1048640 bytes",
		"0 NaN\n1 0":                     `line 1: "NaN"`,
		"01\n" + strings.Repeat("7", 99): `line 2: "` + strings.Repeat("7", 40) + `", want`,
	} {
		if _, err := Mask(strings.NewReader(text), 2); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: error is %v, want %q", text, err, says)
		}
	}
}

// FuzzMask: whatever the file, the parser gives an error or a mask of all units.
func FuzzMask(f *testing.F) {
	f.Add("01\n10\n", uint8(2))
	f.Add("# a\n0, 1.0\n1;0 # b\n", uint8(2))
	f.Fuzz(func(t *testing.T, text string, units uint8) {
		h := int(units)
		m, err := Mask(strings.NewReader(text), h)
		if err != nil {
			return
		}
		if len(m) != h*h {
			t.Fatalf("%d numbers for %d units", len(m), h)
		}
		for i, v := range m {
			if v != 0 && v != 1 {
				t.Fatalf("number %d is %v", i, v)
			}
		}
	})
}
