package safetensors

import (
	"bytes"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads the few JSON forms that a header is made of. encoding/json is too lenient
// here: it takes a key twice, folds the case of keys and mends broken strings.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) fail(format string, args ...any) error {
	return fmt.Errorf("header byte %d: %w: %s", s.i, ErrCorrupt, fmt.Sprintf(format, args...))
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte after white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i == len(s.b) {
		return 0
	}
	return s.b[s.i]
}

// null reads the word null if it is next.
func (s *scanner) null() bool {
	s.space()
	if !bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		return false
	}
	s.i += len("null")
	return true
}

func (s *scanner) expect(c byte) error {
	if got := s.peek(); got != c {
		return s.fail("got %s, want %q", show(got), c)
	}
	s.i++
	return nil
}

func show(c byte) string {
	if c == 0 {
		return "the end"
	}
	return fmt.Sprintf("%q", c)
}

// list reads open, items separated by commas, and shut.
func (s *scanner) list(open, shut byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.peek() == shut {
		s.i++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c := s.peek(); c {
		case ',':
			s.i++
		case shut:
			s.i++
			return nil
		default:
			return s.fail("got %s, want ',' or %q", show(c), shut)
		}
	}
}

// object reads an object; value is called behind the colon of each key. No key comes twice.
func (s *scanner) object(value func(key string) error) error {
	seen := map[string]bool{}
	return s.list('{', '}', func() error {
		s.space()
		at := s.i
		key, err := s.str()
		if err != nil {
			return err
		}
		if seen[key] {
			s.i = at
			return s.fail("key %.80q comes twice", key)
		}
		seen[key] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		return value(key)
	})
}

// number reads an integer from 0 to the largest int.
func (s *scanner) number() (int, error) {
	if c := s.peek(); c < '0' || c > '9' {
		return 0, s.fail("got %s, want an integer that is not negative", show(c))
	}
	start, n := s.i, uint64(0)
	for ; s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9'; s.i++ {
		d := uint64(s.b[s.i] - '0')
		if n > (math.MaxInt-d)/10 {
			s.i = start
			return 0, s.fail("integer does not fit 63 bits")
		}
		n = n*10 + d
	}
	if s.b[start] == '0' && s.i > start+1 {
		s.i = start
		return 0, s.fail("integer starts with 0")
	}
	return int(n), nil
}

// str reads a string.
func (s *scanner) str() (string, error) {
	if err := s.expect('"'); err != nil {
		return "", err
	}
	var out []byte
	for s.i < len(s.b) {
		c := s.b[s.i]
		switch {
		case c == '"':
			s.i++
			return string(out), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", s.fail("control character %q inside a string", c)
		case c < utf8.RuneSelf:
			out = append(out, c)
			s.i++
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n == 1 {
				return "", s.fail("string is not UTF-8")
			}
			out = append(out, s.b[s.i:s.i+n]...)
			s.i += n
		}
	}
	return "", s.fail("string has no end")
}

// escape reads a backslash and what follows.
func (s *scanner) escape() (rune, error) {
	if s.i+1 >= len(s.b) {
		return 0, s.fail("string has no end")
	}
	switch c := s.b[s.i+1]; c {
	case '"', '\\', '/':
		s.i += 2
		return rune(c), nil
	case 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c], nil
	case 'u':
		r, ok := s.hex4(s.i)
		if !ok {
			return 0, s.fail("\\u wants four hexadecimal digits")
		}
		if !utf16.IsSurrogate(r) {
			s.i += 6
			return r, nil
		}
		low, ok := s.hex4(s.i + 6)
		pair := utf16.DecodeRune(r, low)
		if !ok || pair == utf8.RuneError {
			return 0, s.fail("half of a surrogate pair")
		}
		s.i += 12
		return pair, nil
	default:
		return 0, s.fail("unknown escape \\%c", c)
	}
}

// hex4 decodes \uXXXX at byte i.
func (s *scanner) hex4(i int) (rune, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
