package setting

import (
	"fmt"
	"strings"
)

// Unknown words the refusal of a name: `unknown key "tau_x"; did you mean "tau_s"?`, of one that other programs have
// `unknown flag "--batch-size"; here it is "--batch"`. Where nothing is near, it lists what there is if that is short.
func Unknown(what, name string, known []string) string {
	msg := fmt.Sprintf("unknown %s %q", what, Shorten(name))
	const short = 400 // bytes
	if ours, ok := Here(name, known); ok {
		return msg + fmt.Sprintf("; here it is %q", ours)
	}
	list := strings.Join(known, ", ")
	switch near, ok := Nearest(name, known); {
	case ok:
		return msg + fmt.Sprintf("; did you mean %q?", near)
	case len(list) <= short:
		return msg + "; known: " + list
	}
	return msg
}

// Nearest returns the known name at the smallest edit distance, if at least half of the
// longer name agrees. Dashes before names, case and whether words are joined by - or _ do not count.
func Nearest(name string, known []string) (string, bool) {
	best, found := "", false
	least := 0
	bare := func(s string) string {
		return strings.ReplaceAll(strings.ToLower(strings.TrimLeft(s, "-")), "-", "_")
	}
	own := bare(name)
	for _, k := range known {
		longer := max(len([]rune(own)), len([]rune(bare(k))))
		d := distance(own, bare(k))
		if 2*d <= longer && (!found || d < least) {
			best, least, found = k, d, true
		}
	}
	return best, found
}

// distance is the edit distance (insert, delete, replace) of two strings.
//
// Source: Wagner and Fischer (1974), doi:10.1145/321796.321811.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j := range t {
			cost := diagonal
			if s[i] != t[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(t)]
}
