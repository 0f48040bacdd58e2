package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// idx returns an IDX stream with the given header fields and body.
func idx(body []byte, head ...uint32) []byte {
	var b []byte
	for _, v := range head {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return append(b, body...)
}

// fewImages and fewLabels are small files that are right.
func fewImages() []byte {
	return idx(bytes.Repeat([]byte{0, 7, 255, 31}, 2*digitBytes/4), idxImages, 2, 28, 28)
}
func fewLabels() []byte { return idx([]byte{9, 0}, idxLabels, 2) }

// fewRecords is a CIFAR-10 file of two records that is right.
func fewRecords() []byte {
	b := make([]byte, 2*recordBytes)
	for i := range b {
		b[i] = byte(i * 31)
	}
	b[0], b[recordBytes] = 9, 0
	return b
}

// badFile is one way in which a data file can be wrong, and what the error must say.
type badFile struct {
	name string
	raw  []byte
	says []string
}

func TestBadIDX(t *testing.T) {
	images, labels := fewImages(), fewLabels()
	squeezed := gzipped(t, images, gzip.BestSpeed)
	flipped := bytes.Clone(squeezed)
	flipped[len(flipped)-5] ^= 1 // in the checksum
	for _, magic := range []uint32{idxImages, idxLabels} {
		for _, c := range map[uint32][]badFile{
			idxImages: {
				{"empty", nil, []string{"header is 0 bytes long, want 16 bytes"}},
				{"labels in place of images", append(bytes.Clone(labels), make([]byte, 6)...), []string{"magic at offset 0 is 0x00000801 (labels), want 0x00000803 (images)"}},
				{"wrong magic", idx(nil, 0x0d03, 2, 28, 28), []string{"magic at offset 0 is 0x00000d03"}},
				{"no records", idx(nil, idxImages, 0, 28, 28), []string{"record count at offset 4 is 0, want 1 to 1048576"}},
				{"too many records", idx(nil, idxImages, 0xffffffff, 28, 28), []string{"is 4294967295, want 1 to 1048576"}},
				{"claims what is not there", idx(nil, idxImages, mostDigits, 28, 28), []string{"body at offset 16 is 0 bytes long, want 822083584 bytes"}},
				{"wrong rows", idx(nil, idxImages, 2, 27, 28), []string{"rows at offset 8 is 27, want 28"}},
				{"wrong columns", idx(nil, idxImages, 2, 28, 0x80000000), []string{"columns at offset 12 is 2147483648, want 28"}},
				{"trailing bytes", append(bytes.Clone(images), 0), []string{"body at offset 16 is longer, want 1568 bytes"}},
				{"truncated gzip", squeezed[:len(squeezed)-9], []string{"body at offset 16 is broken after", "unexpected EOF"}},
				{"gzip header alone", squeezed[:4], []string{"gzip header is"}},
				{"wrong gzip checksum", flipped, []string{"broken after", "invalid checksum"}},
				{"bytes after the gzip", append(bytes.Clone(squeezed), 1, 2, 3), []string{"broken after", "other bytes follow the gzip stream"}},
				{"bytes after padding", append(bytes.Clone(squeezed), 0, 0, 3), []string{"broken after", "other bytes follow the gzip stream"}},
				{"gzip of too much", gzipped(t, append(bytes.Clone(images), make([]byte, 1<<20)...), gzip.BestSpeed), []string{"is longer, want 1568 bytes"}},
			},
			idxLabels: {
				{"images in place of labels", images, []string{"magic at offset 0 is 0x00000803 (images), want 0x00000801 (labels)"}},
				{"trailing bytes", append(bytes.Clone(labels), 0), []string{"body at offset 8 is longer, want 2 bytes"}},
			},
		}[magic] {
			t.Run(c.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "x")
				mustWrite(t, path, c.raw)
				_, _, err := readIDX(path, magic)
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("error is %v, want ErrCorrupt", err)
				}
				wantOneLine(t, err, append(c.says, "data: "+path+": ", "galvani data fetch mnist")...)
			})
		}
	}
}

