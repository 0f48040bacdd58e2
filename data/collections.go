package data

import (
	"errors"

	"galvani/engine/setting"
)

// Collection is a published set of data files and where to get them.
type Collection struct {
	Name    string // also the folder that Fetch puts the files into
	Doc     string
	Mirrors []string // base addresses, tried in order
	Files   []Download
}

// Download is one file on the mirrors.
type Download struct {
	Name   string // on every mirror, and on disk unless it is unpacked
	Limit  int64  // bytes, no honest mirror sends more
	SHA256 string // in hex, of the file or of its content
	// Content, where positive, says that the hash is that of the gunzipped content, which has
	// this many bytes: mirrors may compress the same data differently.
	Content int64
	// Members are the files to take out of a tar.gz, which is then deleted.
	Members []Member
}

// Member is a file inside an archive.
type Member struct {
	Path  string // inside the archive; its last element is the name on disk
	Bytes int64
}

// Collections returns what Fetch can download.
//
// The MNIST hashes are of the uncompressed IDX files, computed from files with the published
// MD5 sums 6bbc9ace…, a25bea73…, 2646ac64…, 27ae3e4e…. The CIFAR-10 hash is that of the
// archive of 170052171 bytes with the published MD5 sum c32a1d4ab5d03f1284b67883e8d87530, as
// published by MLDatasets.jl and by TorchVision for Ruby; it was not computed here.
func Collections() []Collection {
	cifar := Download{
		Name: "cifar-10-binary.tar.gz", Limit: 200 << 20,
		SHA256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
	}
	for _, names := range [][]string{cifarTrain[:], cifarTest[:]} {
		for _, name := range names {
			cifar.Members = append(cifar.Members, Member{"cifar-10-batches-bin/" + name, mostRecords * recordBytes})
		}
	}
	return []Collection{{
		Name: "mnist",
		Doc:  "70000 handwritten digits of 28x28 pixels (LeCun, Cortes and Burges), 12 MB",
		Mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
			"http://yann.lecun.com/exdb/mnist/",
		},
		Files: []Download{
			{Name: "train-images-idx3-ubyte.gz", Limit: 16 << 20, Content: 47040016,
				SHA256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{Name: "train-labels-idx1-ubyte.gz", Limit: 1 << 20, Content: 60008,
				SHA256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{Name: "t10k-images-idx3-ubyte.gz", Limit: 4 << 20, Content: 7840016,
				SHA256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{Name: "t10k-labels-idx1-ubyte.gz", Limit: 1 << 20, Content: 10008,
				SHA256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
	}, {
		Name: "cifar10",
		Doc:  "60000 colour pictures of 32x32 pixels in ten classes (Krizhevsky), 170 MB",
		Mirrors: []string{
			"https://www.cs.toronto.edu/~kriz/",
			"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
		},
		Files: []Download{cifar},
	}}
}

// CollectionNames returns the names of Collections.
func CollectionNames() []string {
	var names []string
	for _, c := range Collections() {
		names = append(names, c.Name)
	}
	return names
}

// LookupCollection finds a collection by name; the error for an unknown one names the nearest.
func LookupCollection(name string) (Collection, error) {
	for _, c := range Collections() {
		if c.Name == name {
			return c, nil
		}
	}
	return Collection{}, errors.New(setting.Unknown("data set", name, CollectionNames()))
}
