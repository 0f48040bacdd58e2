package data

import (
	"io"
	"strconv"
)

// The CIFAR-10 binary files: records of one label byte and three planes R, G, B of 32·32
// bytes, row-major.
//
// Source: Krizhevsky (2009), Learning multiple layers of features from tiny images.
const (
	pictureSide   = 32
	picturePlanes = 3
	planeBytes    = pictureSide * pictureSide
	pictureBytes  = picturePlanes * planeBytes
	recordBytes   = 1 + pictureBytes
	mostRecords   = 10000 // in one file
)

// cifarClasses is the order of the labels in the files.
var cifarClasses = [10]string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// cifarTrain and cifarTest name the files of the collection.
var (
	cifarTrain = [5]string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	cifarTest  = [1]string{"test_batch.bin"}
)

// cifarFile finds a file of the collection in dir/cifar10, dir/cifar-10-batches-bin or dir.
//
// Errors: ErrMissing.
func cifarFile(dir, name string) (string, error) {
	return findFile(dir, []string{"cifar10", "cifar-10-batches-bin", ""}, []string{name}, fetchRemedy("cifar10"))
}

// readRecords appends the records of one file to pixels and labels. A file may hold fewer than
// the 10000 records of the original.
//
// Errors: ErrCorrupt, or what the file system says.
func readRecords(path string, pixels, labels []byte) ([]byte, []byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	// One byte more than the largest file tells an oversized one.
	raw, err := io.ReadAll(io.LimitReader(f, mostRecords*recordBytes+1))
	if err != nil {
		return nil, nil, systemError(err)
	}
	return parseRecords(raw, path, pixels, labels)
}

// parseRecords appends the records in raw to pixels and labels.
func parseRecords(raw []byte, path string, pixels, labels []byte) ([]byte, []byte, error) {
	switch {
	case len(raw) == 0:
		return nil, nil, cifarError(path, "the file", "empty", "records of "+strconv.Itoa(recordBytes)+" bytes")
	case len(raw) > mostRecords*recordBytes:
		return nil, nil, cifarError(path, "the file", "longer", "at most "+strconv.Itoa(mostRecords)+" records of "+strconv.Itoa(recordBytes)+" bytes")
	case len(raw)%recordBytes != 0:
		return nil, nil, cifarError(path, "record at offset "+strconv.Itoa(len(raw)/recordBytes*recordBytes),
			strconv.Itoa(len(raw)%recordBytes)+" bytes long", strconv.Itoa(recordBytes)+" bytes")
	}
	for at := 0; at < len(raw); at += recordBytes {
		if int(raw[at]) >= len(cifarClasses) {
			return nil, nil, cifarError(path, "label at offset "+strconv.Itoa(at), strconv.Itoa(int(raw[at])), "0 to 9")
		}
		labels = append(labels, raw[at])
		pixels = append(pixels, raw[at+1:at+recordBytes]...)
	}
	return pixels, labels, nil
}

func cifarError(path, where, got, want string) error {
	return &FileError{File: path, Where: where, Got: got, Want: want, Remedy: fetchRemedy("cifar10"), Kind: ErrCorrupt}
}
