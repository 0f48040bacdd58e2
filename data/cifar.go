package data

import "galvani/engine/cite"

// CIFAR10 is the settings of the tasks cifar10 (T=1, I=3072: all red, then all green, then all blue values),
// cifar10-rows (T=32, I=96: the 32 red, 32 green and 32 blue values of a row) and cifar10-pixels (T=1024,
// I=3): name the object at the last step.
//
// Input: x [T,B,I], colour value over 255. Files: the six original binary batches in the data
// folder, its folder cifar10 or its folder cifar-10-batches-bin.
//
// Source: Krizhevsky (2009), Learning multiple layers of features from tiny images.
type CIFAR10 struct {
	Limits

	name    string
	perStep int // pixels per step
}

func init() {
	for _, f := range []struct {
		name, how string
		perStep   int
	}{{"cifar10", ", the whole picture in one step", planeBytes}, {"cifar10-rows", " from its 32 rows", pictureSide}, {"cifar10-pixels", " from its 1024 pixels, one by one", 1}} {
		Register(Entry{
			Name:       f.name,
			Doc:        "name the object in a small colour picture" + f.how,
			Source:     "Krizhevsky (2009), Learning multiple layers of features from tiny images",
			References: []cite.Work{tinyImages},
			New:        func() Config { return &CIFAR10{name: f.name, perStep: f.perStep} },
		})
	}
}

// Outline implements Outliner.
func (c *CIFAR10) Outline() *Task {
	return &Task{Name: c.name, T: planeBytes / c.perStep, I: picturePlanes * c.perStep, O: len(cifarClasses),
		Goal: Classify, Classes: cifarClasses[:]}
}

// Open implements Config.
//
// Errors: ErrConfig, ErrMissing, ErrCorrupt, or what the file system says.
func (c *CIFAR10) Open(env Env) (*Task, error) {
	if err := check(c.name, c); err != nil {
		return nil, err
	}
	dir, err := env.folder(c.name)
	if err != nil {
		return nil, err
	}
	t := c.Outline()
	order := make([]int, 0, pictureBytes)
	for first := 0; first < planeBytes; first += c.perStep {
		for plane := range picturePlanes {
			for k := range c.perStep {
				order = append(order, plane*planeBytes+first+k)
			}
		}
	}
	for _, half := range []struct {
		files []string
		limit int
		set   *Set
	}{{cifarTrain[:], c.TrainLimit, &t.Train}, {cifarTest[:], c.TestLimit, &t.Test}} {
		pixels, labels, err := readObjects(dir, half.files)
		if err != nil {
			return nil, err
		}
		images := newImages(t, pixels, labels, order, half.limit)
		*half.set, t.files = images, append(t.files, images)
	}
	holdOut(t, env.Validation)
	return t, nil
}

// readObjects reads some files of the collection one after the other.
func readObjects(dir string, names []string) (pixels, labels []byte, err error) {
	for _, name := range names {
		path, err := cifarFile(dir, name)
		if err != nil {
			return nil, nil, err
		}
		if pixels, labels, err = readRecords(path, pixels, labels); err != nil {
			return nil, nil, err
		}
	}
	return pixels, labels, nil
}

// tinyImages is the report behind CIFAR-10.
var tinyImages = cite.Work{Key: "krizhevsky2009learning", Kind: "techreport", Authors: "Krizhevsky, Alex",
	Title: "Learning Multiple Layers of Features from Tiny Images",
	In:    "University of Toronto", Year: 2009, URL: "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf"}
