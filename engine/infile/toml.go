package infile

import (
	"errors"

	"galvani/engine/setting"

	"github.com/BurntSushi/toml"
)

// DecodeTOML decodes the text of a file of settings. It refuses keys that are not among those of into, which
// are listed for the error.
//
// Errors: one line that says what is wrong with the text.
func DecodeTOML(text []byte, into any, keys []string) error {
	meta, err := toml.Decode(string(text), into)
	if err != nil {
		return errors.New(setting.OneLine(err.Error()))
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return errors.New(setting.Unknown("key", unknown[0].String(), keys))
	}
	return nil
}
