package data

import "galvani/engine/cite"

// Bars is the settings of the task bars: the eight straight lines of a square of 3·3 pixels, to be told apart as
// horizontal, vertical and diagonal ones.
//
// Input: x [1,B,9], 1 on the line and 0 beside it, row by row. Target: the class. Training and test samples are
// the same eight pictures, the former with noise if it is asked for.
//
// Source: Haider, Ellenberger, Kriener, Jordan, Senn and Petrovici (2021), arXiv:2110.14549.
type Bars struct {
	Noise float64 `toml:"noise" doc:"standard deviation of the noise that is added to each pixel of the training samples, drawn anew in every epoch" unit:"1" min:"0" max:"100"`
}

// bars are the pictures, row by row, and their classes.
var bars = [8]struct {
	pixels string
	class  int
}{
	{"111000000", 0}, {"000111000", 0}, {"000000111", 0},
	{"100100100", 1}, {"010010010", 1}, {"001001001", 1},
	{"100010001", 2}, {"001010100", 2},
}

func init() {
	Register(Entry{
		Name:       "bars",
		Doc:        "tell horizontal, vertical and diagonal lines of three pixels apart, in one step",
		Source:     "Haider, Ellenberger, Kriener, Jordan, Senn and Petrovici (2021), arXiv:2110.14549",
		References: []cite.Work{cite.LatentEquilibrium},
		New:        func() Config { return &Bars{} },
	})
}

// Open implements Config.
//
// Errors: ErrConfig.
func (c *Bars) Open(env Env) (*Task, error) {
	if err := check("bars", c); err != nil {
		return nil, err
	}
	t := &Task{Name: "bars", T: 1, I: 9, O: 3, Goal: Classify, Classes: []string{"horizontal", "vertical", "diagonal"},
		Notes: []string{"training and test samples are the same eight pictures"}}
	t.Train, t.Test = lines{t, env.Seed, c.Noise}, lines{t, env.Seed, 0}
	return t, nil
}

// lines is the samples of the task bars.
type lines struct {
	task  *Task
	seed  uint64
	noise float64
}

var _ Fixed = lines{}

// Len implements Set.
func (l lines) Len() int { return len(bars) }

// Fixed implements Fixed.
func (l lines) Fixed() bool { return l.noise == 0 }

// Fill implements Set.
func (l lines) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(l.task, l.Len(), b, col, index); err != nil {
		return err
	}
	x := b.input(0, col)
	for i, p := range bars[index].pixels {
		x[i] = float32(p - '0')
	}
	if l.noise > 0 {
		r := newStream(l.seed, train, epoch, index)
		for i := range x {
			x[i] += float32(l.noise * r.normal())
		}
	}
	b.Label[col], b.Weight[col] = float32(bars[index].class), 1
	return nil
}
