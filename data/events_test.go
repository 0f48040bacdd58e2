package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// address returns a record of the 5-byte format.
func address(x, y, polarity byte, time uint32) []byte {
	return []byte{x, y, polarity<<7 | byte(time>>16), byte(time >> 8), byte(time)}
}

// fewAddresses is a small recording that is right.
func fewAddresses() []byte {
	return slices.Concat(address(0, 0, 0, 0), address(33, 0, 1, 7), address(5, 33, 1, 7), address(1, 2, 0, 0x7fffff))
}

const fewEvents = "time_ms,unit,weight\n0,3,1\n1.5,0,-2.25\n1.5,2,1e-3\n"

// TestAddressEvents reads every field from bytes written out by hand.
func TestAddressEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.bin")
	mustWrite(t, path, fewAddresses())
	got, err := ReadAddressEvents(path, NMNIST)
	if err != nil {
		t.Fatal(err)
	}
	on := 34 * 34
	want := []Event{{0, 0, 1}, {0.007, on + 33, 1}, {0.007, on + 33*34 + 5, 1}, {8388.607, 2*34 + 1, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
	if NMNIST.Units() != 2312 {
		t.Errorf("%d units, want 2312", NMNIST.Units())
	}
}

// TestAddressEventsInOrder: records that changed places are sorted, and overflow records add
// 2^13 µs to all times behind them and are no events.
func TestAddressEventsInOrder(t *testing.T) {
	raw := slices.Concat(address(1, 0, 0, 20), address(2, 0, 0, 10), address(3, 0, 0, 20), address(7, 240, 1, 9), address(4, 0, 0, 1),
		address(0, 240, 0, 0), address(5, 0, 0, 0x7fffff))
	got, err := parseAddressEvents(raw, "x.bin", NMNIST)
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{{0.01, 2, 1}, {0.02, 1, 1}, {0.02, 3, 1}, {8.193, 4, 1}, {8388.607 + 16.384, 5, 1}}
	if !slices.EqualFunc(got, want, func(a, b Event) bool {
		return a.Unit == b.Unit && a.Weight == b.Weight && math.Abs(a.Time-b.Time) < 1e-9
	}) {
		t.Errorf("events are %v, want %v", got, want)
	}
}

// TestEventCSVSpelling: what spreadsheets and people write.
func TestEventCSVSpelling(t *testing.T) {
	for _, text := range []string{
		"\ufefftime_ms, unit ,weight\r\n 2.5, 3.0, 1 \r\n\r\n   \r\n1.5,\"2\", -1e0\r\n",
		"time_ms;unit;weight\n2,5;3;1\n1,5;2,0;-1\n",
		"time_ms\tunit\tweight\n2.5\t3\t1\n1.5\t2\t-1\n",
		"time_ms,unit,weight,\n2.5,3,1,\n1.5,2,-1,\n,,,\n",
	} {
		got, err := parseEventCSV(strings.NewReader(text), "x.csv", 4)
		if want := []Event{{1.5, 2, -1}, {2.5, 3, 1}}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: events %v, error %v, want %v", text, got, err, want)
		}
	}
}

func TestBadAddressEvents(t *testing.T) {
	good := fewAddresses()
	for _, c := range []badFile{
		{"empty", nil, []string{"the file is empty, want records of 5 bytes"}},
		{"cut short", good[:13], []string{"record 3 at offset 10 is 3 bytes long, want 5 bytes"}},
		{"column outside", slices.Concat(good[:5], address(34, 0, 0, 9)), []string{"pixel of record 2 at offset 5 is x=34 y=0, want one of a sensor of 34 × 34"}},
		{"row outside", slices.Concat(good[:10], address(0, 239, 0, 9)), []string{"pixel of record 3 at offset 10 is x=0 y=239"}},
		{"clock begins again", slices.Concat(good, address(0, 0, 1, 1<<22-2)), []string{"time of record 5 at offset 20 is 4194302 µs, want at least 4194303 µs, as a record before has 8388607 µs"}},
		{"overflows alone", slices.Concat(address(0, 240, 0, 3), address(9, 240, 1, 9)), []string{"the file is without events"}},
		{"too long", make([]byte, mostEvents*addressBytes+1), []string{"the file is longer, want at most 4194304 records"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseAddressEvents(c.raw, "x.bin", NMNIST)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error is %v, want ErrCorrupt", err)
			}
			wantOneLine(t, err, append(c.says, "data: x.bin: ")...)
		})
	}
	tall := slices.Concat(address(3, 240, 0, 1))
	if got, err := parseAddressEvents(tall, "x.bin", Sensor{240, 241}); err != nil || len(got) != 1 || got[0].Unit != 240*240+3 {
		t.Errorf("row 240 of a sensor of 241 rows: events %v, error %v", got, err)
	}
	if _, err := ReadAddressEvents(t.TempDir(), NMNIST); !isSystem(err) {
		t.Errorf("error of a folder is %v, want one of the file system", err)
	}
}

func TestEventCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	mustWrite(t, path, []byte(fewEvents))
	got, err := ReadEventCSV(path, 4)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Event{{0, 3, 1}, {1.5, 0, -2.25}, {1.5, 2, 1e-3}}; !slices.Equal(got, want) {
		t.Errorf("events are %v, want %v", got, want)
	}
	odd := []Event{{0.1 + 0.2, 1, 1. / 3}, {1e300, 0, -5e-324}}
	var text bytes.Buffer
	if err := WriteEventCSV(&text, odd); err != nil {
		t.Fatal(err)
	}
	if back, err := parseEventCSV(&text, "x.csv", 2); err != nil || !slices.Equal(back, odd) {
		t.Errorf("written and read: %v, error %v, want %v", back, err, odd)
	}
	full := errors.New("disk full")
	if err := WriteEventCSV(failing{full}, odd); !errors.Is(err, full) {
		t.Errorf("error of a full disk is %v", err)
	}
}

// failing is a writer, or reader, on a broken disk.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestBadEventCSV(t *testing.T) {
	const head = "time_ms,unit,weight\n"
	for _, c := range []struct{ name, text, says string }{
		{"empty", "", `the first line is "", want time_ms,unit,weight`},
		{"no header", "0,1,1\n", `the first line is "0,1,1", want time_ms,unit,weight`},
		{"other units", "time_us,unit,weight\n1,1,1\n", `the first line is "time_us,unit,weight"`},
		{"no events", head, "the table is empty, want at least one event"},
		{"two fields", head + "0,1\n", "number of fields of record 1 in line 2 is 2, want 3"},
		{"cut short", head + "0,1,1\n1,", "number of fields of record 2 in line 3 is 2, want 3"},
		{"four fields", head + "0,1,1,1\n", "number of fields of record 1 in line 2 is 4, want 3"},
		{"before the start", head + "\n\n  \n-1,1,1\n", `time of record 1 in line 5 is "-1", want a number of at least 0; count the time in ms from the start`},
		{"no time", head + "NaN,1,1\n", `time of record 1 in line 2 is "NaN"`},
		{"never", head + "Inf,1,1\n", `time of record 1 in line 2 is "Inf"`},
		{"a word for a time", head + "soon,1,1\n", `is "soon"`},
		{"unknown unit", head + "0,1,1\n0,4,1\n", `unit of record 2 in line 3 is "4", want 0 to 3`},
		{"negative unit", head + "0,-1,1\n", `unit of record 1 in line 2 is "-1", want 0 to 3`},
		{"half a unit", head + "0,0.5,1\n", `unit of record 1 in line 2 is "0.5"`},
		{"endless weight", head + "0,1,Inf\n", `weight of record 1 in line 2 is "Inf", want a number that float32 holds`},
		{"weight beyond float32", head + "0,1,1\n0,1,-3.5e38\n", `weight of record 2 in line 3 is "-3.5e38", want a number that float32 holds`},
		{"unit beyond int", head + "0,1e30,1\n", `unit of record 1 in line 2 is "1e30", want 0 to 3`},
		{"no weight", head + "0,1,\n", `weight of record 1 in line 2 is ""`},
		{"open quote", head + "0,1,1\n0,\"1,1\n", "record 2 in line 3 is broken (extraneous or missing"},
		{"much text", head + strings.Repeat("7", 5000) + "x,1,1\n", `is "` + strings.Repeat("7", 40) + `", want`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseEventCSV(strings.NewReader(c.text), "x.csv", 4)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error is %v, want ErrCorrupt", err)
			}
			wantOneLine(t, err, c.says, "data: x.csv: ")
		})
	}
	if _, err := ReadEventCSV(t.TempDir(), 4); !isSystem(err) {
		t.Errorf("error of a folder is %v, want one of the file system", err)
	}
}

