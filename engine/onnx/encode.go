package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Versions of the format and of the operators that files ask for.
const (
	irVersion = 8
	opset     = 14
)

// Types of elements and of attributes, as onnx.proto numbers them.
const (
	typeFloat = 1
	typeInt64 = 7

	attributeInt     = 2
	attributeStrings = 8
)

// message is a message of a protocol buffer.
type message []byte

func (m *message) varint(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) text(field protowire.Number, s ...string) {
	for _, s := range s {
		m.bytes(field, []byte(s))
	}
}

// graph is a GraphProto in the making.
type graph struct{ nodes, tensors, inputs, outputs []message }

// node adds an operation.
func (g *graph) node(op string, inputs, outputs []string, attributes ...message) {
	var m message
	m.text(1, inputs...)
	m.text(2, outputs...)
	m.text(3, outputs[0]+" by "+op)
	m.text(4, op)
	for _, a := range attributes {
		m.bytes(5, a)
	}
	g.nodes = append(g.nodes, m)
}

// integer and words are attributes.
func integer(name string, v int64) (m message) {
	m.text(1, name)
	m.varint(3, v)
	m.varint(20, attributeInt)
	return m
}

func words(name string, list ...string) (m message) {
	m.text(1, name)
	m.text(9, list...)
	m.varint(20, attributeStrings)
	return m
}

// floats and integers add arrays that are part of the file.
func (g *graph) floats(name string, shape []int, values []float32) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.tensor(name, typeFloat, shape, raw)
}

func (g *graph) integers(name string, shape []int, values ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return g.tensor(name, typeInt64, shape, raw)
}

func (g *graph) tensor(name string, kind int64, shape []int, raw []byte) string {
	var m message
	for _, d := range shape {
		m.varint(1, int64(d))
	}
	m.varint(2, kind)
	m.text(8, name)
	m.bytes(9, raw)
	g.tensors = append(g.tensors, m)
	return name
}

// value describes an input or output of float32: sizes above 0, or names of those that vary.
func value(name string, shape ...any) (m message) {
	var dims, tensor, kind message
	for _, d := range shape {
		var dim message
		switch d := d.(type) {
		case int:
			dim.varint(1, int64(d))
		case string:
			dim.text(2, d)
		}
		dims.bytes(1, dim)
	}
	tensor.varint(1, typeFloat)
	tensor.bytes(2, dims)
	kind.bytes(1, tensor)
	m.text(1, name)
	m.bytes(2, kind)
	return m
}

// model returns the whole file. About are notes by name, in the order of names.
func (g *graph) model(name, version string, names []string, about map[string]string) []byte {
	var whole, body, operators message
	for _, part := range []struct {
		field protowire.Number
		list  []message
	}{{1, g.nodes}, {5, g.tensors}, {11, g.inputs}, {12, g.outputs}} {
		for _, m := range part.list {
			body.bytes(part.field, m)
		}
		if part.field == 1 {
			body.text(2, name)
		}
	}
	whole.varint(1, irVersion)
	whole.text(2, "galvani")
	whole.text(3, version)
	whole.bytes(7, body)
	operators.text(1, "")
	operators.varint(2, opset)
	whole.bytes(8, operators)
	for _, key := range names {
		var entry message
		entry.text(1, key)
		entry.text(2, about[key])
		whole.bytes(14, entry)
	}
	return whole
}
