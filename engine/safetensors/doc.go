// Package safetensors reads and writes safetensors files: a length, a JSON header and the raw
// little-endian numbers of named tensors.
//
// The reader is strict. It takes only what the format allows: one header that starts with
// '{', no key twice, no unknown field, ranges that cover the data once and completely, shapes
// that fit their ranges. Nothing is allocated beyond the size of the file.
//
// Source: https://github.com/huggingface/safetensors, "Format".
//
// It imports leaves alone; every package may import it.
package safetensors