func TestBadRecords(t *testing.T) {
	good := fewRecords()
	badLabel := bytes.Clone(good)
	badLabel[recordBytes] = 10
	for _, c := range []badFile{
		{"empty", nil, []string{"the file is empty, want records of 3073 bytes"}},
		{"half a record", good[:4000], []string{"record at offset 3073 is 927 bytes long, want 3073 bytes"}},
		{"label out of range", badLabel, []string{"label at offset 3073 is 10, want 0 to 9"}},
		{"too many records", make([]byte, (mostRecords+1)*recordBytes), []string{"the file is longer, want at most 10000 records"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			mustWrite(t, path, c.raw)
			_, _, err := readRecords(path, nil, nil)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error is %v, want ErrCorrupt", err)
			}
			wantOneLine(t, err, append(c.says, "data: "+path+": ", "galvani data fetch cifar10")...)
		})
	}
}

// TestTruncated feeds every truncation of the small files; none may pass.
func TestTruncated(t *testing.T) {
	squeezed := gzipped(t, fewImages(), gzip.BestCompression)
	for name, c := range map[string]struct {
		raw   []byte
		parse func([]byte) error
	}{
		"images": {fewImages(), parseImages},
		"labels": {fewLabels(), parseLabels},
		"gzip":   {squeezed, parseImages},
	} {
		if err := c.parse(c.raw); err != nil {
			t.Fatalf("%s: the whole file: %v", name, err)
		}
		for n := range c.raw {
			if err := c.parse(c.raw[:n]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s cut at %d: error is %v, want ErrCorrupt", name, n, err)
			}
		}
	}
	records := fewRecords()
	for n := range records {
		_, labels, err := parseRecords(records[:n], "x", nil, nil)
		if whole := n == recordBytes; whole != (err == nil) || whole && len(labels) != 1 {
			t.Fatalf("records cut at %d: %d labels, error %v", n, len(labels), err)
		}
	}
}

// TestHeaderBitFlips flips every bit of the headers, and every bit of a gzip file. A flip in
// a plain body cannot be seen; one in a gzip file may only hit fields that carry no data.
func TestHeaderBitFlips(t *testing.T) {
	for name, c := range map[string]struct {
		raw   []byte
		head  int
		parse func([]byte) error
	}{
		"images": {fewImages(), 16, parseImages},
		"labels": {fewLabels(), 8, parseLabels},
	} {
		for bit := range 8 * c.head {
			raw := bytes.Clone(c.raw)
			raw[bit/8] ^= 1 << (bit % 8)
			if err := c.parse(raw); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s with bit %d flipped: error is %v, want ErrCorrupt", name, bit, err)
			}
		}
	}
	squeezed := gzipped(t, fewImages(), gzip.BestCompression)
	for bit := range 8 * len(squeezed) {
		raw := bytes.Clone(squeezed)
		raw[bit/8] ^= 1 << (bit % 8)
		_, pixels, err := decodeIDX(bytes.NewReader(raw), "x", idxImages)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("gzip with bit %d flipped: error is %v, want ErrCorrupt", bit, err)
		}
		if err == nil && !bytes.Equal(pixels, fewImages()[16:]) {
			t.Errorf("gzip with bit %d flipped: pixels changed and nobody noticed", bit)
		}
	}
}

func parseImages(b []byte) error {
	_, _, err := decodeIDX(bytes.NewReader(b), "x", idxImages)
	return err
}

func parseLabels(b []byte) error {
	_, _, err := decodeIDX(bytes.NewReader(b), "x", idxLabels)
	return err
}

