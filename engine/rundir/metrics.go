package rundir

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	metricsName = "metrics.jsonl"
	stepKey     = "step"
	timeKey     = "time"
)

// Row is one line of metrics.jsonl: the values reported at a step.
type Row struct {
	Step   int64
	Time   float64 // seconds since 1970, to the millisecond; 0 where the file does not tell
	Values map[string]float64
}

// Append adds a row to metrics.jsonl and to the TensorBoard events. The row has left the
// process when Append returns; it is durable from the next Save on. A value that is not finite
// becomes null, since JSON has no word for it.
//
// Errors: ErrInvalid for the value names "step" and "time", ErrIO.
func (r *Run) Append(now time.Time, step int64, values map[string]float64) error {
	if err := r.writable(metricsName); err != nil {
		return err
	}
	for _, key := range []string{stepKey, timeKey} {
		if _, taken := values[key]; taken {
			return fmt.Errorf("rundir: %s: %w: a value is named %q", metricsName, ErrInvalid, key)
		}
	}
	if r.metrics == nil {
		if err := r.openMetrics(); err != nil {
			return err
		}
	}
	line, err := Row{step, float64(now.UnixMilli()) / 1e3, values}.line()
	if err != nil {
		return fmt.Errorf("rundir: %s: %w: %w", metricsName, ErrInvalid, err)
	}
	if _, err := r.metrics.Write(line); err != nil {
		r.metrics.Close() // the next Append opens it again and takes half a line off
		r.metrics = nil
		return ioErr("write", r.path(metricsName), err)
	}
	return r.appendEvents(now, step, values)
}

// openMetrics opens the file for appending, behind the last whole line.
func (r *Run) openMetrics() error {
	if err := r.cut(math.MaxInt64); err != nil {
		return err
	}
	f, err := r.fs.Append(r.path(metricsName))
	if err != nil {
		return ioErr("append to", r.path(metricsName), err)
	}
	r.metrics = f
	return ioErr("sync", r.dir, r.fs.SyncDir(r.dir))
}

// Truncate drops the rows behind step, and whatever a crash left unreadable, so that a resumed
// run appends to what the uninterrupted one would have. TensorBoard is told to do the same.
func (r *Run) Truncate(step int64) error {
	if err := r.writable(metricsName); err != nil {
		return err
	}
	if err := r.closeMetrics(); err != nil {
		return err
	}
	r.restart = step + 1
	return r.cut(step)
}

// closeMetrics ends both files of metrics; the next Append opens them again.
func (r *Run) closeMetrics() error {
	var first, second error
	if r.metrics != nil {
		first = ioErr("close", r.path(metricsName), r.metrics.Close())
		r.metrics = nil
	}
	if r.events != nil {
		second = ioErr("close", r.path(r.events.name), r.events.file.Close())
		r.events = nil
	}
	return cmp.Or(first, second)
}

// cut rewrites the file without rows behind step and unreadable ones, if it has any.
func (r *Run) cut(step int64) error {
	old, err := r.Read(metricsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(old) {
		if row, err := parseRow(line); err == nil && row.Step <= step {
			kept = append(kept, line...)
		}
	}
	if bytes.Equal(kept, old) {
		return nil
	}
	return replaceBytes(r.fs, r.path(metricsName), kept)
}

// flush makes the rows appended so far durable.
func (r *Run) flush() error {
	if r.metrics != nil {
		if err := r.metrics.Sync(); err != nil {
			return ioErr("sync", r.path(metricsName), err)
		}
	}
	if r.events != nil {
		return ioErr("sync", r.path(r.events.name), r.events.file.Sync())
	}
	return nil
}

// Metrics returns the rows written so far, none if there is no file yet. A last line that is
// not finished is left out; null becomes NaN.
//
// Errors: ErrCorrupt naming the line, ErrIO.
func (r *Run) Metrics() ([]Row, error) {
	b, err := r.Read(metricsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []Row
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if line[len(line)-1] != '\n' {
			break
		}
		row, err := parseRow(line)
		if err != nil {
			return nil, fmt.Errorf("rundir: %s: line %d: %w: %w", r.path(metricsName), n, ErrCorrupt, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// line returns the row as JSON with step and time first, the values by name, and a line end.
func (r Row) line() ([]byte, error) {
	b := fmt.Appendf(nil, `{"%s":%d,"%s":%.3f`, stepKey, r.Step, timeKey, r.Time)
	for _, k := range slices.Sorted(maps.Keys(r.Values)) {
		key, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		value := []byte("null")
		if v := r.Values[k]; !math.IsNaN(v) && !math.IsInf(v, 0) {
			if value, err = json.Marshal(v); err != nil {
				return nil, err
			}
		}
		b = append(append(append(append(b, ','), key...), ':'), value...)
	}
	return append(b, '}', '\n'), nil
}

func parseRow(line []byte) (Row, error) {
	row := Row{Values: map[string]float64{}}
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return row, errors.New("line has no end")
	}
	var raw map[string]*json.Number
	if err := json.Unmarshal(line, &raw); err != nil {
		return row, err
	}
	step := raw[stepKey]
	if step == nil {
		return row, errors.New("no step")
	}
	var err error
	if row.Step, err = step.Int64(); err != nil {
		return row, err
	}
	if at := raw[timeKey]; at != nil {
		if row.Time, err = at.Float64(); err != nil {
			return row, err
		}
	}
	delete(raw, stepKey)
	delete(raw, timeKey)
	for k, v := range raw {
		row.Values[k] = math.NaN()
		if v != nil {
			if row.Values[k], err = v.Float64(); err != nil {
				return row, err
			}
		}
	}
	return row, nil
}
