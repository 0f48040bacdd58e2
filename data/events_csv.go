package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// eventColumns is the first line of a table of events: time in ms, number of the unit from 0,
// weight.
var eventColumns = []string{"time_ms", "unit", "weight"}

// ReadEventCSV reads events of units 0 to units−1 from a table with the header
// time_ms,unit,weight, in the order of their times.
//
// Errors: ErrCorrupt, with the number of the record from 1 below the header and its line, for
// another header, a number of fields other than 3, a time that is negative, not finite or before
// that of the record before it, a unit that does not exist, a weight that is not finite, a table
// without events; or what the file system says.
func ReadEventCSV(path string, units int) ([]Event, error) {
	return readEvents(path, func(r io.Reader) ([]Event, error) { return parseEventCSV(r, path, units) })
}

// parseEventCSV reads a table of events.
func parseEventCSV(from io.Reader, path string, units int) ([]Event, error) {
	r := csv.NewReader(from)
	r.ReuseRecord, r.FieldsPerRecord = true, -1
	head, err := r.Read()
	if isSystem(err) {
		return nil, systemError(err)
	}
	if !slices.Equal(head, eventColumns) {
		return nil, eventError(path, "the first line", brief(strings.Join(head, ",")), strings.Join(eventColumns, ","), "write that above the events")
	}
	var events []Event
	for last := 0.0; ; last = events[len(events)-1].Time {
		record := len(events) + 1
		fields, err := r.Read()
		var broken *csv.ParseError
		switch {
		case err == io.EOF && len(events) == 0:
			return nil, eventError(path, "the table", "empty", "at least one event", "write one record per event")
		case err == io.EOF:
			return events, nil
		case errors.As(err, &broken):
			return nil, eventError(path, fmt.Sprintf("record %d in line %d", record, broken.StartLine), "broken ("+broken.Err.Error()+")", "three fields", "correct it")
		case err != nil:
			return nil, systemError(err)
		case record > mostEvents:
			return nil, eventError(path, fmt.Sprintf("record %d", record), "one too many", fmt.Sprintf("at most %d events", mostEvents), "split the file")
		}
		e, wrong := parseEvent(fields, last, units)
		if wrong != nil {
			line, _ := r.FieldPos(0)
			return nil, eventError(path, fmt.Sprintf("%s record %d in line %d", wrong.what, record, line), wrong.got, wrong.want, wrong.remedy)
		}
		events = append(events, e)
	}
}

// badField says what is wrong with a field of a record.
type badField struct{ what, got, want, remedy string }

// parseEvent reads one record that comes no earlier than last.
func parseEvent(fields []string, last float64, units int) (e Event, wrong *badField) {
	var err error
	if len(fields) != len(eventColumns) {
		return e, &badField{"number of fields of", strconv.Itoa(len(fields)), strconv.Itoa(len(eventColumns)), "correct it"}
	}
	if e.Time, err = strconv.ParseFloat(fields[0], 64); err != nil || !(e.Time >= last) || math.IsInf(e.Time, 1) {
		return e, &badField{"time of", brief(fields[0]), fmt.Sprintf("a number of at least %v, the time before it", last), "sort the events by time"}
	}
	if e.Unit, err = strconv.Atoi(fields[1]); err != nil || e.Unit < 0 || e.Unit >= units {
		return e, &badField{"unit of", brief(fields[1]), fmt.Sprintf("0 to %d", units-1), "correct it"}
	}
	if e.Weight, err = strconv.ParseFloat(fields[2], 64); err != nil || math.IsNaN(e.Weight) || math.IsInf(e.Weight, 0) {
		return e, &badField{"weight of", brief(fields[2]), "a finite number", "correct it"}
	}
	return e, nil
}

// brief quotes the beginning of a text.
func brief(text string) string { return fmt.Sprintf("%.40q", text) }

// WriteEventCSV writes events as the table that ReadEventCSV reads, every number with as many
// digits as bring it back exactly.
func WriteEventCSV(to io.Writer, events []Event) error {
	w := csv.NewWriter(to)
	err := w.Write(eventColumns)
	for _, e := range events {
		err = errors.Join(err, w.Write([]string{number(e.Time), strconv.Itoa(e.Unit), number(e.Weight)}))
	}
	w.Flush()
	if err := errors.Join(err, w.Error()); err != nil {
		return fmt.Errorf("data: write events: %w", err)
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
