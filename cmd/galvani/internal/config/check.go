package config

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// checkMark begins the first line of a file that this program has written. Many cuts through a
// TOML file leave one that is still well formed, with other settings.
const checkMark = "# check sha256:"

// Seal puts a line in front of a file by which Decode finds out whether it is still whole.
func Seal(text []byte) []byte {
	return append(fmt.Appendf(nil, "%s%x (delete this line from a copy that you edit)\n", checkMark, sum(text)), text...)
}

// Sealed reports whether a file has the line of Seal.
func Sealed(text []byte) bool { return bytes.HasPrefix(text, []byte(checkMark)) }

// verify holds a file against its check line; a file without one is taken as it is.
func verify(text []byte) error {
	first, rest, whole := bytes.Cut(text, []byte("\n"))
	switch {
	case len(text) == 0:
		return fmt.Errorf("%w: the file is empty", ErrConfig)
	case !whole && bytes.HasPrefix([]byte(checkMark), first):
	case !bytes.HasPrefix(first, []byte(checkMark)):
		return nil
	case bytes.HasPrefix(first, fmt.Appendf(nil, "%s%x ", checkMark, sum(rest))):
		return nil
	}
	return fmt.Errorf("%w: the file is not as it was written: it was cut off, damaged or edited; if you edited it, delete its first line (%s...)",
		ErrConfig, checkMark)
}

// sum is the hash of a text, whatever its line ends.
func sum(text []byte) [sha256.Size]byte {
	return sha256.Sum256(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}
