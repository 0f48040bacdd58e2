package neurons

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
)

// ErrWave marks a text that describes no wave form.
var ErrWave = errors.New("bad wave form")

// Wave is the value of an input at a time in ms.
type Wave func(ms float64) float64

// WaveForms says what ParseWave reads.
const WaveForms = `constant A; step A FROM:TO; ramp A B FROM:TO, from A to B; gauss A CENTRE SIGMA; or FILE.csv with rows of time and value, with a heading such as time_s,current where times are not in ms, "current (pA)" or "current (uA/cm2)"; several are added with " + "; times in ms`

// One is what 1 of an input is: a current in nA into a compartment of an area in µm². Both are zero for an input that is no
// current.
type One struct {
	Name          string // of the input
	Current, Area float64
}

// One returns what 1 of an input is.
func (n *Neuron) One(input int) One {
	in := n.Inputs[input]
	if in.Receptor >= 0 || len(in.Units) == 0 || in.Units[0] >= len(n.mesh.area) { // or of a neuron without compartments
		return One{Name: in.Name}
	}
	return One{in.Name, in.Weight, n.mesh.area[in.Units[0]]}
}

// ParseWave reads a wave form of an input: one of WaveForms, or a sum of them. By what 1 of the input is a file may hold a current
// in nA, pA and so on, or for an area. Open returns the content of a file.
//
// Errors: wraps ErrWave, or those of open.
func ParseWave(text string, one One, open func(path string) ([]byte, error)) (Wave, error) {
	var terms []Wave
	for part := range strings.SplitSeq(text, " + ") {
		w, err := parseTerm(strings.TrimSpace(part), one, open)
		if err != nil {
			return nil, err
		}
		terms = append(terms, w)
	}
	return func(ms float64) (sum float64) {
		for _, w := range terms {
			sum += w(ms)
		}
		return sum
	}, nil
}

// waveFields says how many numbers a wave form has, and whether an interval is behind them.
var waveFields = map[string]struct {
	numbers  int
	interval bool
}{"constant": {1, false}, "step": {1, true}, "ramp": {2, true}, "gauss": {3, false}}

func parseTerm(text string, one One, open func(path string) ([]byte, error)) (Wave, error) {
	if strings.HasSuffix(strings.ToLower(text), ".csv") {
		content, err := open(text)
		if err != nil {
			return nil, err
		}
		return parseTable(text, one, content)
	}
	fields := strings.Fields(text)
	wrong := func(format string, args ...any) (Wave, error) {
		return nil, fmt.Errorf("neurons: %q %s; want %s: %w", text, fmt.Sprintf(format, args...), WaveForms, ErrWave)
	}
	if len(fields) == 0 {
		return wrong("is empty")
	}
	form, ok := waveFields[fields[0]]
	if !ok {
		return wrong("is no wave form")
	}
	want := form.numbers
	if form.interval {
		want++
	}
	if len(fields) != want+1 {
		return wrong("has %d parts behind its name, not %d", len(fields)-1, want)
	}
	n := make([]float64, form.numbers)
	for i := range n {
		var err error
		if n[i], err = finite(fields[1+i]); err != nil {
			return wrong("holds %q, which is no finite number", fields[1+i])
		}
	}
	var from, to float64
	if form.interval {
		a, b, ok := strings.Cut(fields[len(fields)-1], ":")
		var bad, worse error
		from, bad = finite(a)
		to, worse = finite(b)
		if !ok || bad != nil || worse != nil || !(from < to) {
			return wrong("has the interval %q, which is not FROM:TO with FROM before TO", fields[len(fields)-1])
		}
	}
	within := func(ms float64) bool { return ms >= from && ms < to }
	switch fields[0] {
	case "constant":
		return func(float64) float64 { return n[0] }, nil
	case "gauss":
		if !(n[2] > 0) {
			return wrong("has a SIGMA of %g, want more than 0", n[2])
		}
		return func(ms float64) float64 { return n[0] * math.Exp(-(ms-n[1])*(ms-n[1])/(2*n[2]*n[2])) }, nil
	case "step":
		return func(ms float64) float64 {
			if within(ms) {
				return n[0]
			}
			return 0
		}, nil
	}
	return func(ms float64) float64 {
		if within(ms) {
			return n[0] + (n[1]-n[0])*(ms-from)/(to-from)
		}
		return 0
	}, nil
}

// finite parses a finite number.
func finite(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no finite number", s)
	}
	return x, nil
}

