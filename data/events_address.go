package data

import (
	"fmt"
	"io"
)

// The 5-byte format of N-MNIST and N-Caltech101, one record after the other, no header: x, y, then
// one bit of polarity (1 for ON) and 23 bits of time in µs, big-endian. A record with y = 240 is no
// event: the camera counts 13 bits, and all later times are 2^13 µs more than they say.
//
// Source: Orchard, Jayawant, Cohen and Thakor (2015), doi:10.3389/fnins.2015.00437; the overflow
// records as in the readers that the authors published with the recordings.
const (
	addressBytes = 5
	microseconds = 1e-3 // in ms
	overflowY    = 240
	overflowTime = 1 << 13 // µs
	// wrapTime is how far a time may lie before the latest one. Records of neighbouring pixels
	// change places by some µs; beyond half of what 23 bits count it is the counter that began again.
	wrapTime = 1 << 22 // µs
)

// ReadAddressEvents reads a recording in the 5-byte format of N-MNIST and returns its events in the
// order of their times, each of weight 1. A sensor of more than 240 rows has no overflow records.
//
// Errors: ErrCorrupt, with the number of the record from 1, for a pixel outside the sensor, a time
// far before that of an earlier record, a record that is cut short, a file without events; or what
// the file system says.
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

const addressRemedy = "take the file from its collection again"

// checkAddressSize refuses a size that no recording has.
func checkAddressSize(size int64, path string) error {
	switch rest := size % addressBytes; {
	case size == 0:
		return eventError(path, "the file", "empty", "records of 5 bytes", addressRemedy)
	case size > mostEvents*addressBytes:
		return eventError(path, "the file", "longer", fmt.Sprintf("at most %d records of 5 bytes", mostEvents), addressRemedy)
	case rest != 0:
		return eventError(path, fmt.Sprintf("record %d at offset %d", size/addressBytes+1, size-rest),
			fmt.Sprintf("%d bytes long", rest), "5 bytes", addressRemedy)
	}
	return nil
}

// parseAddressEvents reads the events in raw.
func parseAddressEvents(raw []byte, path string, s Sensor) ([]Event, error) {
	if err := checkAddressSize(int64(len(raw)), path); err != nil {
		return nil, err
	}
	events := make([]Event, 0, len(raw)/addressBytes)
	base, latest, ordered := 0, 0, true
	for at := 0; at < len(raw); at += addressBytes {
		where := func(what string) string {
			return fmt.Sprintf("%s of record %d at offset %d", what, at/addressBytes+1, at)
		}
		x, y, polarity := int(raw[at]), int(raw[at+1]), int(raw[at+2]>>7)
		if y == overflowY && s.Height <= overflowY {
			base += overflowTime
			continue
		}
		if x >= s.Width || y >= s.Height {
			return nil, eventError(path, where("pixel"), fmt.Sprintf("x=%d y=%d", x, y),
				fmt.Sprintf("one of a sensor of %d × %d", s.Width, s.Height), "set width and height to the sensor's, or "+addressRemedy)
		}
		time := base + (int(raw[at+2]&0x7f)<<16 | int(raw[at+3])<<8 | int(raw[at+4]))
		if time < latest-wrapTime {
			return nil, eventError(path, where("time"), fmt.Sprintf("%d µs", time),
				fmt.Sprintf("at least %d µs, as a record before has %d µs", latest-wrapTime, latest), "cut the recording where its clock begins again, or "+addressRemedy)
		}
		ordered = ordered && time >= latest
		latest = max(latest, time)
		events = append(events, Event{Time: float64(time) * microseconds, Unit: s.unit(x, y, polarity), Weight: 1})
	}
	if len(events) == 0 {
		return nil, eventError(path, "the file", "without events", "at least one record that is no overflow (y = 240)", addressRemedy)
	}
	if !ordered {
		sortEvents(events)
	}
	return events, nil
}
