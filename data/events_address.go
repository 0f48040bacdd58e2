package data

import (
	"fmt"
	"io"
)

// The 5-byte format of N-MNIST and N-Caltech101, one event after the other, no header: x, y, then
// one bit of polarity (1 for ON) and 23 bits of time in µs, big-endian.
//
// Source: Orchard, Jayawant, Cohen and Thakor (2015), doi:10.3389/fnins.2015.00437.
const (
	addressBytes = 5
	microseconds = 1e-3 // in ms
)

// ReadAddressEvents reads a recording in the 5-byte format of N-MNIST. Every event has weight 1.
//
// Errors: ErrCorrupt, with the number of the record from 1, for a pixel outside the sensor, a time
// before that of the record before it, a record that is cut short, an empty file; or what the file
// system says.
func ReadAddressEvents(path string, s Sensor) ([]Event, error) {
	return readEvents(path, func(r io.Reader) ([]Event, error) {
		// One byte more than the largest file tells an oversized one.
		raw, err := io.ReadAll(io.LimitReader(r, mostEvents*addressBytes+1))
		if err != nil {
			return nil, systemError(err)
		}
		return parseAddressEvents(raw, path, s)
	})
}

// parseAddressEvents reads the events in raw.
func parseAddressEvents(raw []byte, path string, s Sensor) ([]Event, error) {
	const remedy = "take the file from its collection again"
	switch {
	case len(raw) == 0:
		return nil, eventError(path, "the file", "empty", "records of 5 bytes", remedy)
	case len(raw) > mostEvents*addressBytes:
		return nil, eventError(path, "the file", "longer", fmt.Sprintf("at most %d records of 5 bytes", mostEvents), remedy)
	}
	events := make([]Event, 0, len(raw)/addressBytes)
	last := 0
	for at := 0; at < len(raw); at += addressBytes {
		where := func(what string) string {
			return fmt.Sprintf("%srecord %d at offset %d", what, at/addressBytes+1, at)
		}
		if rest := len(raw) - at; rest < addressBytes {
			return nil, eventError(path, where(""), fmt.Sprintf("%d bytes long", rest), "5 bytes", remedy)
		}
		x, y, polarity := int(raw[at]), int(raw[at+1]), int(raw[at+2]>>7)
		if x >= s.Width || y >= s.Height {
			return nil, eventError(path, where("pixel of "), fmt.Sprintf("x=%d y=%d", x, y),
				fmt.Sprintf("one of a sensor of %d × %d", s.Width, s.Height), remedy)
		}
		time := int(raw[at+2]&0x7f)<<16 | int(raw[at+3])<<8 | int(raw[at+4])
		if time < last {
			return nil, eventError(path, where("time of "), fmt.Sprintf("%d µs", time),
				fmt.Sprintf("at least the %d µs of the record before", last), remedy)
		}
		last = time
		events = append(events, Event{Time: float64(time) * microseconds, Unit: s.unit(x, y, polarity), Weight: 1})
	}
	return events, nil
}
