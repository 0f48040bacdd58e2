package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/safetensors"
)

// mostHeader is how long the header of an array may be.
const mostHeader = 1 << 16

// ErrFormat marks bytes that are no NPZ file, or one of a kind that is not read.
var ErrFormat = errors.New("bad NPZ file")

// Magic is what an NPZ file begins with.
const Magic = "PK\x03\x04"

// mostBytes is the most that Read takes.
const mostBytes = 1 << 30

// Read reads all arrays of an archive in memory, see Select.
//
// Errors: ErrFormat with the name of the array.
func Read(b []byte) ([]safetensors.Tensor, error) {
	list, err := Select(bytes.NewReader(b), int64(len(b)), mostBytes, func(string) bool { return true })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	return list, nil
}

// Select reads the arrays of an archive for which wanted holds, in the order of the archive, compressed or
// not. The elements are turned to little-endian and row-major order. An archive may claim to hold far more
// than it does: it takes no more memory than the bytes that are really there, and most bounds what they may be in all.
//
// Errors: safetensors.ErrCorrupt, also for an array that is there twice or beyond most;
// safetensors.ErrUnsupported for elements that are no real numbers, such as Python objects; or those of r.
func Select(r io.ReaderAt, size int64, most int64, wanted func(name string) bool) ([]safetensors.Tensor, error) {
	archive, err := zip.NewReader(r, size)
	if errors.Is(err, zip.ErrFormat) {
		return nil, fmt.Errorf("npz: no zip archive, as numpy.savez writes: %w", safetensors.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("npz: %w: %w", err, safetensors.ErrCorrupt)
	}
	var list []safetensors.Tensor
	for _, f := range archive.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok || !wanted(name) {
			continue
		}
		if slices.ContainsFunc(list, func(t safetensors.Tensor) bool { return t.Name == name }) {
			return nil, fmt.Errorf("npz: array %.60q is there twice: %w", name, safetensors.ErrCorrupt)
		}
		t, err := member(f, size, most)
		if err != nil {
			return nil, fmt.Errorf("npz: array %.60q: %w", name, err)
		}
		t.Name = name
		list = append(list, t)
		most -= int64(len(t.Data))
	}
	return list, nil
}

// packed is how many times smaller than itself an array is taken to be in an archive, at most, when memory for it is made at
// once; what is packed closer grows as it is read.
const packed = 4

// member reads one file of an archive of so many bytes.
func member(f *zip.File, size, most int64) (t safetensors.Tensor, err error) {
	r, err := f.Open()
	if err != nil {
		return t, fmt.Errorf("%w: %w", err, safetensors.ErrCorrupt)
	}
	defer r.Close()
	h, err := readHeader(r)
	if err != nil {
		return t, err
	}
	if h.bytes > most {
		return t, fmt.Errorf("%d bytes of %v, and memory for %d is left: %w", h.bytes, h.shape, most, safetensors.ErrCorrupt)
	}
	var b bytes.Buffer
	if there := min(int64(f.CompressedSize64), size); there >= 0 && h.bytes <= packed*there {
		b.Grow(int(h.bytes) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(r, h.bytes+1)) // one more tells a file that goes on
	if err != nil {
		return t, fmt.Errorf("after %d bytes: %w: %w", n, err, safetensors.ErrCorrupt)
	}
	if n != h.bytes {
		return t, fmt.Errorf("%d bytes or more, want %d for %v of %s: %w", n, h.bytes, h.shape, h.dtype, safetensors.ErrCorrupt)
	}
	return safetensors.Tensor{DType: h.dtype, Shape: h.shape, Data: h.arrange(b.Bytes())}, nil
}

// arrayHeader is what stands before the elements of an array.
type arrayHeader struct {
	dtype   safetensors.DType
	big     bool // big-endian
	fortran bool // the first index runs fastest
	shape   []int
	bytes   int64
}

// readHeader reads the header of versions 1 to 3.
func readHeader(r io.Reader) (h arrayHeader, err error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:6]) != "\x93NUMPY" {
		return h, fmt.Errorf("begins with %q, want \\x93NUMPY: %w", head, safetensors.ErrCorrupt)
	}
	length := make([]byte, 2)
	if head[6] > 1 {
		length = make([]byte, 4)
	}
	if head[6] < 1 || head[6] > 3 {
		return h, fmt.Errorf("version %d of the format, want 1 to 3: %w", head[6], safetensors.ErrUnsupported)
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return h, fmt.Errorf("cut in its header: %w", safetensors.ErrCorrupt)
	}
	n := uint32(binary.LittleEndian.Uint16(length))
	if len(length) == 4 {
		n = binary.LittleEndian.Uint32(length)
	}
	if n > mostHeader {
		return h, fmt.Errorf("header of %d bytes, want at most %d: %w", n, mostHeader, safetensors.ErrCorrupt)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, fmt.Errorf("cut in its header: %w", safetensors.ErrCorrupt)
	}
	return parseHeader(strings.TrimSpace(string(text)))
}

