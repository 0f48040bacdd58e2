package neurons

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
)

func TestWaves(t *testing.T) {
	open := func(path string) ([]byte, error) {
		switch path {
		case "i.csv":
			return []byte("time_ms,current\n0,0\n10,5\n20, -5\r\n"), nil
		case "s.CSV":
			return []byte("Time (s);Current\n0;0\n0,01;5\n0,02;-5\n"), nil
		case "seen.csv":
			return []byte("time_ms,v_soma_mv,input_current,\n0,-65,0,\n10,-65,5,\n20,-64,-5,\n"), nil
		case "own.csv":
			return []byte("Zeit [s]\tStrom\n0\t0\n0.01\t5\n"), nil
		case "turned.csv":
			return []byte("pA,ms\n0,0\n10,5\n"), nil
		case "amperes.csv":
			return []byte("time (s),Current (pA)\n0,0\n0.01,5000\n"), nil
		case "nano.csv":
			return []byte("ms,nA\n0,0\n10,5\n"), nil
		case "na.csv":
			return []byte("time_ms,v_soma_mv,input_na\n0,0,0\n10,0,5\n"), nil
		case "volts.csv":
			return []byte("time_ms,current (V)\n0,0\n10,5\n"), nil
		case "behind.csv":
			return []byte("current,time_ms\n0,0\n5,10\n"), nil
		case "two.csv":
			return []byte("time_ms,input_a,input_b\n0,1,2\n1,1,2\n"), nil
		case "hours.csv":
			return []byte("time (h),current\n0,1\n1,1\n"), nil
		case "falls.csv":
			return []byte("0,1\n0,2\n"), nil
		case "short.csv":
			return []byte("time,x\n0,1\n"), nil
		case "text.csv":
			return []byte("0,1\n1,two\n"), nil
		case "area.csv":
			return []byte("time_ms,Current (uA/cm2)\n0,50\n10,50\n"), nil
		case "wide.csv":
			return []byte("0,1,2\n1,1,2\n"), nil
		}
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	for _, c := range []struct {
		text     string
		ms, want float64
	}{
		{"constant -3", 1e6, -3}, {"step 10 100:600", 99.99, 0}, {"step 10 100:600", 100, 10}, {"step 10 100:600", 600, 0},
		{"ramp 2 4 10:20", 15, 3}, {"ramp 2 4 10:20", 20, 0}, {"gauss 6 50 2", 50, 6}, {"gauss 6 50 2", 52, 6 * math.Exp(-0.5)},
		{"constant 1 + step 2 0:1 + gauss 1 0 1", 0, 4}, {"i.csv", 5, 2.5}, {"i.csv", 15, 0}, {"i.csv", 20, -5}, {"i.csv", 21, 0}, {"i.csv", -1, 0},
		{" i.csv + constant 1 ", 10, 6}, {"s.CSV", 5, 2.5}, {"s.CSV", 20, -5}, {"seen.csv", 5, 5}, {"seen.csv", 10, -5}, {"seen.csv", 15, -5}, {"seen.csv", 20, 0}, // what was put in before the row
		{"own.csv", 5, 2.5}, {"turned.csv", 2.5, 0.01}, {"amperes.csv", 5, 5}, {"nano.csv", 5, 5}, {"na.csv", 5, 5}, // 1 is 0.5 nA
		{"area.csv", 5, 1},  // of 1000 µm²
		{"two.csv", 0.5, 2}, // of the input b
		{"behind.csv", 5, 2.5},
	} {
		w, err := ParseWave(c.text, One{"b", 0.5, 1000}, open)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if got := w(c.ms); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%q is %v at %v ms, want %v", c.text, got, c.ms, c.want)
		}
	}
	for text, want := range map[string]string{
		"": "is empty", "10": "is no wave form", "step 10": "has 1 parts", "step 10 5": "which is not FROM:TO", "step 10 5:5": "FROM before TO", "step x 0:1": `holds "x"`,
		"constant nan": "no finite number", "gauss 1 0 0": "SIGMA of 0", "ramp 1 0:1": "has 2 parts", "constant 1 + ": "is empty", "step 1 0:inf": "FROM:TO",
		"falls.csv": "falls.csv: line 2: time is 0 ms behind 0 ms", "short.csv": "has 1 rows", "text.csv": "text.csv: line 2", "wide.csv": "wide.csv: line 1",
		"two.csv": `has two values, "input_a" and "input_b"`, "hours.csv": "want it in ms, s or us",
		"volts.csv": `"current (V)" is in no unit of currents`, "amperes.csv": `"Current (pA)" has a unit of currents, and 1 of the input is none`,
	} {
		if _, err := ParseWave(text, One{}, open); !errors.Is(err, ErrWave) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if _, err := ParseWave("none.csv", One{}, open); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error of a missing file is %v", err)
	}
}
