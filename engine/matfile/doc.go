// Package matfile writes tensors as MATLAB's file format of level 5 (save -v6), which MATLAB, GNU Octave and
// scipy.io.loadmat read.
//
// It imports galvani/engine/safetensors; it may be imported by cmd/galvani.
package matfile
