// Package setting holds what every family of named things shares: their registry, and the settings
// that the tags of their fields describe. One place reads the tags, so that a file, a flag, a help
// text and a caller in Go are held to the same ranges.
//
// A setting is an exported field of a struct. Its tags:
//
//	toml      key, in config.toml and, with '-' for '_', as a flag
//	doc       one line
//	unit      physical unit, "1" for none
//	min, max  inclusive bounds of a number, or of each number of a list
//	oneof     words that a string, or each string of a list, may be, separated by '|', or @list (AddWord)
//	nonempty  "true" for a list of at least one value
//	single    "true" for a list that one value may stand for
//	needs     when the key has an effect, see Condition
//	file      for a string that names a file: its values that name none, separated by '|'
//	before    value that runs from before the key was added have
//
// Every package may import it; it imports the standard library only.
package setting
