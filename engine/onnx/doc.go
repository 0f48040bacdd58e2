// Package onnx writes recurrent networks and layers without a state as files of ONNX, which onnxruntime and others run.
//
// It imports galvani/engine/safetensors and the wire format of protocol buffers; it may be imported by cmd/galvani.
package onnx
