package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// The MNIST files, format IDX: two zero bytes, the type 0x08 of unsigned bytes, the number of
// dimensions, one big-endian uint32 per dimension, then the bytes, row-major.
//
// Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits.
const (
	idxImages  = 0x00000803
	idxLabels  = 0x00000801
	digitSide  = 28
	digitBytes = digitSide * digitSide
	// idxLabelHead is the length of the header of labels; label i is at byte idxLabelHead+i.
	idxLabelHead = 8
	// mostDigits bounds what a header can make the reader allocate. The largest collection in
	// this format, EMNIST, has 697932 training images.
	mostDigits = 1 << 20
)

// readIDX reads a whole IDX file, gzip or plain, of the given magic number, and returns the
// number of records and their bytes.
//
// Errors: ErrCorrupt, ErrMissing, or what the file system says.
func readIDX(path string, magic uint32) (int, []byte, error) {
	f, err := openFile(path)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	return decodeIDX(f, path, magic)
}

// decodeIDX reads an IDX stream, gzip or plain; the first two bytes tell.
func decodeIDX(from io.Reader, path string, magic uint32) (int, []byte, error) {
	r := bufio.NewReaderSize(from, 1<<16)
	if head, _ := r.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return parseIDX(r, path, magic)
	}
	z, err := newGunzip(r)
	if err != nil {
		return 0, nil, idxError(path, "gzip header", err.Error(), "a gzip stream", err)
	}
	return parseIDX(z, path, magic)
}

// parseIDX reads a plain IDX stream to its end. The memory it takes is bounded by what the stream
// really holds, not by what its header says.
func parseIDX(r io.Reader, path string, magic uint32) (int, []byte, error) {
	head := make([]byte, idxLabelHead)
	if magic == idxImages {
		head = make([]byte, 16)
	}
	if n, err := io.ReadFull(r, head); err != nil {
		return 0, nil, idxError(path, "header", strconv.Itoa(n)+" bytes long", strconv.Itoa(len(head))+" bytes", err)
	}
	if m := binary.BigEndian.Uint32(head); m != magic {
		return 0, nil, idxError(path, "magic at offset 0", describeMagic(m), describeMagic(magic), nil)
	}
	n := binary.BigEndian.Uint32(head[4:])
	if n == 0 || n > mostDigits {
		return 0, nil, idxError(path, "record count at offset 4", strconv.FormatUint(uint64(n), 10), "1 to "+strconv.Itoa(mostDigits), nil)
	}
	size := 1
	if magic == idxImages {
		size = digitBytes
		for k, field := range []string{"rows at offset 8", "columns at offset 12"} {
			if side := binary.BigEndian.Uint32(head[8+4*k:]); side != digitSide {
				return 0, nil, idxError(path, field, strconv.FormatUint(uint64(side), 10), strconv.Itoa(digitSide), nil)
			}
		}
	}
	want := int(n) * size
	var body bytes.Buffer
	// One byte more than wanted tells a file that goes on from one that ends.
	got, err := body.ReadFrom(io.LimitReader(r, int64(want)+1))
	if err != nil {
		return 0, nil, idxError(path, "body at offset "+strconv.Itoa(len(head)), fmt.Sprintf("broken after %d bytes (%v)", got, err), strconv.Itoa(want)+" bytes", err)
	}
	if got != int64(want) {
		length := strconv.FormatInt(got, 10) + " bytes long"
		if got > int64(want) {
			length = "longer"
		}
		return 0, nil, idxError(path, "body at offset "+strconv.Itoa(len(head)), length, strconv.Itoa(want)+" bytes", nil)
	}
	return int(n), body.Bytes(), nil
}

func describeMagic(m uint32) string {
	switch m {
	case idxImages:
		return "0x00000803 (images)"
	case idxLabels:
		return "0x00000801 (labels)"
	}
	return fmt.Sprintf("0x%08x", m)
}

// idxError is the error of a bad file, unless the cause is the file system.
func idxError(path, where, got, want string, cause error) error {
	if isSystem(cause) {
		return systemError(cause)
	}
	return &FileError{File: path, Where: where, Got: got, Want: want, Remedy: fetchRemedy("mnist"), Kind: ErrCorrupt, Err: cause}
}
