package description

import (
	"regexp"
	"strconv"
)

// nameForm is what parts of a description may be called.
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

// Name reads the name of something.
func (t *Table) Name(key string) string {
	if !t.Need(key, strconv.Quote("name")) {
		return ""
	}
	s := t.Words(key, "")
	t.Called(key, s)
	return s
}

// Called refuses what is no name.
func (t *Table) Called(key, s string) {
	if !nameForm.MatchString(s) {
		t.Fail(key, "is called %q, want a letter and at most 31 letters, digits, _ or - behind it", s)
	}
}
