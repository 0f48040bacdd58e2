// Package onnx writes recurrent networks as files of ONNX, which onnxruntime and others run.
//
// It imports galvani/engine/safetensors and the wire format of protocol buffers; it may be imported by cmd/galvani.
package onnx
