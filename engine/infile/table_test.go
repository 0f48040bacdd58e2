package infile

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseTable(t *testing.T) {
	want := [][]string{{"a", "b"}, {"0.5", "x"}, {"-1e3", "2"}}
	for _, text := range []string{
		"a,b\n0.5,x\n-1e3,2\n",
		"\ufeffa , b\r\n 0.5,x\r\n\r\n-1e3,2",
		"a,b\r0.5,x\r-1e3,2\r",
		"a;b\n0,5;x\n-1e3;2\n",
		"a\tb\n0,5\tx\n-1e3\t2\n",
		"a,\tb\n0.5,\tx\n-1e3,\t2\n",
		"a,b,\n0.5,x,,\n-1e3,2\n,,\n",
		"\"a\",\"b\"\n\"0.5\",x\n-1e3,2\n",
	} {
		got, err := ParseTable([]byte(text))
		if err != nil || !reflect.DeepEqual(got.Rows, want) {
			t.Errorf("%q is %q, want %q, error %v", text, got, want, err)
		}
	}
	got, err := ParseTable([]byte("\na;b;c\n\n1,234,5;1,5 mV;\"2;5\"\n"))
	if err != nil || got.Line(1) != 4 || !reflect.DeepEqual(got.Rows[1], []string{"1,234,5", "1,5 mV", "2;5"}) {
		t.Errorf("%+v, error %v", got, err)
	}
	for text, want := range map[string]string{
		"": "it is empty", ",,\n": "it is empty", "a,b\n\n1,2\n3\n": "line 4 has 1 values, the first row 2", "a,b\n1,2,3\n": "line 2 has 3 values",
		"a,b\n1,\"2\n": "line 2", "a,b\n0,5,1,5\n": "decimal commas beside semicolons",
	} {
		if _, err := ParseTable([]byte(text)); !errors.Is(err, ErrTable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestColumns(t *testing.T) {
	table := &Table{Rows: [][]string{{"b", "x", "a", "x"}}}
	if at, err := table.Columns("a", "b", "c"); err != nil || !reflect.DeepEqual(at, []int{2, 0, -1}) {
		t.Errorf("columns %v, error %v", at, err)
	}
	if _, err := table.Columns("x"); !errors.Is(err, ErrTable) {
		t.Errorf("error of a name that is there twice is %v", err)
	}
}

func TestHeading(t *testing.T) {
	for _, c := range []struct {
		name, kind, of string
		size           float64
	}{
		{"time", "ms", "time", 1}, {" Time (s)", "ms", "time", 1000}, {"time_s", "ms", "time", 1000}, {"t [µs]", "ms", "t", 1e-3}, {"time_ms", "ms", "time", 1},
		{"v_dend_mv", "mV", "v_dend", 1}, {"v_dend_v", "mV", "v_dend", 1000}, {"v_dend", "mV", "v_dend", 1}, {"Voltage (V)", "mV", "voltage", 1000},
		{"time_mv", "ms", "time", math.NaN()}, {"time (h)", "ms", "time", math.NaN()}, {"(s)", "ms", "(s)", 1}, {"", "ms", "", 1}, {"s", "ms", "s", 1000}, {"V", "mV", "v", 1000}, {"v", "ms", "v", 1},
		{"Current (pA)", "nA", "current", 1e-3}, {"current_ua", "nA", "current", 1e3}, {"current", "nA", "current", 1}, {"current (V)", "nA", "current", math.NaN()},
		{"v_na", "mV", "v_na", 1}, {"input_a", "ms", "input_a", 1}, {"time_s", "nA", "time_s", 1},
	} {
		of, size := Heading(c.name, c.kind)
		if of != c.of || size != c.size && !(math.IsNaN(size) && math.IsNaN(c.size)) {
			t.Errorf("%q is %q times %v, want %q times %v", c.name, of, size, c.of, c.size)
		}
	}
}
