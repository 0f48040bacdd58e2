package data

import (
	"errors"
	"fmt"
	"strconv"

	"galvani/engine/cite"
)

// MNIST is the settings of the tasks mnist (T=1, I=784), mnist-rows (T=28, I=28) and mnist-pixels (T=784,
// I=1): name the digit at the last step.
//
// Input: x [T,B,I], grey value over 255. Files: the four original IDX files, gzip or plain, in
// the data folder or its folder mnist, MNIST or MNIST/raw, or those of another collection of the
// same format (Pictures).
//
// Source: LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791; as sequences: Le,
// Jaitly and Hinton (2015), arXiv:1504.00941.
type MNIST struct {
	Pictures
	Limits

	name    string
	perStep int // pixels per step
}

// PermutedMNIST is the settings of the task mnist-permuted: mnist-pixels in a random order
// that is the same for every image, whatever the seed of the run.
type PermutedMNIST struct {
	Pictures
	Limits
	Permutation int `toml:"permutation" doc:"seed of the pixel order" unit:"1" min:"0" max:"2000000000"`
}

func init() {
	register := func(name, from string, settings func() Config, works ...cite.Work) {
		Register(Entry{
			Name:       name,
			Doc:        "name a handwritten digit from " + from,
			Source:     "LeCun, Bottou, Bengio and Haffner (1998), doi:10.1109/5.726791",
			References: append([]cite.Work{gradientBased}, works...),
			New:        settings,
		})
	}
	parts := func(name string, perStep int) func() Config {
		return func() Config { return &MNIST{Pictures: anyPictures, name: name, perStep: perStep} }
	}
	register("mnist", "the whole picture, in one step", parts("mnist", digitBytes))
	register("mnist-rows", "its 28 rows", parts("mnist-rows", digitSide), cite.IRNN)
	register("mnist-pixels", "its 784 pixels, one by one", parts("mnist-pixels", 1), cite.IRNN)
	register("mnist-permuted", "its 784 pixels in a fixed random order", func() Config { return &PermutedMNIST{Pictures: anyPictures} }, cite.IRNN)
}

// Outline implements Outliner.
func (c *MNIST) Outline() *Task { return c.outline(c.name, c.perStep) }

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says.
func (c *MNIST) Open(env Env) (*Task, error) {
	if err := check(c.name, c); err != nil {
		return nil, err
	}
	return c.open(c.Outline(), env, inOrder(digitBytes), c.Limits)
}

// Outline implements Outliner.
func (c *PermutedMNIST) Outline() *Task { return c.outline("mnist-permuted", 1) }

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says.
func (c *PermutedMNIST) Open(env Env) (*Task, error) {
	t := c.Outline()
	if err := check(t.Name, c); err != nil {
		return nil, err
	}
	order := inOrder(digitBytes)
	r := newStream(uint64(c.Permutation), fixed, 0, 0)
	r.shuffle(order)
	return c.open(t, env, order, c.Limits)
}

// outline returns a task of pictures without its samples.
func (p Pictures) outline(name string, perStep int) *Task {
	t := &Task{Name: name, T: digitBytes / perStep, I: perStep, Goal: Classify}
	f, ok := familyOf(p.Collection)
	if !ok {
		f = mnist
	}
	t.Classes = f.classes
	t.O = len(t.Classes)
	return t
}

// open reads the collection and shows its pixels in the given order.
func (p Pictures) open(t *Task, env Env, order []int, limits Limits) (*Task, error) {
	dir, err := env.folder(t.Name)
	if err != nil {
		return nil, err
	}
	f, err := p.choose(dir)
	if err != nil {
		return nil, err
	}
	var halves [2]digitFiles
	for k := range halves {
		if halves[k], err = f.read(dir, f.halves[k]); err != nil {
			return nil, err
		}
	}
	l, err := f.label(halves[0], halves[1])
	if err != nil {
		return nil, err
	}
	t.Classes, t.Notes = l.classes, l.notes
	t.O = len(t.Classes)
	for _, h := range halves {
		for i := range h.labels {
			h.labels[i] -= l.first
		}
	}
	train := newImages(t, halves[0].pixels, halves[0].labels, order, limits.TrainLimit)
	test := newImages(t, halves[1].pixels, halves[1].labels, order, limits.TestLimit)
	t.Train, t.Test, t.files = train, test, []digestible{train, test}
	holdOut(t, env.Validation)
	return t, nil
}

// digitFiles is one half of a collection.
type digitFiles struct {
	labelPath      string
	pixels, labels []byte
}

// read reads one half of the collection.
func (f family) read(dir, half string) (d digitFiles, err error) {
	imagePath, err := f.find(dir, half+"-images-idx3-ubyte")
	if err != nil {
		return d, err
	}
	if d.labelPath, err = f.find(dir, half+"-labels-idx1-ubyte"); err != nil {
		return d, err
	}
	n, labels, err := readIDX(d.labelPath, idxLabels)
	if err != nil {
		return d, f.advise(err)
	}
	m, pixels, err := readIDX(imagePath, idxImages)
	if err == nil && m != n {
		err = idxError(imagePath, "record count at offset 4", strconv.Itoa(m), fmt.Sprintf("%d as in %s", n, d.labelPath), nil)
	}
	if err != nil {
		return d, f.advise(err)
	}
	d.pixels, d.labels = pixels, labels
	return d, nil
}

// advise gives the error of a file the remedy for this collection.
func (f family) advise(err error) error {
	var file *FileError
	if errors.As(err, &file) {
		file.Remedy = f.remedy()
	}
	return err
}

// gradientBased is behind MNIST.
var gradientBased = cite.Work{Key: "lecun1998gradient", Kind: "article", Authors: "LeCun, Yann and Bottou, Léon and Bengio, Yoshua and Haffner, Patrick",
	Title: "Gradient-Based Learning Applied to Document Recognition",
	In:    "Proceedings of the IEEE", Volume: "86", Number: "11", Pages: "2278-2324", Year: 1998, DOI: "10.1109/5.726791"}