// TestIDXMemory bounds what a small file with a great claim can allocate.
func TestIDXMemory(t *testing.T) {
	raw := idx(make([]byte, 1000), idxImages, mostDigits, 28, 28)
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := parseImages(raw); err == nil {
				b.Fatal("no error")
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 1<<17 {
		t.Errorf("a file of 1 kB that claims 822 MB allocates %d bytes, want at most %d", got, 1<<17)
	}
}

// TestOpenBadFolders opens the picture tasks on folders that are wrong as a whole.
func TestOpenBadFolders(t *testing.T) {
	images, labels := fewImages(), fewLabels()
	for _, c := range []struct {
		name, task string
		files      map[string][]byte
		kind       error
		says       []string
	}{
		{"nothing", "mnist-rows", nil, ErrMissing, []string{"train-images-idx3-ubyte.gz", "missing", "galvani data fetch mnist --data-dir"}},
		{"labels only", "mnist-pixels", map[string][]byte{"train-labels-idx1-ubyte": labels}, ErrMissing, []string{"train-images"}},
		{"no test half", "mnist-permuted", map[string][]byte{"train-labels-idx1-ubyte": labels, "train-images-idx3-ubyte": images}, ErrMissing, []string{"t10k-images"}},
		{"counts differ", "mnist-rows", map[string][]byte{"train-labels-idx1-ubyte": idx([]byte{1, 2, 3}, idxLabels, 3), "train-images-idx3-ubyte": images},
			ErrCorrupt, []string{"record count at offset 4 is 2, want 3 as in", "train-labels-idx1-ubyte"}},
		{"label out of range", "mnist-rows", map[string][]byte{"train-labels-idx1-ubyte": idx([]byte{3, 62}, idxLabels, 2), "train-images-idx3-ubyte": images,
			"t10k-labels-idx1-ubyte": labels, "t10k-images-idx3-ubyte": images}, ErrCorrupt, []string{"train-labels-idx1-ubyte: label at offset 9 is 62, want 0 to 9; run `galvani data fetch mnist"}},
		{"files swapped", "mnist-rows", map[string][]byte{"train-labels-idx1-ubyte": images, "train-images-idx3-ubyte": labels}, ErrCorrupt, []string{"(images), want 0x00000801 (labels)"}},
		{"a folder for a file", "mnist-rows", map[string][]byte{"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte/x": nil}, nil, []string{"train-labels-idx1-ubyte is a folder, want a regular file"}},
		{"nothing", "cifar10-rows", nil, ErrMissing, []string{"data_batch_1.bin", "missing", "galvani data fetch cifar10 --data-dir"}},
		{"one batch", "cifar10-pixels", map[string][]byte{"data_batch_1.bin": fewRecords()}, ErrMissing, []string{"data_batch_2.bin"}},
		{"digits for objects", "cifar10-rows", map[string][]byte{"data_batch_1.bin": images}, ErrCorrupt, []string{"record at offset 0 is 1584 bytes long"}},
	} {
		t.Run(c.task+" "+c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, raw := range c.files {
				mustWrite(t, filepath.Join(dir, name), raw)
			}
			e, err := Lookup(c.task)
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.New().Open(Env{Dir: dir})
			wantOneLine(t, err, append(c.says, "data: ")...)
			if c.kind == nil && !isSystem(err) || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error is %v, want kind %v", err, c.kind)
			}
		})
	}
}

// TestDirIsAFile tells a data folder that is none from one where a file is missing.
func TestDirIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	mustWrite(t, path, nil)
	for _, c := range []Config{&MNIST{Pictures: anyPictures, name: "mnist-rows", perStep: 28}, &CIFAR10{name: "cifar10-rows", perStep: 32}} {
		_, err := c.Open(Env{Dir: path})
		if !isSystem(err) || errors.Is(err, ErrMissing) {
			t.Errorf("error is %v, want one of the file system", err)
		}
		wantOneLine(t, err, path, "not a directory")
	}
}

