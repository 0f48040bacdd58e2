package data

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Pictures is the setting that all tasks of MNIST's format share.
//
// The collections of EMNIST have file names of their own and up to 62 classes; their pictures lie
// on their side, as their files hold rows and columns exchanged. Fashion-MNIST and KMNIST have
// MNIST's file names and are told from it by their folders, those that torchvision makes among them.
//
// Source: Cohen, Afshar, Tapson and van Schaik (2017), arXiv:1702.05373; Xiao, Rasul and Vollgraf
// (2017), arXiv:1708.07747; Clanuwat et al. (2018), arXiv:1812.01718.
type Pictures struct {
	Collection string `toml:"collection" doc:"which files of MNIST's format: MNIST, Fashion-MNIST, KMNIST, or a part of EMNIST; auto takes MNIST, or else what is there" unit:"1" oneof:"auto|mnist|fashion|kmnist|balanced|byclass|bymerge|digits|letters"`
}

// anyPictures is the default.
var anyPictures = Pictures{"auto"}

// family is one collection in the format of MNIST.
type family struct {
	name    string
	folders []string  // below the data folder, where it is found without being named
	halves  [2]string // beginning of the file names, for training and for test
	first   byte      // label of the first class
	classes []string
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

var (
	tenDigits  = strings.Split("0123456789", "")
	balanced47 = strings.Split("0123456789"+letters+"abdefghnqrt", "")
	byClass62  = strings.Split("0123456789"+letters+strings.ToLower(letters), "")

	mnistHalves   = [2]string{"train", "t10k"}
	emnistFolders = []string{"emnist", "EMNIST/raw", "EMNIST", "emnist/gzip", "gzip", "raw", "mnist", ""}

	mnist = family{"mnist", []string{"mnist", "", "MNIST/raw", "MNIST", "raw"}, mnistHalves, 0, tenDigits}
)

// families are the collections, MNIST first.
var families = []family{
	mnist,
	{"fashion", []string{"fashion-mnist", "FashionMNIST/raw", "FashionMNIST", "fashion_mnist"}, mnistHalves, 0,
		[]string{"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}},
	{"kmnist", []string{"kmnist", "KMNIST/raw", "KMNIST"}, mnistHalves, 0,
		[]string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}},
	emnist("balanced", 0, balanced47),
	emnist("byclass", 0, byClass62),
	emnist("bymerge", 0, balanced47),
	emnist("digits", 0, tenDigits),
	emnist("letters", 1, strings.Split(letters, "")),
}

func emnist(split string, first byte, classes []string) family {
	return family{split, emnistFolders, [2]string{"emnist-" + split + "-train", "emnist-" + split + "-test"}, first, classes}
}

// familyOf returns the collection of a name.
func familyOf(name string) (family, bool) {
	for _, f := range families {
		if f.name == name {
			return f, true
		}
	}
	return family{}, false
}

// find finds a file of the collection under its usual names: NAME, NAME.gz and the spelling with a
// dot.
//
// Errors: ErrMissing.
func (f family) find(dir, name string) (string, error) {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return findFile(dir, f.folders, []string{name + ".gz", name, dotted + ".gz", dotted}, f.remedy())
}

// remedy is the advice for a missing or broken file of the collection.
func (f family) remedy() string {
	if f.name == mnist.name {
		return fetchRemedy("mnist")
	}
	return "take it from the collection again"
}

// choose returns the collection that the setting means.
//
// Errors: ErrConfig where several are there and none is MNIST, or what the file system says.
func (p Pictures) choose(dir string) (family, error) {
	if f, ok := familyOf(p.Collection); ok {
		// Named, it may also lie where MNIST does.
		for _, folder := range mnist.folders {
			if !slices.Contains(f.folders, folder) {
				f.folders = append(slices.Clip(f.folders), folder)
			}
		}
		return f, nil
	}
	var there []family
	for _, f := range families {
		_, err := f.find(dir, f.halves[0]+"-images-idx3-ubyte")
		switch {
		case err == nil && f.name == mnist.name:
			return f, nil
		case err == nil:
			there = append(there, f)
		case !errors.Is(err, fs.ErrNotExist):
			return family{}, err
		}
	}
	switch len(there) {
	case 0:
		return mnist, nil // whose files are then said to be missing
	case 1:
		return there[0], nil
	}
	var names []string
	for _, f := range there {
		names = append(names, f.name)
	}
	return family{}, fmt.Errorf("data: %s holds %s; choose one with --collection: %w", dir, strings.Join(names, ", "), ErrConfig)
}

// labelling is what the labels of a collection stand for.
type labelling struct {
	first   byte // label of the first class
	classes []string
	notes   []string
}

// label finds out what the labels of both halves stand for: the classes of the collection. Under
// MNIST's names other collections are often stored, so that their classes are counted.
//
// Errors: ErrCorrupt for a label of no class.
func (f family) label(training, tested digitFiles) (labelling, error) {
	l := labelling{f.first, f.classes, nil}
	if f.name == mnist.name {
		l = countClasses(training.labels, tested.labels)
	} else {
		l.notes = append(l.notes, fmt.Sprintf("the pictures are those of %s, %d classes, from %s", f.name, len(f.classes), filepath.Dir(training.labelPath)))
	}
	last := int(l.first) + len(l.classes) - 1
	for _, half := range []digitFiles{training, tested} {
		for i, k := range half.labels {
			if k < l.first || int(k) > last {
				return l, &FileError{File: half.labelPath, Where: "label at offset " + strconv.Itoa(idxLabelHead+i), Got: strconv.Itoa(int(k)),
					Want: fmt.Sprintf("%d to %d", l.first, last), Remedy: f.remedy(), Kind: ErrCorrupt}
			}
		}
	}
	return l, nil
}

// countClasses returns the classes of labels: ten digits, or as many as there are where the
// training half has pictures of all of them, or the smallest collection of EMNIST that holds them.
// Labels beyond all that are of no class.
func countClasses(training, tested []byte) labelling {
	var there [256]bool
	for _, k := range training {
		there[k] = true
	}
	lo, hi := slices.Min(training), max(slices.Max(training), slices.Max(tested))
	if len(tested) > 0 {
		lo = min(lo, slices.Min(tested))
	}
	l := labelling{0, tenDigits, nil}
	gap := slices.Index(there[lo:int(hi)+1], false) >= 0
	switch {
	case hi < 10:
		return l
	case lo == 1 && (!gap || hi <= 26):
		l = labelling{1, strings.Split(letters, ""), nil}
		if !gap && hi != 26 {
			l.classes = numbered(1, int(hi))
		}
	case lo == 0 && !gap:
		l.classes = numbered(0, int(hi))
	case hi < 47:
		l.classes = balanced47
	case hi < 62:
		l.classes = byClass62
	default:
		return l
	}
	switch len(l.classes) {
	case 47:
		l.classes = balanced47
	case 62:
		l.classes = byClass62
	}
	l.notes = []string{fmt.Sprintf("the labels go from %d to %d: %d classes", lo, hi, len(l.classes))}
	return l
}

// numbered returns the names of classes that have numbers only.
func numbered(first, last int) (names []string) {
	for k := first; k <= last; k++ {
		names = append(names, strconv.Itoa(k))
	}
	return names
}