// The keys of a header stand in alphabetical order, as NumPy writes them.
var (
	headerForm = regexp.MustCompile(`^\{ *'descr' *: *(.+?) *, *'fortran_order' *: *(True|False) *, *'shape' *: *\(([0-9, ]*)\) *,? *\}$`)
	plainDescr = regexp.MustCompile(`^'([<>|=])([a-zA-Z])([0-9]+)'$`)
)

// parseHeader reads the dictionary of a header.
func parseHeader(text string) (h arrayHeader, err error) {
	m := headerForm.FindStringSubmatch(text)
	if m == nil {
		return h, fmt.Errorf("header %.100q is no dictionary of descr, fortran_order and shape: %w", text, safetensors.ErrCorrupt)
	}
	d := plainDescr.FindStringSubmatch(m[1])
	if m[1] == "'|O'" {
		return h, fmt.Errorf("it holds Python objects; save it with a type of numbers, and sequences of different lengths as one array beside an array of their lengths: %w", safetensors.ErrUnsupported)
	}
	for dtype, descr := range descriptions {
		if d != nil && descr[1:] == d[2]+d[3] {
			h.dtype, h.big = dtype, d[1] == ">"
		}
	}
	if h.dtype == "" {
		return h, fmt.Errorf("its elements are %.60s, want real numbers: %w", m[1], safetensors.ErrUnsupported)
	}
	h.fortran = m[2] == "True"
	h.shape, h.bytes = []int{}, int64(h.dtype.Size())
	for _, part := range strings.Split(m[3], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.ParseInt(part, 10, 62)
		hi, lo := bits.Mul64(uint64(h.bytes), uint64(n))
		if err != nil || hi != 0 || lo > 1<<62 {
			return h, fmt.Errorf("shape (%.60s) is too large: %w", m[3], safetensors.ErrCorrupt)
		}
		h.shape, h.bytes = append(h.shape, int(n)), int64(lo)
	}
	return h, nil
}

// arrange returns elements little-endian and row-major.
func (h arrayHeader) arrange(b []byte) []byte {
	size := h.dtype.Size()
	if h.big && size > 1 {
		for at := 0; at < len(b); at += size {
			slices.Reverse(b[at : at+size])
		}
	}
	if !h.fortran || len(h.shape) < 2 || len(b) == 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	stride := make([]int, len(h.shape)) // in the file
	step := 1
	for k, n := range h.shape {
		stride[k] = step
		step *= n
	}
	index := make([]int, len(h.shape))
	for at := 0; len(out) < len(b); {
		out = append(out, b[at*size:(at+1)*size]...)
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			if at += stride[k]; index[k] < h.shape[k] {
				break
			}
			at -= stride[k] * h.shape[k]
			index[k] = 0
		}
	}
	return out
}
