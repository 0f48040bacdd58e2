package rundir_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"galvani/engine/rundir"
)

// record splits the next TFRecord off, by the description in TensorFlow's record_writer.h.
func record(b []byte) (event, rest []byte, err error) {
	if len(b) < 16 {
		return nil, nil, fmt.Errorf("%d bytes left, want at least 16", len(b))
	}
	sum := func(part []byte) uint32 {
		c := crc32.Checksum(part, crc32.MakeTable(0x82f63b78))
		return (c<<17 | c>>15) + 0xa282ead8
	}
	n := binary.LittleEndian.Uint64(b)
	if got := binary.LittleEndian.Uint32(b[8:]); got != sum(b[:8]) {
		return nil, nil, fmt.Errorf("length checksum %x, want %x", got, sum(b[:8]))
	}
	event, rest = b[12:12+n], b[12+n:]
	if got := binary.LittleEndian.Uint32(rest); got != sum(event) {
		return nil, nil, fmt.Errorf("event checksum %x, want %x", got, sum(event))
	}
	return event, rest[4:], nil
}

// fields decodes a protocol buffer message by hand: numbers and bytes by field.
func fields(b []byte) (values map[int][]any, err error) {
	values = map[int][]any{}
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, fmt.Errorf("bad key")
		}
		b = b[n:]
		var v any
		switch key & 7 {
		case 0:
			u, n := binary.Uvarint(b)
			v, b = u, b[n:]
		case 1:
			v, b = math.Float64frombits(binary.LittleEndian.Uint64(b)), b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			v, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			v, b = math.Float32frombits(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			return nil, fmt.Errorf("wire type %d", key&7)
		}
		values[int(key>>3)] = append(values[int(key>>3)], v)
	}
	return values, nil
}

// eventsIn returns the fields of the events of a file.
func eventsIn(t *testing.T, path string) (all []map[int][]any) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	for len(b) > 0 {
		var event []byte
		event, b, err = record(b)
		must(t, err)
		f, err := fields(event)
		must(t, err)
		all = append(all, f)
	}
	return all
}

// describe returns the events of a file, one line each.
func describe(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	for _, f := range eventsIn(t, path) {
		fmt.Fprintf(&out, "%.1f", f[1][0])
		if f[2] != nil {
			fmt.Fprintf(&out, " step %d", f[2][0])
		}
		if f[3] != nil {
			fmt.Fprintf(&out, " %s", f[3][0])
		}
		if f[5] != nil {
			summary, err := fields(f[5][0].([]byte))
			must(t, err)
			for _, value := range summary[1] {
				v, err := fields(value.([]byte))
				must(t, err)
				if v[2] == nil {
					fmt.Fprintf(&out, " %s", v[1][0])
					continue
				}
				fmt.Fprintf(&out, " %s=%v", v[1][0], v[2][0])
			}
		}
		if f[7] != nil {
			log, err := fields(f[7][0].([]byte))
			must(t, err)
			fmt.Fprintf(&out, " session %d", log[1][0])
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func TestEvents(t *testing.T) {
	r := create(t)
	must(t, r.Append(day, 0, map[string]float64{"loss": 0.5, "test_loss": 1, "validation_step_accuracy": 2, "lr": 0.125, "epoch": 1, "own/name": 3}))
	must(t, r.Append(day.Add(1500*time.Millisecond), 300, map[string]float64{"loss": math.Inf(1)}))
	must(t, r.Close())
	again, err := rundir.Open(r.Dir())
	must(t, err)
	must(t, again.Truncate(200))
	must(t, again.Append(day, 201, map[string]float64{"loss": 0.125}))
	must(t, again.Close())

	paths, err := filepath.Glob(filepath.Join(r.Dir(), "events.out.tfevents.*"))
	must(t, err)
	unix := day.Unix()
	want := map[string]string{
		fmt.Sprintf("events.out.tfevents.%d.galvani", unix): fmt.Sprintf(
			"%[1]d.0 brain.Event:2\n%[1]d.0 step 0 progress/epoch=1 loss/update=0.5 optimizer/lr=0.125 own/name=3 loss/test=1 step_accuracy/validation=2\n%[2]d.5 step 300 loss/update=+Inf\n", unix, unix+1),
		fmt.Sprintf("events.out.tfevents.%d.galvani.2", unix): fmt.Sprintf(
			"%[1]d.0 brain.Event:2\n%[1]d.0 step 201 session 1\n%[1]d.0 step 201 loss/update=0.125\n", unix),
	}
	if len(paths) != len(want) {
		t.Errorf("files %v, want %d", paths, len(want))
	}
	for _, p := range paths {
		if got := describe(t, p); got != want[filepath.Base(p)] {
			t.Errorf("%s:\n%swant\n%s", filepath.Base(p), got, want[filepath.Base(p)])
		}
	}
}

// TestChecksum holds the checksum against the example of RFC 3720, B.4: 32 bytes of zeros.
func TestChecksum(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := rundir.MaskedCRC(make([]byte, 32)), (crc>>15|crc<<17)+0xa282ead8; got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

// TestHyperparameters holds that the settings of a run and the metrics it is judged by are in every
// event file, where the plugin of TensorBoard looks for them.
func TestHyperparameters(t *testing.T) {
	r := create(t)
	r.SetHyperparameters(map[string]any{"lr": 0.5, "model": "rnn", "dale": true, "hidden": 7}, "test_loss")
	must(t, r.Append(day, 1, map[string]float64{"loss": 1}))
	must(t, r.Close())
	paths, err := filepath.Glob(filepath.Join(r.Dir(), "events.out.tfevents.*"))
	must(t, err)
	contents := map[string][]byte{}
	for _, f := range eventsIn(t, paths[0]) {
		if f[5] == nil {
			continue
		}
		v := f
		for _, n := range []int{5, 1} { // event, summary
			v, err = fields(v[n][0].([]byte))
			must(t, err)
		}
		if v[9] == nil {
			continue
		}
		tag := string(v[1][0].([]byte))
		for _, n := range []int{9, 1} { // metadata, plugin
			v, err = fields(v[n][0].([]byte))
			must(t, err)
		}
		if string(v[1][0].([]byte)) != "hparams" {
			t.Errorf("plugin is %s", v[1][0])
		}
		contents[tag] = v[2][0].([]byte)
	}
	experiment, err := fields(contents["_hparams_/experiment"])
	must(t, err)
	experiment, err = fields(experiment[2][0].([]byte))
	must(t, err)
	if len(experiment[4]) != 4 || len(experiment[5]) != 1 || !strings.Contains(string(experiment[5][0].([]byte)), "loss/test") {
		t.Errorf("experiment has %d settings and metrics %q", len(experiment[4]), experiment[5])
	}
	start, err := fields(contents["_hparams_/session_start_info"])
	must(t, err)
	start, err = fields(start[3][0].([]byte))
	must(t, err)
	got := map[string]any{}
	for _, e := range start[1] {
		entry, err := fields(e.([]byte))
		must(t, err)
		value, err := fields(entry[2][0].([]byte))
		must(t, err)
		for _, v := range value {
			got[string(entry[1][0].([]byte))] = v[0]
		}
	}
	want := map[string]any{"lr": 0.5, "model": []byte("rnn"), "dale": uint64(1), "hidden": 7.0}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings are %v, want %v", got, want)
	}
}
