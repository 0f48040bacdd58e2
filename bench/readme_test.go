package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/bench/rows"
)

// TestReadmeTables compares the tables of both pages with the rows, and finds each table on a page.
func TestReadmeTables(t *testing.T) {
	all := ""
	for _, page := range []string{"../README.md", "results/README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		want, err := FillTables(text, "results")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, want) {
			t.Errorf("the tables of %s are not those of bench/results; run: galvani bench tables", page)
		}
		all += string(text)
	}
	for name := range tables {
		if !strings.Contains(all, tableStart+name+" -->") {
			t.Errorf("the pages lack the table %q", name)
		}
	}
}

// TestEachMachine: a machine has a table of its own, the one with the newest row the first, and the
// newest rows of each machine are in it.
func TestEachMachine(t *testing.T) {
	row := func(cpu string, ms float64) Row {
		return Row{Head: rows.Head{Date: "2000-01-02", Machine: rows.Machine{CPU: cpu}}, Case: caseScan, Model: "crnn-simple", What: both, Shape: narrow,
			Subject: Timing{Median: ms * 1e-3}, Reference: &Timing{Name: "a product"}, Ratio: &Ratio{Kind: Cost, Value: ms, Bound: 2}}
	}
	got := eachMachine(cpuTable)([]Row{row("older", 1), row("newer", 2), row("older", 3), row("newer", 4), {Head: rows.Head{Machine: rows.Machine{CPU: "idle"}}}})
	line := "| `crnn-simple` | 64 | 128 | 200 | %s ms | a product | cost %s | ≤ 2 |"
	at := -1
	for _, want := range []string{fmt.Sprintf(line, "4", "4.00"), "newer", fmt.Sprintf(line, "3", "3.00"), "older"} {
		i := strings.Index(got, want)
		if i <= at || strings.Count(got, want) != 1 {
			t.Fatalf("%s\nhas %q at %d, want it once behind %d", got, want, i, at)
		}
		at = i
	}
	if strings.Count(got, "crnn-simple") != 2 || strings.Contains(got, "idle") {
		t.Errorf("%s\nhas more than two tables of a row", got)
	}
	if got := eachMachine(cpuTable)(nil); got != noRows {
		t.Errorf("no rows give %q", got)
	}
}

// TestFillTables makes the table of a GPU, whose newest rows win, from rows that were never measured.
func TestFillTables(t *testing.T) {
	dir := t.TempDir()
	g := goals[0]
	row := func(what string, seconds float64, pass, emulated bool) Row {
		return Row{Head: rows.Head{Schema: rows.Schema, Date: "2000-01-02T03:04:05Z", Machine: rows.Machine{CPU: "none"}, Program: rows.Program{Commit: "0123456789"}}, Case: caseMatrix,
			Model: g.model, What: what, Shape: g.shape, Goal: &Goal{Name: g.name, Bound: 0.4, Pass: &pass}, Emulated: emulated,
			Subject: Timing{Median: seconds, Device: &Hardware{Device: "cuda:0", Name: "no GPU", Precision: "fp32", Compute: "9.0", Driver: "0"}}}
	}
	peer := row(both, 1e-3, false, false)
	peer.Case, peer.Goal = casePeer, nil
	peer.Reference, peer.Ratio = &Timing{Name: "torch eager", Median: 3e-3, MemoryHigh: 5e6}, &Ratio{Kind: SpeedUp, Value: 3}
	signal := func(seconds float64, emulated bool) Row {
		r := row("launch", seconds, true, emulated)
		r.Case, r.Model, r.Goal = caseLatency, "", nil
		return r
	}
	f, err := rows.Open(filepath.Join(dir, "gpu.jsonl"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, r := range []Row{row(forward, 1e-3, false, false), row(forward, 0.3e-3, true, false), row(both, 0.5e-3, false, false), row(forward, 9, true, true), peer, signal(2e-6, false), signal(1e-6, false), signal(9, true)} {
		if err := f.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	const before, after = "a\n" + tableStart + "gpu peers -->\n" + tableEnd + "\n" + tableStart + "gpu latencies -->\n" + tableEnd + "\n" + tableStart + "gpu -->\nold\n", tableEnd + "\nb\n"
	got, err := FillTables([]byte(before+after), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a\n" + tableStart, "| `crnn-simple` | forward | fp32 | 64 | 64 | 1000 | 0.3 | ≤ 0.4 | - |", "| forward+backward | fp32 | 64 | 64 | 1000 | 0.5 | ≤ 0.4, missed |",
		"| 1000 | 1 | torch eager | 3 | 3.0× | 0 MB | 5 MB |", "| launch | 1 µs |\n\nno GPU", "no GPU, compute 9.0", "commit 0123456.\n\n" + after} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	if strings.Contains(string(got), "old") || strings.Count(string(got), "crnn-simple") != 3 {
		t.Errorf("%s\nhas more than the newest rows", got)
	}
	if again, err := FillTables(got, dir); err != nil || !bytes.Equal(again, got) {
		t.Errorf("a second time gives %v and\n%s", err, again)
	}
	for _, c := range []struct{ text, want string }{
		{"\n" + tableStart + "gpus -->\n" + tableEnd, `line 2: no table of rows "gpus"`},
		{before, `"gpu" has no ` + tableEnd},
		{before + before + after, `"gpu" has no ` + tableEnd},
	} {
		if _, err := FillTables([]byte(c.text), dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
	if err := f.Add(rows.Head{Schema: 99}); err != nil {
		t.Fatal(err)
	}
	if _, err := FillTables([]byte(before+after), dir); err == nil || !strings.Contains(err.Error(), "line 9 is no row") {
		t.Errorf("error is %v, want the line", err)
	}
}
