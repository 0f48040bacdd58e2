package bench

import (
	"encoding/json"
	"reflect"
	"testing"

	"galvani/bench/rows"
)

// TestRowSchema holds the names and types of a line: results files are read long after they
// were written.
func TestRowSchema(t *testing.T) {
	pass, worst := true, 1e-6
	row := Row{
		Head: rows.Head{Schema: rows.Schema, Date: "2026-01-02T03:04:05Z",
			Machine: rows.Machine{CPU: "a", Cores: 4, Threads: 2, ISA: "avx2", OS: "linux", Arch: "amd64", Load: 0.5},
			Program: rows.Program{Version: "devel", Commit: "abc", Dirty: true, Go: "go1.26"}, Quick: true},
		Case: caseScan, Model: "rnn", What: forward, Shape: Shape{T: 1, B: 2, I: 3, H: 4}, Gate: &worst,
		Subject:   Timing{Name: "cpu avx2 x2", FLOPs: 64, Seconds: []float64{1, 3}, Median: 2, Interval: rows.Interval{1, 3}},
		Reference: &Timing{Name: "gemm", FLOPs: 32, Seconds: []float64{1}, Median: 1, Interval: rows.Interval{1, 1}},
		Ratio:     &Ratio{Kind: Cost, Value: 1, Interval: rows.Interval{0.5, 1.5}, Bound: 1.6, Pass: &pass},
	}
	want := `{"schema":1,"date":"2026-01-02T03:04:05Z",` +
		`"machine":{"cpu":"a","cores":4,"threads":2,"isa":"avx2","os":"linux","arch":"amd64","load":0.5},` +
		`"program":{"version":"devel","commit":"abc","dirty":true,"go":"go1.26"},"quick":true,` +
		`"case":"scan","model":"rnn","what":"forward","shape":{"T":1,"B":2,"I":3,"H":4},"gate":0.000001,` +
		`"subject":{"name":"cpu avx2 x2","flops":64,"seconds":[1,3],"median":2,"interval":[1,3]},` +
		`"reference":{"name":"gemm","flops":32,"seconds":[1],"median":1,"interval":[1,1]},` +
		`"ratio":{"kind":"cost","value":1,"interval":[0.5,1.5],"bound":1.6,"pass":true}}` + "\n"
	held(t, row, want)
	if got := row.Subject.GFLOPs(); got != 32e-9 {
		t.Errorf("rate is %v GFLOP/s, want 32 operations a second", got)
	}
	if got := row.NsPerUnitStep(); got != 2e9/8 {
		t.Errorf("time is %v ns per unit and step, want 2 s over 8", got)
	}
}

// TestMatrixRowSchema holds the names of what the matrix adds to a line.
func TestMatrixRowSchema(t *testing.T) {
	pass := false
	row := Row{Head: rows.Head{Schema: rows.Schema}, Case: caseMatrix, Model: "rnn", What: step, Shape: Shape{T: 1, B: 2, I: 3, H: 4},
		Subject: Timing{Name: "cuda:0 X bf16", Seconds: []float64{2}, Median: 2, Interval: rows.Interval{2, 2}, Repeats: 7,
			Device:    &Hardware{Device: "cuda:0", Name: "X", Precision: "bf16", Compute: "9.0", Driver: "12.2", Memory: 5},
			PerSecond: 1, Roof: &Roof{Seconds: 1, Limit: limitMemory, Share: 0.5}, MemoryHigh: 4},
		Goal: &Goal{Name: "G1", Bound: 3, Pass: &pass}, Note: "why", Emulated: true}
	held(t, row, `{"schema":1,"date":"","machine":{"cpu":"","cores":0,"threads":0,"isa":"","os":"","arch":"","load":0},`+
		`"program":{"version":"","commit":""},"case":"matrix","model":"rnn","what":"training step","shape":{"T":1,"B":2,"I":3,"H":4},`+
		`"subject":{"name":"cuda:0 X bf16","seconds":[2],"median":2,"interval":[2,2],"repeats":7,`+
		`"device":{"device":"cuda:0","name":"X","precision":"bf16","compute":"9.0","driver":"12.2","memory":5},`+
		`"sequences_per_second":1,"roofline":{"seconds":1,"limit":"memory","share":0.5},"memory_high":4},`+
		`"goal":{"name":"G1","us_per_step":3,"pass":false},"note":"why","emulated":true}`+"\n")
}

// held holds that a row is written as wanted and read back as it was.
func held(t *testing.T, row Row, want string) {
	t.Helper()
	line, err := rows.Line(row)
	if err != nil {
		t.Fatal(err)
	}
	if string(line) != want {
		t.Errorf("line is\n%swant\n%s", line, want)
	}
	var back Row
	if err := json.Unmarshal(line, &back); err != nil || !reflect.DeepEqual(back, row) {
		t.Errorf("read back as %+v, %v", back, err)
	}
}