// FuzzAddressEvents holds the events that are read to the records, taken one by one: overflow
// records move the base of the times behind them, and the order is that of the times.
func FuzzAddressEvents(f *testing.F) {
	f.Add(fewAddresses())
	f.Add(fewAddresses()[:7])
	f.Add(slices.Concat(address(3, 3, 1, 9), address(0, overflowY, 0, 5), address(4, 3, 1, 2), address(5, 3, 1, 1)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		events, err := parseAddressEvents(raw, "x", NMNIST)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error is %v, want ErrCorrupt", err)
			}
			return
		}
		type event struct{ time, unit int }
		var want, got []event
		base := 0
		for r := range slices.Chunk(raw, 5) {
			if r[1] == 240 {
				base += 8192
				continue
			}
			time := int(binary.BigEndian.Uint32([]byte{0, r[2] & 127, r[3], r[4]}))
			want = append(want, event{base + time, int(r[0]) + 34*(int(r[1])+34*int(r[2]>>7))})
		}
		slices.SortStableFunc(want, func(a, b event) int { return a.time - b.time })
		for _, e := range events {
			got = append(got, event{int(math.Round(e.Time / microseconds)), e.Unit})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("events (time in µs, unit) are %v, want %v", got, want)
		}
	})
}

func FuzzEventCSV(f *testing.F) {
	f.Add(fewEvents)
	f.Add("time_ms,unit,weight\n0,\"1\",1\r\n2,1,-0x1p-2\n")
	f.Add("time_ms,unit,weight\n1,1,1\n0,1,1\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		events, err := parseEventCSV(strings.NewReader(text), "x", 4)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error is %v, want ErrCorrupt", err)
			}
			return
		}
		var again bytes.Buffer
		if err := WriteEventCSV(&again, events); err != nil {
			t.Fatal(err)
		}
		back, err := parseEventCSV(&again, "x", 4)
		if err != nil || len(events) == 0 || !slices.Equal(back, events) {
			t.Fatalf("%d events, written and read: %d, error %v", len(events), len(back), err)
		}
	})
}

func TestFrames(t *testing.T) {
	x := []float32{9, 9, 9, 9, 9, 9}
	events := []Event{{0, 0, 1}, {1.99, 0, 2}, {2, 1, 4}, {5.9, 0, 8}, {6, 0, 16}, {1e300, 1, 32}}
	frames := column{x: x, stride: 2, units: 2, steps: 3}
	if late, err := frames.frames(2, events); err != nil || late != 2 {
		t.Fatalf("%d late events, error %v, want 2", late, err)
	}
	if want := []float32{3, 0, 0, 4, 8, 0}; !slices.Equal(x, want) {
		t.Errorf("frames are %v, want %v", x, want)
	}
	bad := func(events ...Event) error {
		_, err := frames.frames(2, events)
		return err
	}
	for what, err := range map[string]error{
		"event 1 is of unit 2":  bad(Event{0, 2, 1}),
		"event 1 is of unit -1": bad(Event{0, -1, 1}),
		"at -0.1 ms":            bad(Event{-0.1, 0, 1}),
		"at NaN ms":             bad(Event{math.NaN(), 0, 1}),
		"the weights of unit 1 up to 1 ms add up to +Inf in one step, want a number that float32 holds": bad(Event{0, 1, 3e38}, Event{1, 1, 3e38}),
	} {
		wantOneLine(t, err, what)
	}
}

