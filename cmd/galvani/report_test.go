package main

import (
	"reflect"
	"testing"
)

// TestFold breaks the widest column of a table that is too wide for a terminal.
func TestFold(t *testing.T) {
	head := []string{"NAME", "WHAT"}
	rows := [][]string{{"a", "one two three four five"}, {"bb", "six"}, {"c", ""}}
	for _, tt := range []struct {
		room int
		want [][]string
	}{
		{80, rows},
		{29, rows},
		{24, [][]string{{"a", "one two three four"}, {"", "five"}, {"bb", "six"}, {"c", ""}}},
		{15, rows}, // too narrow for words
	} {
		if got := fold(head, rows, tt.room); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%d columns: %q, want %q", tt.room, got, tt.want)
		}
	}
	long := [][]string{{"x", "a-word-that-is-longer-than-there-is-room and more"}}
	if got := fold(head, long, 26); len(got) != 2 || got[0][1] != "a-word-that-is-longer-than-there-is-room" {
		t.Errorf("a long word gives %q", got)
	}
}
