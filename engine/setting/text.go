package setting

import (
	"strings"
	"unicode"
)

// OneLine replaces control characters, which would break a one-line error.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// Shorten returns s as an error quotes it: on one line, and cut where it would fill more than that.
func Shorten(s string) string {
	const longest = 60
	s = OneLine(s)
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "..."
	}
	return s
}