func TestBins(t *testing.T) {
	x, lengths := make([]float32, 10), make([]float32, 5)
	for i := range x {
		x[i] = 9
	}
	events := []Event{{0, 0, 1}, {0.5, 1, 2}, {1, 0, 4}, {10, 1, 8}, {10.999, 1, 16}}
	if err := Bins(x, lengths, 2, 2, 1, 30, events); err != nil {
		t.Fatal(err)
	}
	if want := []float32{1, 2, 4, 0, 0, 24, 0, 0, 0, 0}; !slices.Equal(x, want) {
		t.Errorf("sums are %v, want %v", x, want)
	}
	if want := []float32{0.5, 0.5, 4.5, 9.5, 0}; !slices.Equal(lengths, want) {
		t.Errorf("lengths are %v, want %v", lengths, want)
	}
	if err := Bins(x, lengths, 2, 2, 1, 0, nil); err != nil || !slices.Equal(lengths, make([]float32, 5)) {
		t.Errorf("lengths without events are %v, error %v", lengths, err)
	}
	for want, err := range map[string]error{
		"need more than 2 bins of 1 ms":                        Bins(x[:4], lengths[:2], 2, 2, 1, 0, events),
		"up to 30 ms need more than 3 bins":                    Bins(x[:6], lengths[:3], 2, 2, 1, 30, events),
		"event 2 is of unit 0 at 1 ms, want":                   Bins(x, lengths, 2, 2, 1, 0, []Event{{2, 0, 1}, {1, 0, 1}}),
		"event 1 is of unit 2":                                 Bins(x, lengths, 2, 2, 1, 0, []Event{{2, 2, 1}}),
		"event 1 is of unit 0 at +Inf ms":                      Bins(x, lengths, 2, 2, 1, 0, []Event{{math.Inf(1), 0, 1}}),
		"event 1 is of unit 0 at NaN ms":                       Bins(x, lengths, 2, 2, 1, 0, []Event{{math.NaN(), 0, 1}}),
		"add up to -Inf in one step":                           Bins(x, lengths, 2, 2, 1, 0, []Event{{0, 0, -3e38}, {0.5, 0, -3e38}}),
		"a bin up to 1e+300 ms is 5e+299 steps":                Bins(x, lengths, 2, 2, 1, 0, []Event{{1e300, 0, 1}}),
		"5 bins of 9 numbers in all":                           Bins(x[:9], lengths, 2, 2, 1, 0, nil),
		"0 ms wide":                                            Bins(x, lengths, 2, 2, 0, 0, nil),
		"in steps of NaN ms, want 2 for each bin and positive": Bins(x, lengths, 2, math.NaN(), 1, 0, nil),
	} {
		wantOneLine(t, err, want)
	}
}

// TestChanges: levels added up from the events are the frames, to less than a threshold, and what
// does not move far enough sends nothing.
func TestChanges(t *testing.T) {
	const steps, channels = 200, 3
	thresholds := []float64{0.1, 0.5, 3}
	c, err := NewChanges(channels, thresholds...)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	x := make([]float32, steps*channels)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	const stepMs = 0.1 // a step that is not exact in binary
	events := c.Events(x, stepMs)
	units := 2 * len(c.threshold) // two for each channel
	counts := make([]float32, steps*units)
	if _, err := (column{x: counts, stride: units, units: units, steps: steps}).frames(stepMs, events); err != nil {
		t.Fatal(err)
	}
	sent := [channels]int{}
	var levels [channels]float64
	for k := range steps {
		frame := counts[k*units : (k+1)*units]
		for i, th := range thresholds {
			up, down := frame[i], frame[channels+i]
			if up < 0 || down < 0 || up > 0 && down > 0 {
				t.Fatalf("step %d channel %d sends %v up and %v down", k, i, up, down)
			}
			if up+down > 0 {
				sent[i]++
			}
			levels[i] += float64(up) - float64(down)
			if miss := math.Abs(float64(x[k*channels+i]) - th*levels[i]); !(miss < th) {
				t.Fatalf("step %d channel %d is known to %v, want less than %v", k, i, miss, th)
			}
		}
	}
	if !(sent[0] > sent[1] && sent[1] > sent[2] && sent[2] < steps/20) {
		t.Errorf("the channels send in %v steps, want fewer at larger thresholds", sent)
	}
	still := c.Events([]float32{0.25, 0, 0, 0.25, 0, 0, 0.2, 0, 0}, 1)
	if want := []Event{{0.5, 0, 2}}; !slices.Equal(still, want) {
		t.Errorf("events are %v, want %v", still, want)
	}
}

func TestChangesRefuse(t *testing.T) {
	for _, thresholds := range [][]float64{nil, {1, 2}, {0}, {-1}, {math.NaN()}, {math.Inf(1)}, {1, 2, 0}} {
		if _, err := NewChanges(3, thresholds...); !errors.Is(err, ErrConfig) {
			t.Errorf("thresholds %v: error is %v, want ErrConfig", thresholds, err)
		}
	}
}
