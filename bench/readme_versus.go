package bench

import (
	"fmt"
	"slices"
	"strings"
)

// versus is a table of the newest row of a case for each thing that was timed and each program that it is held against.
type versus struct {
	of    string   // the case
	head  []string // what is timed, in the words of about
	about func(Row) []string
	time  func(Row, Timing) string // of either
	aim   func(Row) string
	brief func(Row) string // what is timed, in one phrase
}

// key tells rows of the same thing held against the same program, of whatever version; a cost is held against one thing alone.
func (v versus) key(r Row) string {
	kind, against := "", ""
	if r.Ratio != nil {
		kind = r.Ratio.Kind
	}
	if kind == SpeedUp {
		against, _, _ = strings.Cut(r.Reference.Name, " ")
	}
	return fmt.Sprint(r.Model, r.What, r.Shape, kind, against)
}

// newest returns the rows of the table, in their order.
func (v versus) newest(all []Row) (used []Row) {
	for i, r := range all {
		later := func(x Row) bool { return x.Case == v.of && !x.Quick && v.key(x) == v.key(r) }
		if later(r) && !slices.ContainsFunc(all[i+1:], later) {
			used = append(used, r)
		}
	}
	return used
}

func (v versus) table(all []Row) string {
	var table [][]string
	used := v.newest(all)
	for _, r := range used {
		words := append(v.about(r), v.time(r, r.Subject))
		if r.Reference == nil {
			words = append(words, "-", "-", "-", "-")
		} else {
			words = append(words, r.Reference.Name, v.time(r, *r.Reference), ratioWord(r.Ratio), v.aim(r))
		}
		table = append(table, words)
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown(append(v.head, "time", "against", "its time", "ratio", "aim"), table) + origin(used)
}

// simulationHeadlines shows how many times faster neurons, networks and rules are than the programs of others: of each
// of these the last row of its table.
func simulationHeadlines(all []Row) string {
	var table [][]string
	var used []Row
	for _, v := range []versus{neuronRows, networkRows, ruleRows} {
		rows := slices.DeleteFunc(v.newest(all), func(r Row) bool { return r.Ratio == nil || r.Ratio.Kind != SpeedUp })
		program := func(r Row) string { name, _, _ := strings.Cut(r.Reference.Name, " "); return name }
		for i, r := range rows {
			if slices.ContainsFunc(rows[i+1:], func(x Row) bool { return program(x) == program(r) }) {
				continue
			}
			table = append(table, []string{v.brief(r), v.time(r, r.Subject), r.Reference.Name, v.time(r, *r.Reference), ratioWord(r.Ratio)})
			used = append(used, r)
		}
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown([]string{"what", "time", "against", "its time", "faster"}, table) + origin(used)
}
