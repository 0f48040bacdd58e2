package bench

import (
	"fmt"
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
	switch {
	case r.Ratio == nil:
		return fmt.Sprint(r.Model, r.What, r.Shape)
	case r.Ratio.Kind == SpeedUp:
		return fmt.Sprint(r.Model, r.What, r.Shape, program(r))
	}
	return fmt.Sprint(r.Model, r.What, r.Shape, r.Ratio.Kind)
}

// program names what a row is held against, without its version.
func program(r Row) string {
	name, _, _ := strings.Cut(r.Reference.Name, " ")
	return name
}

// newest returns the rows of the table, in their order.
func (v versus) newest(all []Row) []Row {
	return newestOf(all, func(r Row) bool { return r.Case == v.of && !r.Quick }, v.key)
}

func (v versus) table(all []Row) string {
	var table [][]string
	used := v.newest(all)
	for _, r := range used {
		words := append(v.about(r), v.time(r, r.Subject))
		if r.Reference == nil {
			words = append(words, "-", "-", "-", v.aim(r))
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
		for _, r := range newestOf(v.newest(all), func(r Row) bool { return r.Ratio != nil && r.Ratio.Kind == SpeedUp && program(r) != oneThread }, program) {
			table = append(table, []string{v.brief(r), v.time(r, r.Subject), r.Reference.Name, v.time(r, *r.Reference), ratioWord(r.Ratio)})
			used = append(used, r)
		}
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown([]string{"what", "time", "against", "its time", "faster"}, table) + origin(used)
}
