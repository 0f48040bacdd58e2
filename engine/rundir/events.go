package rundir

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of TensorBoard's messages.
//
// Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
const (
	eventWallTime   protowire.Number = 1
	eventStep       protowire.Number = 2
	eventVersion    protowire.Number = 3
	eventSummary    protowire.Number = 5
	eventSessionLog protowire.Number = 7
	sessionStatus   protowire.Number = 1
	summaryValue    protowire.Number = 1
	valueTag        protowire.Number = 1
	valueSimple     protowire.Number = 2

	sessionStart = 1 // makes TensorBoard forget what it has from this step on
)

// events is an open TensorBoard event file.
type events struct {
	name string
	file File
}

// appendEvents adds one event with all values.
func (r *Run) appendEvents(now time.Time, step int64, values map[string]float64) error {
	if r.events == nil {
		if err := r.openEvents(now); err != nil {
			return err
		}
	}
	if _, err := r.events.file.Write(frame(scalarEvent(now, step, values))); err != nil {
		r.events.file.Close() // readers stop at half a record; the next Append starts a new file
		name := r.path(r.events.name)
		r.events = nil
		return ioErr("write", name, err)
	}
	return nil
}

// openEvents starts a new file. Readers take the files of a directory in the order of their
// names, so a resumed run goes on in a file of its own.
func (r *Run) openEvents(now time.Time) error {
	names, err := r.fs.List(r.dir)
	if err != nil {
		return ioErr("list", r.dir, err)
	}
	base := fmt.Sprintf("events.out.tfevents.%010d.galvani", now.Unix())
	name := base
	for n := 2; slices.Contains(names, name); n++ {
		name = fmt.Sprintf("%s.%d", base, n)
	}
	f, err := r.fs.Create(r.path(name))
	if err != nil {
		return ioErr("create", r.path(name), err)
	}
	start := append(frame(versionEvent(now)), r.hyperparameters(now)...)
	if r.restart > 0 {
		start = append(start, frame(restartEvent(now, r.restart))...)
	}
	if _, err := f.Write(start); err != nil {
		f.Close()
		return ioErr("write", r.path(name), err)
	}
	r.events = &events{name, f}
	return ioErr("sync", r.dir, r.fs.SyncDir(r.dir))
}

// versionEvent is the first event of every file.
func versionEvent(now time.Time) []byte {
	b := wallTime(now)
	b = protowire.AppendTag(b, eventVersion, protowire.BytesType)
	return protowire.AppendString(b, "brain.Event:2")
}

// restartEvent says that the run goes on at step from an earlier checkpoint.
func restartEvent(now time.Time, step int64) []byte {
	s := protowire.AppendTag(nil, sessionStatus, protowire.VarintType)
	s = protowire.AppendVarint(s, sessionStart)
	b := appendStep(wallTime(now), step)
	b = protowire.AppendTag(b, eventSessionLog, protowire.BytesType)
	return protowire.AppendBytes(b, s)
}

func scalarEvent(now time.Time, step int64, values map[string]float64) []byte {
	var summary []byte
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := appendString(nil, valueTag, tag(name))
		v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
		v = protowire.AppendFixed32(v, math.Float32bits(float32(values[name])))
		summary = appendMessage(summary, summaryValue, v)
	}
	return appendMessage(appendStep(wallTime(now), step), eventSummary, summary)
}

// parts are those of the data that a metric may be of.
var parts = []string{"train", "validation", "test"}

// tag returns the name that TensorBoard shows a metric under. What stands before the slash is the
// group: of metrics their kind, with the part of the data behind it, so that the curves of one kind
// lie side by side.
//
//	loss, test_loss      loss/update, loss/test
//	lr, grad_norm        optimizer/lr, optimizer/grad_norm
func tag(name string) string {
	for _, part := range parts {
		if kind, ok := strings.CutPrefix(name, part+"_"); ok {
			return kind + "/" + part
		}
	}
	switch {
	case strings.Contains(name, "/"):
		return name
	case name == "lr" || name == "grad_norm":
		return "optimizer/" + name
	case name == "epoch" || strings.HasSuffix(name, "_per_second"):
		return "progress/" + name
	}
	return name + "/update"
}

func wallTime(now time.Time) []byte {
	b := protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(float64(now.UnixMicro())/1e6))
}

func appendStep(b []byte, step int64) []byte {
	b = protowire.AppendTag(b, eventStep, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(step))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame wraps an event as a TFRecord: length, its checksum, event, its checksum.
//
// Source: tensorflow/core/lib/io/record_writer.h.
func frame(event []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b))
	b = append(b, event...)
	return binary.LittleEndian.AppendUint32(b, maskedCRC(event))
}

// maskedCRC is CRC-32C, rotated and shifted so that checksums of checksums stay useful.
//
// Source: tensorflow/core/lib/hash/crc32c.h.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