// TestFileNames opens the collections under all their usual names and places.
func TestFileNames(t *testing.T) {
	images, labels := fewImages(), fewLabels()
	for name, place := range map[string]func(half, kind string, dims string, raw []byte) (string, []byte){
		"gzip": func(h, k, d string, raw []byte) (string, []byte) {
			return h + "-" + k + "-idx" + d + "-ubyte.gz", gzipped(t, raw, 6)
		},
		"plain": func(h, k, d string, raw []byte) (string, []byte) { return h + "-" + k + "-idx" + d + "-ubyte", raw },
		"dot":   func(h, k, d string, raw []byte) (string, []byte) { return h + "-" + k + ".idx" + d + "-ubyte", raw },
		"folder": func(h, k, d string, raw []byte) (string, []byte) {
			return "mnist/" + h + "-" + k + ".idx" + d + "-ubyte.gz", gzipped(t, raw, 6)
		},
		"plain under the name of gzip": func(h, k, d string, raw []byte) (string, []byte) { return h + "-" + k + "-idx" + d + "-ubyte.gz", raw },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, half := range []string{"train", "t10k"} {
				at, raw := place(half, "images", "3", images)
				mustWrite(t, filepath.Join(dir, at), raw)
				at, raw = place(half, "labels", "1", labels)
				mustWrite(t, filepath.Join(dir, at), raw)
			}
			task := open(t, "mnist-rows", Env{Dir: dir}, nil)
			if task.Train.Len() != 2 || task.Test.Len() != 2 {
				t.Errorf("%d and %d samples, want 2 and 2", task.Train.Len(), task.Test.Len())
			}
		})
	}
	for _, folder := range []string{"", "cifar10", "cifar-10-batches-bin"} {
		dir := t.TempDir()
		for _, name := range slices.Concat(cifarTrain[:], cifarTest[:]) {
			mustWrite(t, filepath.Join(dir, folder, name), fewRecords())
		}
		task := open(t, "cifar10-rows", Env{Dir: dir}, nil)
		if task.Train.Len() != 10 || task.Test.Len() != 2 {
			t.Errorf("folder %q: %d and %d samples, want 10 and 2", folder, task.Train.Len(), task.Test.Len())
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(fewImages(), true)
	f.Add(fewLabels(), false)
	f.Add(fewLabels(), true)
	f.Add(idx(nil, idxImages, 0xffffffff, 28, 28), true)
	f.Add([]byte{}, false)
	f.Add(gzipped(f, fewImages(), gzip.BestCompression), true)
	f.Add(gzipped(f, fewLabels(), gzip.NoCompression), false)
	f.Fuzz(func(t *testing.T, raw []byte, images bool) {
		magic, head, size := uint32(idxLabels), 8, 1
		if images {
			magic, head, size = idxImages, 16, digitBytes
		}
		n, body, err := decodeIDX(bytes.NewReader(raw), "x", magic)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error is %v, want ErrCorrupt", err)
			}
			return
		}
		plain := raw[0] == 0
		if len(body) != n*size || plain && !bytes.Equal(body, raw[head:]) {
			t.Fatalf("%d records and %d bytes from a file of %d", n, len(body), len(raw))
		}
	})
}

func FuzzCIFAR(f *testing.F) {
	f.Add(fewRecords())
	f.Add(fewRecords()[:recordBytes])
	f.Add(make([]byte, recordBytes+1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		pixels, labels, err := parseRecords(raw, "x", nil, nil)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error is %v, want ErrCorrupt", err)
			}
			return
		}
		if len(labels) == 0 || len(labels)*recordBytes != len(raw) || len(pixels) != len(labels)*pictureBytes || slices.Max(labels) > 9 {
			t.Fatalf("%d labels and %d pixel bytes from a file of %d", len(labels), len(pixels), len(raw))
		}
	})
}

// TestRefusesUnreadable tells a file that may not be read from one that is wrong.
func TestRefusesUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("the superuser may read everything")
	}
	path := filepath.Join(t.TempDir(), "x")
	mustWrite(t, path, fewLabels())
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readIDX(path, idxLabels); !errors.Is(err, os.ErrPermission) || errors.Is(err, ErrCorrupt) {
		t.Errorf("error is %v, want a refusal of the file system", err)
	}
}
