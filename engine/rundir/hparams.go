package rundir

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the messages of TensorBoard's HPARAMS tab.
//
// Source: tensorboard/plugins/hparams/plugin_data.proto and api.proto, google/protobuf/struct.proto.
const (
	valueMetadata  protowire.Number = 9
	metaPlugin     protowire.Number = 1
	pluginName     protowire.Number = 1
	pluginContent  protowire.Number = 2
	hpExperiment   protowire.Number = 2
	hpStart        protowire.Number = 3
	experimentKeys protowire.Number = 4
	experimentTags protowire.Number = 5
	keyName        protowire.Number = 1
	keyType        protowire.Number = 4
	metricName     protowire.Number = 1
	metricTag      protowire.Number = 2
	startValues    protowire.Number = 1
	startTime      protowire.Number = 5
	entryKey       protowire.Number = 1
	entryValue     protowire.Number = 2
	valueNumber    protowire.Number = 2
	valueString    protowire.Number = 3
	valueBool      protowire.Number = 4

	typeString, typeBool, typeNumber = 1, 2, 3
)

// SetHyperparameters makes TensorBoard list the settings of the run beside the metrics of the given
// names. Values are bool, string, integers or floats; others are written as text. It is called
// before the first Append.
func (r *Run) SetHyperparameters(settings map[string]any, metrics ...string) {
	r.settings, r.judged = settings, metrics
}

// hyperparameters returns the two events that tell TensorBoard of the settings: what there is, and what
// this run has.
func (r *Run) hyperparameters(now time.Time) []byte {
	if len(r.settings) == 0 {
		return nil
	}
	var experiment, start []byte
	for _, name := range slices.Sorted(maps.Keys(r.settings)) {
		kind, value := hyperparameter(r.settings[name])
		key := appendString(nil, keyName, name)
		key = protowire.AppendTag(key, keyType, protowire.VarintType)
		key = protowire.AppendVarint(key, kind)
		experiment = appendMessage(experiment, experimentKeys, key)
		start = appendMessage(start, startValues, appendMessage(appendString(nil, entryKey, name), entryValue, value))
	}
	for _, name := range r.judged {
		experiment = appendMessage(experiment, experimentTags, appendMessage(nil, metricName, appendString(nil, metricTag, tag(name))))
	}
	start = appendDouble(start, startTime, float64(now.UnixMicro())/1e6)
	return append(frame(pluginEvent(now, "_hparams_/experiment", appendMessage(nil, hpExperiment, experiment))),
		frame(pluginEvent(now, "_hparams_/session_start_info", appendMessage(nil, hpStart, start)))...)
}

// pluginEvent is an event without a number, for the plugin of the HPARAMS tab.
func pluginEvent(now time.Time, tag string, content []byte) []byte {
	plugin := appendMessage(appendString(nil, pluginName, "hparams"), pluginContent, content)
	value := appendMessage(appendString(nil, valueTag, tag), valueMetadata, appendMessage(nil, metaPlugin, plugin))
	return appendMessage(wallTime(now), eventSummary, appendMessage(nil, summaryValue, value))
}

// hyperparameter returns the kind of a setting and its value as a message.
func hyperparameter(v any) (kind uint64, value []byte) {
	number := func(x float64) (uint64, []byte) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return typeString, appendString(nil, valueString, fmt.Sprint(x))
		}
		return typeNumber, appendDouble(nil, valueNumber, x)
	}
	switch v := v.(type) {
	case bool:
		b := protowire.AppendTag(nil, valueBool, protowire.VarintType)
		return typeBool, protowire.AppendVarint(b, protowire.EncodeBool(v))
	case float64:
		return number(v)
	case float32:
		return number(float64(v))
	case int:
		return number(float64(v))
	case int64:
		return number(float64(v))
	case uint64:
		return number(float64(v))
	}
	return typeString, appendString(nil, valueString, fmt.Sprint(v))
}

func appendString(b []byte, n protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
}

func appendMessage(b []byte, n protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), m)
}

func appendDouble(b []byte, n protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), math.Float64bits(x))
}
