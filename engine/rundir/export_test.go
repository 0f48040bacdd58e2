package rundir

import "galvani/engine/safetensors"

// Seal puts the right header hash into metadata.
func Seal(metadata map[string]string, tensors []safetensors.Tensor) {
	metadata[keyHeaderHash] = blank
	header, err := safetensors.Header(tensors, metadata)
	if err != nil {
		panic(err)
	}
	metadata[keyHeaderHash] = hash(header)
}

// MaskedCRC is the checksum of event files.
func MaskedCRC(b []byte) uint32 { return maskedCRC(b) }
