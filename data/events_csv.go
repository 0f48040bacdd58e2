package data

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
)

// eventColumns is the first line of a table of events: time in ms, number of the unit from 0,
// weight.
var eventColumns = []string{"time_ms", "unit", "weight"}

// ReadEventCSV reads events of units 0 to units−1 from a table with the header
// time_ms,unit,weight, with commas, semicolons or tabs, and returns them in the order of their times. Blanks around a field and
// empty lines mean nothing; a unit may be written as 3 or 3.0.
//
// Errors: ErrCorrupt, with the number of the record from 1 below the header and its line, for
// another header, a number of fields other than 3, a time that is negative or not finite, a unit
// that does not exist, a weight that float32 does not hold, a table without events; or what the
// file system says.
func ReadEventCSV(path string, units int) ([]Event, error) {
	return readEvents(path, func(r io.Reader) ([]Event, error) { return parseEventCSV(r, path, units) })
}

// parseEventCSV reads a table of events.
func parseEventCSV(from io.Reader, path string, units int) ([]Event, error) {
	r := eventTable(from)
	r.ReuseRecord = true
	if err := readEventHead(r, path); err != nil {
		return nil, err
	}
	var events []Event
	for {
		record := len(events) + 1
		fields, err := readFields(r)
		var broken *csv.ParseError
		switch {
		case err == io.EOF && len(events) == 0:
			return nil, eventError(path, "the table", "empty", "at least one event", "write one record per event")
		case err == io.EOF:
			sortEvents(events)
			return events, nil
		case errors.As(err, &broken):
			return nil, eventError(path, fmt.Sprintf("record %d in line %d", record, broken.StartLine), "broken ("+broken.Err.Error()+")", "three fields", "correct it")
		case err != nil:
			return nil, systemError(err)
		case record > mostEvents:
			return nil, eventError(path, fmt.Sprintf("record %d", record), "one too many", fmt.Sprintf("at most %d events", mostEvents), "split the file")
		}
		e, wrong := parseEvent(fields, units)
		if wrong != nil {
			line, _ := r.FieldPos(0)
			return nil, eventError(path, fmt.Sprintf("%s record %d in line %d", wrong.what, record, line), wrong.got, wrong.want, wrong.remedy)
		}
		events = append(events, e)
	}
}

// eventTable returns what reads the records of a table, divided by what stands in its first line.
func eventTable(from io.Reader) *csv.Reader {
	text := bufio.NewReader(from)
	head, _ := text.Peek(longestHead) // an error comes again with the first record
	line, _, _ := bytes.Cut(head, []byte("\n"))
	r := csv.NewReader(text)
	r.Comma, r.FieldsPerRecord = infile.Separator(string(line)), -1
	r.TrimLeadingSpace = r.Comma != '\t'
	return r
}

// longestHead is how much of a table is looked at for its first line.
const longestHead = 256

// readEventHead reads the first line of a table of events.
func readEventHead(r *csv.Reader, path string) error {
	head, err := readFields(r)
	if isSystem(err) {
		return systemError(err)
	}
	if len(head) > 0 {
		head[0] = strings.TrimPrefix(head[0], "\ufeff") // a byte order mark
	}
	if !slices.Equal(head, eventColumns) {
		return eventError(path, "the first line", brief(strings.Join(head, ",")), strings.Join(eventColumns, ","), "write that above the events")
	}
	return nil
}

// checkEventHead opens a table of events and reads its first line.
//
// Errors: those of ReadEventCSV that this line can have.
func checkEventHead(path string) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return readEventHead(eventTable(f), path)
}

// readFields reads the next record that has something in it, without the blanks around its fields and empty ones behind
// the last column, and with decimal points.
func readFields(r *csv.Reader) ([]string, error) {
	for {
		fields, err := r.Read()
		if err != nil {
			return fields, err
		}
		for i, f := range fields {
			fields[i] = infile.DecimalPoint(strings.TrimSpace(f), r.Comma)
		}
		for n := len(fields); n > len(eventColumns) && fields[n-1] == ""; n-- {
			fields = fields[:n-1]
		}
		if slices.ContainsFunc(fields, func(f string) bool { return f != "" }) {
			return fields, nil
		}
	}
}

// badField says what is wrong with a field of a record.
type badField struct{ what, got, want, remedy string }

// parseEvent reads one record.
func parseEvent(fields []string, units int) (e Event, wrong *badField) {
	if len(fields) != len(eventColumns) {
		return e, &badField{"number of fields of", strconv.Itoa(len(fields)), strconv.Itoa(len(eventColumns)), "write " + strings.Join(eventColumns, ",")}
	}
	var err error
	if e.Time, err = strconv.ParseFloat(fields[0], 64); err != nil || !(e.Time >= 0) || math.IsInf(e.Time, 1) {
		return e, &badField{"time of", brief(fields[0]), "a number of at least 0", "count the time in ms from the start of the recording"}
	}
	if e.Unit, err = parseUnit(fields[1]); err != nil || e.Unit < 0 || e.Unit >= units {
		return e, &badField{"unit of", brief(fields[1]), fmt.Sprintf("0 to %d", units-1), "count the units from 0, OFF before ON, and set width and height to the sensor's"}
	}
	if e.Weight, err = strconv.ParseFloat(fields[2], 64); err != nil || !finite(float32(e.Weight)) {
		return e, &badField{"weight of", brief(fields[2]), "a number that float32 holds, at most 3.4e38", "correct it or leave the record out"}
	}
	return e, nil
}

// parseUnit reads a whole number, written with or without a fraction of zeros.
func parseUnit(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if n := int(v); err == nil && math.Abs(v) < 1<<31 && float64(n) == v {
		return n, nil
	}
	return 0, strconv.ErrSyntax
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
