package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"galvani/bench"
	"galvani/engine/rundir"

	"github.com/BurntSushi/toml"
)

// schema is the version of Row as JSON; it changes when a field changes its meaning.
const schema = 1

var (
	// ErrRows is wrapped by every error about the content of a file of rows.
	ErrRows = errors.New("bad file of rows")
	// ErrSettings is wrapped by every error about settings.
	ErrSettings = errors.New("bad settings")
)

// Row is the result of one case, one line of a file.
type Row struct {
	Schema     int    `json:"schema"`
	Experiment string `json:"experiment"`
	Condition  string `json:"condition"`
	Seed       uint64 `json:"seed"`
	Result
	Seconds  float64         `json:"seconds"`
	Date     string          `json:"date"` // when the case began, RFC 3339
	Quick    bool            `json:"quick,omitempty"`
	Settings json.RawMessage `json:"settings"`         // every key of the experiment
	Device   string          `json:"device,omitempty"` // of training
	Machine  bench.Machine   `json:"machine"`
	Program  bench.Program   `json:"program"`
}

// Values are numbers by name. In JSON, which knows no such numbers, NaN is null and the infinities
// are "inf" and "-inf".
type Values map[string]float64

// Curve is a list of numbers, written like Values.
type Curve []float64

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	m := make(map[string]any, len(v))
	for k, x := range v {
		m[k] = jsonNumber(x)
	}
	return json.Marshal(m)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(b []byte) error {
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*v = make(Values, len(m))
	for k, x := range m {
		f, err := parseNumber(x)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		(*v)[k] = f
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (c Curve) MarshalJSON() ([]byte, error) {
	list := make([]any, len(c))
	for i, x := range c {
		list[i] = jsonNumber(x)
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Curve) UnmarshalJSON(b []byte) error {
	var list []any
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*c = make(Curve, len(list))
	for i, x := range list {
		var err error
		if (*c)[i], err = parseNumber(x); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func jsonNumber(x float64) any {
	switch {
	case math.IsNaN(x):
		return nil
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return x
}

func parseNumber(v any) (float64, error) {
	switch v := v.(type) {
	case nil:
		return math.NaN(), nil
	case float64:
		return v, nil
	}
	switch v {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return 0, fmt.Errorf("%v is no number", v)
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

// readRows reads all whole lines of a file and returns with them how many bytes they are. A file
// that is not there has none; a last line without end was cut off while it was written, and
// counts as not there.
//
// Errors: ErrRows, with the line, and those of the file.
func readRows(path string) (rows Rows, size int64, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	n := 0
	for line := range bytes.Lines(text) {
		n++
		var r Row
		if err := json.Unmarshal(line, &r); err != nil || r.Schema != schema || r.Condition == "" {
			return nil, 0, fmt.Errorf("experiment: %s: line %d is no row of this program; move the file away: %w", path, n, ErrRows)
		}
		rows = append(rows, r)
	}
	return rows, int64(len(text)), nil
}

// appender adds rows to a file, each whole and on the disk before the next.
type appender struct{ file *os.File }

// openAppender opens a file behind its first size bytes and cuts off the rest, which is no whole line.
//
// Errors: rundir.ErrLocked while another process adds to the file, or has done so since it was read.
func openAppender(path string, size int64) (*appender, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	whole := size
	if err = rundir.Exclusive(f); err == nil {
		_, whole, err = readRows(path)
	}
	if err == nil && whole != size {
		err = rundir.ErrLocked
	}
	if errors.Is(err, rundir.ErrLocked) {
		err = fmt.Errorf("experiment: another run adds to %s: wait for it or choose another --out: %w", path, err)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appender{f}, nil
}

func (a *appender) add(r Row) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("experiment: row of %s: %w", r.Condition, err)
	}
	if _, err := a.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return a.file.Sync()
}

func (a *appender) close() error { return a.file.Close() }

// key tells cases apart.
type key struct {
	condition string
	seed      uint64
}

// of returns, in the order of the cases, the first row of each that was made with the settings.
func (rows Rows) of(cases []Case, settings json.RawMessage) Rows {
	found := map[key]Row{}
	for _, r := range slices.Backward(rows) {
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