// parseTable reads rows of time and value, with a heading or without; times rise, and are in ms where the heading names no
// other unit. Of a table with other columns, as simulate writes it, the value is that of the input, or of the one current or input there is. Between
// rows the value changes evenly, or, of a column input_NAME, is that of the row at the end: simulate writes with V what was put in during
// the step before it. Outside of the rows it is 0.
func parseTable(file string, one One, text []byte) (Wave, error) {
	wrong := func(format string, args ...any) (Wave, error) {
		return nil, fmt.Errorf("neurons: %s: %w: %w", file, fmt.Errorf(format, args...), ErrWave)
	}
	table, err := infile.ParseTable(text)
	if err != nil {
		return wrong("%w", err)
	}
	time, value, perMs, size, first := 0, 1, 1.0, 1.0, 0
	if !slices.ContainsFunc(table.Rows[0], func(v string) bool { _, err := finite(v); return err == nil }) {
		if time, value, perMs, err = waveColumns(table.Rows[0], one.Name); err == nil {
			size, err = CurrentSize(table.Rows[0][value], one)
		}
		if err != nil {
			return wrong("%w", err)
		}
		first = 1
	} else if n := len(table.Rows[0]); n != 2 {
		return wrong("line %d has %d values, want a time in ms and a value", table.Line(0), n)
	}
	held := first == 1 && isInput(table.Rows[0][value])
	var times, values []float64
	for k, row := range table.Rows[first:] {
		ms, bad := finite(row[time])
		x, worse := finite(row[value])
		line := table.Line(first + k)
		if bad != nil || worse != nil {
			return wrong("line %d: time %q and value %q are not both finite numbers", line, row[time], row[value])
		}
		if ms *= perMs; len(times) > 0 && ms <= times[len(times)-1] {
			return wrong("line %d: time is %g ms behind %g ms, want rising ones", line, ms, times[len(times)-1])
		}
		times, values = append(times, ms), append(values, x*size)
	}
	if len(times) < 2 {
		return wrong("has %d rows, want at least two of time and value", len(times))
	}
	return func(ms float64) float64 {
		k, found := slices.BinarySearch(times, ms)
		switch {
		case found && !held:
			return values[k]
		case found && k+1 < len(times):
			return values[k+1] // of the step that begins here
		case found:
			return 0
		case k == 0 || k == len(times):
			return 0
		case held:
			return values[k]
		}
		share := (ms - times[k-1]) / (times[k] - times[k-1])
		return values[k-1] + share*(values[k]-values[k-1])
	}, nil
}

// timeNames are names of columns of times, beside those with a unit behind.
var timeNames = []string{"time", "t", "ms", "msec", "s", "sec", "us"}

// waveColumns returns where time and value of a wave stand by a heading, and how many ms one of its times is. Of several
// values it takes that of the input.
func waveColumns(heading []string, input string) (time, value int, size float64, err error) {
	time, value = -1, -1
	var values []int
	size = 1
	// Of two columns the first is the time, whatever it is called, if the second is not.
	first := len(heading) == 2
	if first {
		of, _ := infile.Heading(heading[1], "ms")
		first = !slices.Contains(timeNames, of)
	}
	for i, name := range heading {
		of, unit := infile.Heading(name, "ms")
		switch {
		case slices.Contains(timeNames, of) || first && i == 0:
			if time >= 0 {
				return 0, 0, 0, fmt.Errorf("its first row has two times, %q and %q; leave one out", heading[time], name)
			}
			if unit != unit {
				return 0, 0, 0, fmt.Errorf("its first row has the time %q, want it in ms, s or us", name)
			}
			time, size = i, unit
		case len(heading) == 2 || isCurrent(name) || isInput(name):
			values = append(values, i)
			if strings.EqualFold(strings.TrimSpace(name), "input_"+input) {
				value = i
			}
		}
	}
	if value < 0 && len(values) > 1 {
		return 0, 0, 0, fmt.Errorf("its first row has two values, %q and %q, and none is called input_%s; leave one out", heading[values[0]], heading[values[1]], input)
	}
	if value < 0 && len(values) == 1 {
		value = values[0]
	}
	if time < 0 || value < 0 {
		return 0, 0, 0, fmt.Errorf("its first row is %q, want a time and one current", strings.Join(heading, ","))
	}
	return time, value, size, nil
}

// isCurrent tells whether a column is one of currents, in whatever unit.
func isCurrent(heading string) bool {
	of, _ := infile.Heading(heading, "nA")
	return of == "current"
}

// isInput tells whether a column is called after an input, as simulate writes it.
func isInput(heading string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(heading)), "input_")
}

// CurrentSize returns what the numbers of a column are times, to be those of an input: 1 where its
// heading names no unit. A column input_NAME without brackets, as simulate writes it, is as the input.
//
// Errors: a unit that is not one of currents, and one for an input that is no current.
func CurrentSize(heading string, one One) (float64, error) {
	of, size := infile.Heading(heading, "nA")
	open := strings.IndexAny(heading, "([")
	if isInput(heading) && open < 0 || !infile.HasUnit(heading, "nA") {
		return 1, nil
	}
	if math.IsNaN(size) && open >= 0 {
		unit := strings.Trim(strings.TrimSpace(heading[open:]), "()[]")
		if perCm2, err := currentDensity.In("1 " + unit); err == nil {
			size = perCm2 * one.Area * perArea
		}
	}
	switch {
	case math.IsNaN(size):
		return 0, fmt.Errorf("the column %q is in no unit of currents; want pA, nA, uA, mA or A, for an area uA/cm2 or the like in brackets, or %q without one for what 1 of the input is", heading, of)
	case one.Current == 0:
		return 0, fmt.Errorf("the column %q has a unit of currents, and 1 of the input is none; leave the unit out if the numbers are those of the input", heading)
	}
	return size / one.Current, nil
}
