package data

import (
	"fmt"
	"strconv"
)

// MNIST is the settings of the tasks mnist-rows (T=28, I=28) and mnist-pixels (T=784, I=1):
// name the digit at the last step.
//
// Input: x [T,B,I], grey value over 255. Files: the four original IDX files, gzip or plain, in
// the data folder or its folder mnist.
//
// Source: LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791; as sequences: Le,
// Jaitly and Hinton (2015), arXiv:1504.00941.
type MNIST struct {
	Limits

	name    string
	perStep int // pixels per step
}

// PermutedMNIST is the settings of the task mnist-permuted: mnist-pixels in a random order
// that is the same for every image, whatever the seed of the run.
type PermutedMNIST struct {
	Limits
	Permutation int `toml:"permutation" doc:"seed of the pixel order" unit:"1" min:"0" max:"2000000000"`
}

func init() {
	const source = "LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791"
	Register(Entry{
		Name:   "mnist-rows",
		Doc:    "name a handwritten digit from its 28 rows",
		Source: source,
		New:    func() Config { return &MNIST{name: "mnist-rows", perStep: digitSide} },
	})
	Register(Entry{
		Name:   "mnist-pixels",
		Doc:    "name a handwritten digit from its 784 pixels, one by one",
		Source: source,
		New:    func() Config { return &MNIST{name: "mnist-pixels", perStep: 1} },
	})
	Register(Entry{
		Name:   "mnist-permuted",
		Doc:    "name a handwritten digit from its 784 pixels in a fixed random order",
		Source: source,
		New:    func() Config { return &PermutedMNIST{} },
	})
}

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says.
func (c *MNIST) Open(env Env) (*Task, error) {
	if err := check(c.name, c); err != nil {
		return nil, err
	}
	return openMNIST(c.name, env.Dir, c.perStep, inOrder(digitBytes), c.Limits)
}

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says.
func (c *PermutedMNIST) Open(env Env) (*Task, error) {
	if err := check("mnist-permuted", c); err != nil {
		return nil, err
	}
	order := inOrder(digitBytes)
	r := newStream(uint64(c.Permutation), fixed, 0, 0)
	r.shuffle(order)
	return openMNIST("mnist-permuted", env.Dir, 1, order, c.Limits)
}

// openMNIST reads the collection and shows its pixels in the given order.
func openMNIST(name, dir string, perStep int, order []int, limits Limits) (*Task, error) {
	t := &Task{Name: name, T: digitBytes / perStep, I: perStep, O: digits, Goal: Classify}
	for k := range digits {
		t.Classes = append(t.Classes, strconv.Itoa(k))
	}
	for _, half := range []struct {
		files string
		limit int
		set   *Set
	}{{"train", limits.TrainLimit, &t.Train}, {"t10k", limits.TestLimit, &t.Test}} {
		pixels, labels, err := readDigits(dir, half.files)
		if err != nil {
			return nil, err
		}
		*half.set = newImages(t, pixels, labels, order, half.limit)
	}
	return t, nil
}

// readDigits reads one half of the collection, "train" or "t10k".
func readDigits(dir, half string) (pixels, labels []byte, err error) {
	imagePath, err := idxFile(dir, half+"-images-idx3-ubyte")
	if err != nil {
		return nil, nil, err
	}
	labelPath, err := idxFile(dir, half+"-labels-idx1-ubyte")
	if err != nil {
		return nil, nil, err
	}
	n, labels, err := readIDX(labelPath, idxLabels)
	if err != nil {
		return nil, nil, err
	}
	m, pixels, err := readIDX(imagePath, idxImages)
	if err != nil {
		return nil, nil, err
	}
	if m != n {
		return nil, nil, idxError(imagePath, "record count at offset 4", strconv.Itoa(m), fmt.Sprintf("%d as in %s", n, labelPath), nil)
	}
	return pixels, labels, nil
}
