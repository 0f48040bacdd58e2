package safetensors

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // bytes; the limit of the format
	maxName     = 1024        // bytes; longer names are a sign of damage
	alignment   = 8           // of the first data byte, by spaces after the header
)

// Write writes tensors and metadata as one file. Equal arguments give equal bytes, whatever the
// order of the tensors: they are laid out by falling element size, then by name, so that
// each is aligned to its elements.
//
// Errors: ErrInvalid for a bad name, type or shape; otherwise what w returns.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	header, err := Header(tensors, metadata)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if _, err := b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))); err != nil {
		return fmt.Errorf("safetensors: write length: %w", err)
	}
	if _, err := b.Write(header); err != nil {
		return fmt.Errorf("safetensors: write header: %w", err)
	}
	for _, t := range Layout(tensors) {
		if _, err := b.Write(t.Data); err != nil {
			return fmt.Errorf("safetensors: write tensor %q: %w", t.Name, err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("safetensors: write: %w", err)
	}
	return nil
}

// Layout returns the tensors in the order in which Write lays them out.
func Layout(tensors []Tensor) []Tensor {
	s := slices.Clone(tensors)
	slices.SortStableFunc(s, func(a, b Tensor) int {
		if d := b.DType.Size() - a.DType.Size(); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return s
}

// Header returns the header that Write puts between the length and the data, padding included.
//
// Errors: ErrInvalid for a bad name, type or shape.
func Header(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		quote(&b, metadataKey)
		b.WriteString(":{")
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(k) || !utf8.ValidString(metadata[k]) {
				return nil, fmt.Errorf("safetensors: metadata %q: %w: not UTF-8", k, ErrInvalid)
			}
			comma(&b, i)
			quote(&b, k)
			b.WriteByte(':')
			quote(&b, metadata[k])
		}
		b.WriteByte('}')
	}
	offset, last := int64(0), ""
	seen := make(map[string]bool, len(tensors))
	for i, t := range Layout(tensors) {
		if err := check(t); err != nil {
			return nil, err
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("safetensors: tensor %q: %w: name used twice", t.Name, ErrInvalid)
		}
		seen[t.Name] = true
		if i > 0 || len(metadata) > 0 {
			b.WriteByte(',')
		}
		quote(&b, t.Name)
		fmt.Fprintf(&b, `:{"dtype":"%s","shape":[`, t.DType)
		for j, s := range t.Shape {
			comma(&b, j)
			fmt.Fprint(&b, s)
		}
		end := offset + int64(len(t.Data))
		fmt.Fprintf(&b, `],"data_offsets":[%d,%d]}`, offset, end)
		offset, last = end, t.Name
	}
	b.WriteByte('}')
	for b.Len()%alignment != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("safetensors: tensor %q: %w: header of %d bytes, want at most %d", last, ErrInvalid, b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}

func check(t Tensor) error {
	if why := badName(t.Name); why != "" {
		return fmt.Errorf("safetensors: tensor %q: %w: name %s", t.Name, ErrInvalid, why)
	}
	if t.DType.Size() == 0 {
		return fmt.Errorf("safetensors: tensor %q: %w: type %q, want %s", t.Name, ErrInvalid, t.DType, known)
	}
	if n, ok := span(t.DType, t.Shape); !ok || n != int64(len(t.Data)) {
		return fmt.Errorf("safetensors: tensor %q: %w: shape %v of %s does not match %d bytes of data", t.Name, ErrInvalid, t.Shape, t.DType, len(t.Data))
	}
	return nil
}

// badName says what is wrong with the name of a tensor, "" if nothing.
func badName(s string) string {
	switch {
	case s == "":
		return "is empty"
	case s == metadataKey:
		return "is reserved"
	case len(s) > maxName:
		return fmt.Sprintf("has %d bytes, want at most %d", len(s), maxName)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "holds a control character"
	}
	return ""
}

func comma(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// quote appends s, which is valid UTF-8, as a JSON string.
func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // encoding a string into a buffer has no error to return
	b.Truncate(b.Len() - 1) // the line end that Encode adds
}
