package description

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/setting"
)

// in reads a quantity: a number, or a formula without blanks, and its unit.
func (d *document) in(of Dimension, text string) (float64, error) {
	number, unit := Split(text)
	if d.names == nil || !formulaLike(number) {
		return of.In(text)
	}
	x, err := d.formula(number)
	if err != nil {
		return 0, err
	}
	return of.scale(x, number, unit)
}

// formulaLike tells a formula from a number.
func formulaLike(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err != nil && s != ""
}

// mostDepth bounds the brackets within brackets of a formula.
const mostDepth = 64

// formula computes numbers, names, + - * / and brackets from left to right, and sqrt(x), round(x), min(x,y)
// and max(x,y).
func (d *document) formula(text string) (float64, error) {
	f := formula{rest: strings.TrimSpace(text), names: d.names}
	x := f.sum()
	if f.err == nil && f.rest != "" {
		f.wrong()
	}
	if f.err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		f.err = errors.New("which is not finite")
	}
	return x, f.err
}

type formula struct {
	rest  string
	names map[string]float64
	depth int
	err   error
}

// wrong notes that the rest cannot be read.
func (f *formula) wrong() {
	if f.err != nil {
		return
	}
	at := "its end"
	if f.rest != "" {
		at = strconv.Quote(setting.Shorten(f.rest))
	}
	f.err = fmt.Errorf("which is no formula from %s on; want numbers, names, + - * / ( ), sqrt and round, without blanks before the unit", at)
}

// next takes one letter of a set.
func (f *formula) next(set string) byte {
	f.rest = strings.TrimLeft(f.rest, " ")
	if f.err != nil || f.rest == "" || strings.IndexByte(set, f.rest[0]) < 0 {
		return 0
	}
	c := f.rest[0]
	f.rest = f.rest[1:]
	return c
}

func (f *formula) sum() float64 {
	x := f.product()
	for {
		switch f.next("+-") {
		case '+':
			x += f.product()
		case '-':
			x -= f.product()
		default:
			return x
		}
	}
}

func (f *formula) product() float64 {
	x := f.factor()
	for {
		switch f.next("*/") {
		case '*':
			x *= f.factor()
		case '/':
			x /= f.factor()
		default:
			return x
		}
	}
}

func (f *formula) factor() float64 {
	if f.depth++; f.depth > mostDepth {
		f.wrong()
	}
	defer func() { f.depth-- }()
	switch {
	case f.err != nil:
		return 0
	case f.next("-") != 0:
		return -f.factor()
	case f.next("(") != 0:
		x := f.sum()
		f.close()
		return x
	}
	end := strings.IndexAny(f.rest, "+-*/(), ")
	if end < 0 {
		end = len(f.rest)
	}
	word := f.rest[:end]
	if n := len(word); n > 1 && strings.ContainsAny(word[:1], ".0123456789") && strings.ContainsAny(word[n-1:], "eE") && end+1 < len(f.rest) {
		if more := strings.IndexAny(f.rest[end+1:], "+-*/(), "); more >= 0 { // the sign of an exponent
			end += 1 + more
		} else {
			end = len(f.rest)
		}
		word = f.rest[:end]
	}
	if x, err := strconv.ParseFloat(word, 64); err == nil && strings.ContainsAny(word[:1], ".0123456789") {
		f.rest = f.rest[end:]
		return x
	}
	return f.named(word)
}

// named is a name or a function.
func (f *formula) named(word string) float64 {
	if word == "" {
		f.wrong()
		return 0
	}
	if x, ok := f.names[word]; ok {
		f.rest = f.rest[len(word):]
		return x
	}
	of, ok := functions[word]
	if !ok {
		known := append(slices.Sorted(maps.Keys(f.names)), slices.Sorted(maps.Keys(functions))...)
		f.err = errors.New("with an " + setting.Unknown("name", word, known))
		return 0
	}
	if f.rest = f.rest[len(word):]; f.next("(") == 0 {
		f.wrong()
		return 0
	}
	args := []float64{f.sum()}
	for f.next(",") != 0 {
		args = append(args, f.sum())
	}
	f.close()
	if f.err == nil && len(args) != of.args {
		f.err = fmt.Errorf("in which %s has %d numbers, want %d", word, len(args), of.args)
	}
	if f.err != nil {
		return 0
	}
	return of.compute(args)
}

func (f *formula) close() {
	if f.next(")") == 0 {
		f.wrong()
	}
}

// function is a function of formulas.
type function struct {
	args    int
	compute func(x []float64) float64
}

var functions = map[string]function{
	"sqrt":  {1, func(x []float64) float64 { return math.Sqrt(x[0]) }},
	"round": {1, func(x []float64) float64 { return math.Round(x[0]) }},
	"min":   {2, func(x []float64) float64 { return min(x[0], x[1]) }},
	"max":   {2, func(x []float64) float64 { return max(x[0], x[1]) }},
}

// Function reports whether a name is that of a function of formulas.
func Function(name string) bool { _, is := functions[name]; return is }
