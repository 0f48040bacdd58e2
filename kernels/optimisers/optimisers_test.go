package optimisers

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/headers"
)

// TestList wants every header in list.h, every rule to have one, and as many slots and factors as it says.
func TestList(t *testing.T) {
	names, err := headers.Names(Headers)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := Headers.ReadFile("list.h"); string(text) != List(names) {
		t.Error("list.h is not what the headers give; run: go generate ./kernels/optimisers")
	}
	var used []string
	for _, name := range Names() {
		rule, err := Of(name, Settings{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8})
		if err != nil {
			t.Fatal(err)
		}
		if at := Number(rule.Header); at < 0 || names[at] != rule.Header {
			t.Errorf("%s: header %s has number %d of %v", name, rule.Header, at, names)
			continue
		}
		text, _ := Headers.ReadFile(rule.Header + ".h")
		for macro, n := range map[string]int{"SLOTS": len(rule.Slots), "COEFS": len(rule.At(0.1, 1).Own)} {
			if line := fmt.Sprintf("#define %s_%s %d\n", rule.Header, macro, n); !strings.Contains(string(text), line) {
				t.Errorf("%s: the header does not hold %q", name, line)
			}
		}
		used = append(used, rule.Header)
	}
	for _, h := range names {
		if !slices.Contains(used, h) {
			t.Errorf("no rule has the header %s", h)
		}
	}
	if Number("nonesuch") >= 0 {
		t.Error("a header that is not there has a number")
	}
	if _, err := Of("adma", Settings{}); err == nil || !strings.Contains(err.Error(), "adam") {
		t.Errorf("adma: %v, want an error that names adam", err)
	}
}

// TestDescends holds that every rule goes down the slope of a parabola, and that decay can be left out.
func TestDescends(t *testing.T) {
	for _, name := range Names() {
		rule, err := Of(name, Settings{Beta1: 0.9, Beta2: 0.99, Alpha: 0.9, Momentum: 0.5, Eps: 1e-8, Decay: 2})
		if err != nil {
			t.Fatal(err)
		}
		p, g := []float32{3, 3}, make([]float32, 2)
		slots := make([][]float32, len(rule.Slots))
		for i := range slots {
			slots[i] = make([]float32, 2)
		}
		for step := range 400 {
			c := rule.At(0.02, step+1)
			g[0], g[1] = p[0]-1, p[1]-1
			rule.Update(c, p, g, slots, 0, 1)
			rule.Update(c.Undecayed(), p, g, slots, 1, 2)
		}
		if math.Abs(float64(p[1])-1) > 0.05 || p[0] >= p[1]-0.01 {
			t.Errorf("%s comes to %v, want 1 without decay and less with it", name, p)
		}
	}
}
