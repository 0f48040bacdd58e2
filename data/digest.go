package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
)

// digestible is samples that come from files.
type digestible interface {
	// digest writes to h what tells these samples from others.
	digest(h hash.Hash) error
}

// Digest returns a hash of the samples that come from files, by which a change of the files is
// noticed; empty for a task that generates its samples. Of recordings it takes names, classes and
// sizes, and the content of the first 16 MiB.
//
// Errors: those of the files.
func (t *Task) Digest() (string, error) {
	if len(t.files) == 0 {
		return "", nil
	}
	h := sha256.New()
	for _, s := range t.files {
		if err := s.digest(h); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (s *images) digest(h hash.Hash) error {
	fmt.Fprintf(h, "%d images, %d bytes\n", len(s.labels), len(s.pixels))
	h.Write(s.labels)
	h.Write(s.pixels)
	return nil
}

func (s *recordings) digest(h hash.Hash) error {
	left := int64(inspectBytes)
	for _, f := range s.files {
		fmt.Fprintf(h, "%s, class %d, %d bytes\n", filepath.Base(f.path), f.class, f.bytes)
		if left -= f.bytes; left < 0 {
			continue
		}
		content, err := os.ReadFile(f.path)
		if err != nil {
			return systemError(err)
		}
		h.Write(content)
	}
	return nil
}
