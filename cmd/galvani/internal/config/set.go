package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"galvani/engine/setting"

	"github.com/BurntSushi/toml"
)

// ErrConfig is wrapped by every error about a key or a value.
var ErrConfig = errors.New("bad configuration")

// Set is the flat key space of one command: the keys of several structs under one roof.
type Set struct {
	// Elsewhere names, for keys that are not in the set, what has them instead.
	Elsewhere map[string][]string
	// Facts are values that conditions of keys may ask for besides keys.
	Facts map[string]string

	keys  []setting.Key
	index map[string]int
}

// Add puts the keys of the struct that p points to into the set.
//
// Errors: a name that another owner has already is refused.
func (s *Set) Add(owner string, p any) error {
	keys, err := setting.Keys(owner, p)
	if err != nil {
		return err
	}
	if s.index == nil {
		s.index = map[string]int{}
	}
	for _, k := range keys {
		if i, dup := s.index[k.Name]; dup {
			return fmt.Errorf("config: key %q belongs to %s and to %s", k.Name, s.keys[i].Owner, owner)
		}
		s.index[k.Name] = len(s.keys)
		s.keys = append(s.keys, k)
	}
	return nil
}

// Keys returns the keys in the order in which they were added.
func (s *Set) Keys() []setting.Key { return s.keys }

// Lookup finds a key; the error for an unknown one names the nearest.
func (s *Set) Lookup(name string) (setting.Key, error) {
	if i, ok := s.index[name]; ok {
		return s.keys[i], nil
	}
	if owners := s.Elsewhere[name]; len(owners) > 0 {
		return setting.Key{}, fmt.Errorf("%w: unknown key %q for this choice; it belongs to %s", ErrConfig, name, strings.Join(owners, ", "))
	}
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.Name
	}
	return setting.Key{}, fmt.Errorf("%w: %s", ErrConfig, setting.Unknown("key", name, names))
}

// Pair is one line of a configuration file, or one flag.
type Pair struct {
	Name  string
	Value any // as decoded from TOML: bool, int64, float64, string, []any; or Text
}

// Text is the value of a flag, which is read once the type of its key is known.
type Text string

// Apply sets keys in order and stops at the first that is unknown or does not fit.
func (s *Set) Apply(pairs []Pair) error {
	for _, p := range pairs {
		k, err := s.Lookup(p.Name)
		if err != nil {
			return err
		}
		if text, isFlag := p.Value.(Text); isFlag {
			err = k.Parse(string(text))
		} else {
			err = k.Assign(p.Value)
		}
		if r := (*setting.Refused)(nil); errors.As(err, &r) {
			return fmt.Errorf("%w: key %q is %s, want %s", ErrConfig, r.Key, r.Value, r.Want)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxFile is more than any configuration needs and bounds the memory that a foreign file
// can take.
const maxFile = 1 << 16

// Decode reads a flat TOML file into pairs, in the order of the file.
//
// Errors: a table, a date or TOML that is not well formed is refused with its line; an empty file,
// and one that no longer matches what Seal has put in front of it.
func Decode(r io.Reader) ([]Pair, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%w: file is longer than %d bytes", ErrConfig, maxFile)
	}
	if err := verify(text); err != nil {
		return nil, err
	}
	values := map[string]any{}
	meta, err := toml.Decode(string(text), &values)
	if err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%w: line %d: %s", ErrConfig, syntax.Position.Line, setting.OneLine(syntax.Message))
		}
		return nil, fmt.Errorf("%w: %s", ErrConfig, setting.OneLine(err.Error()))
	}
	pairs := make([]Pair, 0, len(values))
	for _, key := range meta.Keys() {
		value, ok := values[key[0]]
		if _, isTable := value.(map[string]any); len(key) > 1 || isTable || !ok {
			return nil, fmt.Errorf("%w: %s is a table, want flat keys (key = value)", ErrConfig, setting.Shorten(key.String()))
		}
		pairs = append(pairs, Pair{Name: key[0], Value: value})
	}
	return pairs, nil
}

// Write writes every key in effect as TOML, with its documentation as comment.
func (s *Set) Write(w io.Writer) error {
	owner := ""
	for _, k := range s.keys {
		if k.Owner != owner {
			owner = k.Owner
			if _, err := fmt.Fprintf(w, "\n# ---- %s ----\n", owner); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "# %s\n", k.Help()); err != nil {
			return err
		}
		if err := toml.NewEncoder(w).Encode(map[string]any{k.Name: k.Value()}); err != nil {
			return fmt.Errorf("config: write key %q: %w", k.Name, err)
		}
	}
	return nil
}
