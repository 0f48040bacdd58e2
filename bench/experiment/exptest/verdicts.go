package exptest

import (
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/rows"
)

// Row is a row of a condition with values that are made up.
func Row(condition string, v rows.Values) experiment.Row {
	return experiment.Row{Condition: condition, Result: experiment.Result{Values: v}}
}

// Case is rows that are made up, with the verdict that they are to bring. It is an alias so that the fields of a table of cases need no keys.
type Case = struct {
	What string
	Rows experiment.Rows
	Want experiment.Verdict
}

// Verdicts holds the verdicts of an experiment to cases. Each has to have words for its result, too.
func Verdicts(t *testing.T, s experiment.Settings, cases []Case) {
	t.Helper()
	for _, c := range cases {
		r, err := s.Report(c.Rows)
		if err != nil || r.Verdict != c.Want || r.Result == "" {
			t.Errorf("%s: verdict %q, %q, %v; want %q", c.What, r.Verdict, r.Result, err, c.Want)
		}
	}
}
