package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"galvani/bench/rows"

	"github.com/BurntSushi/toml"
)

// ErrSettings is wrapped by every error about settings.
var ErrSettings = errors.New("bad settings")

// Row is the result of one case, one line of a file.
type Row struct {
	rows.Head         // its date is when the case began
	Experiment string `json:"experiment"`
	Condition  string `json:"condition"`
	Seed       uint64 `json:"seed"`
	Result
	Seconds  float64         `json:"seconds"`
	Settings json.RawMessage `json:"settings"`         // every key of the experiment
	Device   string          `json:"device,omitempty"` // of training
}

// readRows reads the rows of an experiment.
//
// Errors: those of Read.
func readRows(path string) (Rows, int64, error) {
	return rows.Read(path, func(r Row) bool { return r.Condition != "" })
}

// settingsJSON returns every key of the settings, sorted.
func settingsJSON(s Settings) (json.RawMessage, error) {
	text, err := toml.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("experiment: settings %T: %w", s, err)
	}
	keys := map[string]any{}
	if err := toml.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("experiment: settings %T: %w", s, err)
	}
	return json.Marshal(keys)
}

// key tells cases apart.
type key struct {
	condition string
	seed      uint64
}

// of returns, in the order of the cases, the first row of each that was made with the settings.
func (results Rows) of(cases []Case, settings json.RawMessage) Rows {
	found := map[key]Row{}
	for _, r := range slices.Backward(results) {
		if bytes.Equal(r.Settings, settings) {
			found[key{r.Condition, r.Seed}] = r
		}
	}
	var list Rows
	for _, c := range cases {
		if r, ok := found[key{c.Condition, c.Seed}]; ok {
			list = append(list, r)
		}
	}
	return list
}
