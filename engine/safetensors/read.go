package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"galvani/engine/infile"
)

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string // nil when the file has none
	Tensors  []Tensor          // in the order of their data
	Header   []byte            // as it stands in the file, padding included
	Data     []byte            // all tensors one after the other; theirs are parts of it
}

// Tensor returns the tensor of that name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i := slices.IndexFunc(f.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Open reads the file at path.
//
// Errors: ErrCorrupt, ErrUnsupported, infile.ErrNotRegular, or those of package os.
func Open(path string) (*File, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return Read(f, info.Size(), path)
}

// Decode reads a file that lies in memory; name stands for it in errors.
//
// Errors: ErrCorrupt, ErrUnsupported.
func Decode(b []byte, name string) (*File, error) {
	return Read(bytes.NewReader(b), int64(len(b)), name)
}

// Read reads a file of the given size; name stands for it in errors. It allocates no more than
// a small multiple of the header and, once the header is found right, the size of the data.
//
// Errors: ErrCorrupt, ErrUnsupported, or those of r.
func Read(r io.ReaderAt, size int64, name string) (*File, error) {
	f, err := read(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", name, err)
	}
	return f, nil
}

func read(r io.ReaderAt, size int64) (*File, error) {
	if size < 8 {
		return nil, fmt.Errorf("%w: %d bytes, want at least 8", ErrCorrupt, size)
	}
	prefix, err := readAt(r, 0, 8)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix)
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("byte 0: %w: header length %d, want at most %d (file has %d bytes)", ErrCorrupt, n, min(maxHeader, size-8), size)
	}
	f := &File{}
	if f.Header, err = readAt(r, 8, int64(n)); err != nil {
		return nil, err
	}
	entries, metadata, err := parse(f.Header)
	if err != nil {
		return nil, err
	}
	if err := cover(entries, size-8-int64(n)); err != nil {
		return nil, err
	}
	if f.Data, err = readAt(r, 8+int64(n), size-8-int64(n)); err != nil {
		return nil, err
	}
	f.Metadata = metadata
	f.Tensors = make([]Tensor, len(entries))
	for i, e := range entries {
		f.Tensors[i] = e.Tensor
		f.Tensors[i].Data = f.Data[e.begin:e.end:e.end]
	}
	return f, nil
}

func readAt(r io.ReaderAt, offset, n int64) ([]byte, error) {
	b := make([]byte, n)
	got, err := r.ReadAt(b, offset)
	if got == len(b) {
		return b, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: %w: file ends here, want %d more bytes", offset+int64(got), ErrCorrupt, n-int64(got))
	}
	return nil, fmt.Errorf("byte %d: %w", offset+int64(got), err)
}

// entry is a tensor of the header; its Data is still missing.
type entry struct {
	Tensor
	begin, end int64
}

func parse(header []byte) (entries []entry, metadata map[string]string, err error) {
	s := &scanner{b: header}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, s.fail("header does not start with '{'")
	}
	err = s.object(func(key string) error {
		if key == metadataKey {
			if s.null() { // as some writers say that there is none
				return nil
			}
			metadata = map[string]string{}
			return s.object(func(k string) error {
				v, err := s.str()
				if err != nil {
					return fmt.Errorf("metadata %.80q: %w", k, err)
				}
				metadata[k] = v
				return nil
			})
		}
		e, err := s.entry(key)
		if err != nil {
			return fmt.Errorf("tensor %.80q: %w", key, err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for ; s.i < len(header); s.i++ {
		if header[s.i] != ' ' {
			return nil, nil, s.fail("got %s after the header, want spaces only", show(header[s.i]))
		}
	}
	return entries, metadata, nil
}

func (s *scanner) entry(name string) (e entry, err error) {
	if why := badName(name); why != "" {
		return e, s.fail("name %s", why)
	}
	e.Name, e.begin, e.end = name, -1, -1
	err = s.object(func(field string) error {
		switch field {
		case "dtype":
			d, err := s.str()
			if err != nil {
				return err
			}
			e.DType = DType(d)
			if e.DType.Size() == 0 {
				return fmt.Errorf("header byte %d: %w %.20q, want %s", s.i, ErrUnsupported, d, known)
			}
		case "shape":
			e.Shape = []int{}
			return s.list('[', ']', func() error {
				n, err := s.number()
				e.Shape = append(e.Shape, n)
				return err
			})
		case "data_offsets":
			var at []int64
			err := s.list('[', ']', func() error {
				n, err := s.number()
				at = append(at, int64(n))
				return err
			})
			if err != nil {
				return err
			}
			if len(at) != 2 {
				return s.fail("data_offsets has %d numbers, want 2", len(at))
			}
			e.begin, e.end = at[0], at[1]
		default:
			return s.fail("unknown field %.80q, want dtype, shape or data_offsets", field)
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	switch {
	case e.DType == "":
		return e, s.fail("field dtype is missing")
	case e.Shape == nil:
		return e, s.fail("field shape is missing")
	case e.begin < 0:
		return e, s.fail("field data_offsets is missing")
	}
	n, ok := span(e.DType, e.Shape)
	if !ok {
		return e, s.fail("shape %v of %s does not fit 63 bits", clip(e.Shape), e.DType)
	}
	if e.end < e.begin || e.end-e.begin != n {
		return e, s.fail("data_offsets [%d,%d], want %d bytes for shape %v of %s", e.begin, e.end, n, clip(e.Shape), e.DType)
	}
	return e, nil
}

// clip keeps a long shape out of a one-line message.
func clip(shape []int) []int { return shape[:min(len(shape), 8)] }

// cover sorts the entries by their place and checks that together they take every one of the
// size data bytes exactly once.
func cover(entries []entry, size int64) error {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), strings.Compare(a.Name, b.Name))
	})
	at := int64(0)
	for _, e := range entries {
		switch {
		case e.begin > at:
			return fmt.Errorf("tensor %.80q: %w: begins at data byte %d, want %d (hole)", e.Name, ErrCorrupt, e.begin, at)
		case e.begin < at:
			return fmt.Errorf("tensor %.80q: %w: begins at data byte %d, want %d (overlap)", e.Name, ErrCorrupt, e.begin, at)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("%w: %d data bytes in the file, want %d as the header says", ErrCorrupt, size, at)
	}
	return nil
}
