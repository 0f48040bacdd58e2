package main

import (
	"encoding/json"
	"strings"
	"testing"

	"galvani/bench"
)

func TestBenchEvents(t *testing.T) {
	needsCPU(t)
	line := []string{"bench", "events", "--quick", "--models", "crnn", "--densities", "0.05", "--links", "1"}
	o := noGPU(t, line...).ok(t)
	table := strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
	if len(table) != 2+1+3+3 || !strings.HasPrefix(table[1], "MODEL") || !strings.Contains(table[3], "clocked, same code") || !strings.Contains(table[4], "fused scan, float64") {
		t.Errorf("table of 7 rows is\n%s", o.stdout)
	}
	o = noGPU(t, append(line, "--json")...).ok(t)
	var rows []bench.Row
	if err := json.Unmarshal([]byte(o.stdout), &rows); err != nil || len(rows) != 7 || rows[0].Events == nil || rows[0].Events.Clocked.Input == 0 {
		t.Errorf("%v: JSON is %s", err, o.stdout)
	}
	refuses(t, []string{"bench", "events"}, []refusal{
		{"--models lstm", exitUsage, `unknown model "lstm"`},
		{"--models=", exitUsage, "want at least one value each"},
		{"--inputs 0", exitUsage, "--inputs are 500, 128 and [0], want numbers of at least 1"},
		{"--hidden 0", exitUsage, "--hidden and --inputs"},
		{"--densities 0.1,0", exitUsage, "--densities and --links are [0.1 0] and [1 0.1], want shares above 0"},
		{"--links 1.5", exitUsage, "want shares above 0 and up to 1"},
		{"--threads -1 --quick", exitUsage, "--threads is -1"},
	})
}
