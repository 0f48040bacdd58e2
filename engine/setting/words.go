package setting

import (
	"slices"
	"strings"
)

// lists are the words that packages add to, by name. Only init functions write there.
var lists = map[string][]string{}

// AddWord adds a word to a list that tags name as @list, so that what is registered in another package is
// known to the keys that choose it. It is for init functions.
func AddWord(list, word string) {
	words := lists[list]
	if i, there := slices.BinarySearch(words, word); !there {
		lists[list] = slices.Insert(words, i, word)
	}
}

// words returns what a tag lists: words with | between them, or those of @list.
func words(tag string) []string {
	if name, ok := strings.CutPrefix(tag, "@"); ok {
		return slices.Clone(lists[name])
	}
	return strings.Split(tag, "|")
}
