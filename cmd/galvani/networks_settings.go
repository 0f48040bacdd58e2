package main

import (
	"errors"
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"

	"github.com/spf13/pflag"
)

// networkSettings are the settings of a network as flags.
type networkSettings struct {
	keys  []setting.Key
	given []string
}

func (s *networkSettings) add(flags *pflag.FlagSet) {
	s.given = make([]string, len(s.keys))
	for i, k := range s.keys {
		flags.StringVar(&s.given[i], k.Flag(), k.String(), k.Help())
	}
}

// take sets what was given.
func (s *networkSettings) take(flags *pflag.FlagSet) error {
	for i, k := range s.keys {
		if flags.Changed(k.Flag()) {
			err := k.Parse(s.given[i])
			if r := (*setting.Refused)(nil); errors.As(err, &r) {
				err = fmt.Errorf("--%s is %s, want %s", k.Flag(), r.Value, r.Want)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
		}
	}
	return nil
}

// values returns the settings in effect.
func (s *networkSettings) values() map[string]any {
	all := map[string]any{}
	for _, k := range s.keys {
		all[k.Name] = k.Value()
	}
	return all
}

// isFile tells the name of a file from that of what is built in.
func isFile(name string) bool { return strings.HasSuffix(name, ".toml") }
