package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"galvani/engine/safetensors"
)

// ErrFormat marks bytes that are no NPZ file, or one of a kind that is not read.
var ErrFormat = errors.New("bad NPZ file")

// Magic is what an NPZ file begins with.
const Magic = "PK\x03\x04"

// headerPattern takes the three keys of a header, which NumPy writes in this order.
var headerPattern = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}`)

// Read returns the arrays of an archive in their order, as np.savez and np.savez_compressed write them:
// little-endian numbers, the last index the fastest.
//
// Errors: ErrFormat with the name of the array.
func Read(b []byte) ([]safetensors.Tensor, error) {
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	var all []safetensors.Tensor
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		t, err := readArray(f)
		if err != nil {
			return nil, fmt.Errorf("array %q: %w: %w", name, err, ErrFormat)
		}
		t.Name = name
		all = append(all, t)
	}
	return all, nil
}

// mostBytes is the most that an array takes.
const mostBytes = 1 << 30

// readArray reads one file of an archive, no more of it than its header says.
func readArray(f *zip.File) (t safetensors.Tensor, err error) {
	r, err := f.Open()
	if err != nil {
		return t, err
	}
	defer r.Close()
	var begin [12]byte
	if _, err := io.ReadFull(r, begin[:10]); err != nil || string(begin[:6]) != "\x93NUMPY" {
		return t, errors.New("is no array of NumPy")
	}
	n := int(binary.LittleEndian.Uint16(begin[8:]))
	if begin[6] > 1 {
		if _, err := io.ReadFull(r, begin[10:]); err != nil {
			return t, errors.New("ends in its header")
		}
		if long := binary.LittleEndian.Uint32(begin[8:]); long > 1<<16 {
			return t, fmt.Errorf("has a header of %d bytes", long)
		} else {
			n = int(long)
		}
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return t, errors.New("ends in its header")
	}
	size, err := parseHeader(string(header), &t)
	if err != nil {
		return t, err
	}
	if t.Data, err = io.ReadAll(io.LimitReader(r, size+1)); err != nil {
		return t, err
	}
	if int64(len(t.Data)) != size {
		return t, fmt.Errorf("has %d bytes or more for shape %v of %s, want %d", len(t.Data), t.Shape, t.DType, size)
	}
	return t, nil
}

// parseHeader fills in type and shape, and returns how many bytes they take.
func parseHeader(header string, t *safetensors.Tensor) (int64, error) {
	m := headerPattern.FindStringSubmatch(header)
	if m == nil {
		return 0, errors.New("has a header that is not understood")
	}
	for dtype, description := range descriptions {
		if description == m[1] {
			t.DType = dtype
		}
	}
	if t.DType == "" {
		return 0, fmt.Errorf("has elements of type %q, want little-endian numbers", m[1])
	}
	size := int64(t.DType.Size())
	for part := range strings.SplitSeq(m[3], ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		d, err := strconv.Atoi(part)
		if err != nil || d > math.MaxInt32 || d > 0 && size > mostBytes/int64(d) {
			return 0, fmt.Errorf("of shape (%s) is too large", m[3])
		}
		t.Shape, size = append(t.Shape, d), size*int64(d)
	}
	if m[2] == "True" && len(t.Shape) > 1 {
		return 0, errors.New("is in Fortran order; save it with np.ascontiguousarray")
	}
	return size, nil
}
