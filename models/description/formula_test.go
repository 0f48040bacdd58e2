package description

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestFormula holds formulas to their values, and what is none to one line that says why.
func TestFormula(t *testing.T) {
	d := &document{names: map[string]float64{"n": 400, "r_x": 10, "e1": 3}}
	for text, want := range map[string]float64{
		"25/sqrt(n)*15": 18.75, "n-round(0.8*n)": 80, "1-2-3": -4, "2*(3+4)": 14, "8/4/2": 1, "-n/-2": 200, "--1": 1, "1e-3*2E+2": 0.2,
		"e1+1": 4, "max(n,r_x)-min(n,r_x)": 390, "1e2": 100, ".5*r_x": 5, "( 1 + 2 ) * 3": 9, "1e-3": 1e-3,
	} {
		if got, err := d.formula(text); err != nil || math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Errorf("%s is %v, want %v; error %v", text, got, want, err)
		}
	}
	for text, want := range map[string]string{
		"": "from its end on", "1+": "from its end on", "1 2": `from "2" on`, "(1": "from its end on", "1)": `from ")" on`, "m": `unknown name "m"`,
		"sqrt": "from its end on", "sqrt(1,2)": "sqrt has 2 numbers, want 1", "sqrt(-1)": "not finite", "1/0": "not finite", "sqrrt(1)": `did you mean "sqrt"?`,
		strings.Repeat("(", 1000): "no formula", strings.Repeat("-", 1000) + "1": "no formula", "1e": `unknown name "1e"`, "2n": `did you mean "n"?`, "inf": "unknown name",
	} {
		if x, err := d.formula(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.20q is %v, error %v, want %s", text, x, err, want)
		}
	}
}

// TestFormulas: numbers, whole numbers and quantities may be formulas once names are known, and not before.
func TestFormulas(t *testing.T) {
	const text = "a = \"n/3\"\nb = \"n/8\"\nc = \"n/3 ms\"\n"
	root, err := Open("f.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	root.Let(map[string]float64{"n": 12})
	if a, b, c := root.Number("a", 0, 0, 10), root.Integer("b", 0, 0, 10), root.Quantity("c", Duration, 0, FromZero); a != 4 || b != 2 || c != 4 || root.Err() != nil {
		t.Errorf("%v, %v and %v, error %v", a, b, c, root.Err())
	}
	for name, read := range map[string]func(*Table){
		`line 1: a is "n/3", which is 4, want a number of 0 to 3`:       func(r *Table) { r.Number("a", 0, 0, 3) },
		`line 2: b is "n/8", which is 2, want a whole number of 3 to 4`: func(r *Table) { r.Integer("b", 0, 3, 4) },
		`line 3: c is "n/3 ms", which is 4 ms, want 5 ms to 6 ms`:       func(r *Table) { r.Quantity("c", Duration, 0, Interval{Lo: 5, Hi: 6}) },
		`line 3: c is "n/3 ms", in an unknown unit; want one of mV`:     func(r *Table) { r.Quantity("c", Voltage, 0, FromZero) },
	} {
		r, _ := Open("f.toml", []byte(text)) // as before
		r.Let(map[string]float64{"n": 12})
		if read(r); r.Err() == nil || !strings.Contains(r.Err().Error(), name) || !errors.Is(r.Err(), Err) {
			t.Errorf("error is %v, want %s", r.Err(), name)
		}
	}
	bare, _ := Open("f.toml", []byte(text)) // as before
	if bare.Quantity("c", Duration, 0, FromZero); bare.Err() == nil {
		t.Error("a formula is taken without names")
	}
}

// FuzzFormula: no text makes a formula panic, and what it gives is finite.
func FuzzFormula(f *testing.F) {
	f.Add("25/sqrt(n)*15 - min(1,2e-3)")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := (&document{names: map[string]float64{"n": 400}}).formula(text)
		if err == nil && x-x != 0 || err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("%q is %v, error %q", text, x, err)
		}
	})
}
