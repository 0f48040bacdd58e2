package data

import (
	"strconv"

	"galvani/engine/cite"
)

// Copy is the settings of the copy task: repeat a string of symbols after a delay.
//
// A sequence of T = delay + 2·symbols steps shows the symbols, then delay−1 blanks, then one
// delimiter, then blanks. Input: x [T,B,I], one-hot: categories symbols, blank, delimiter,
// I = categories+2. Target at every step: blank for the first delay+symbols steps, then the
// symbols in order; O = categories+1.
//
// Baseline: whoever answers blank, then guesses, has a mean cross-entropy of
// symbols·ln(categories)/T nats, 10 ln 8/(delay+20) by default.
//
// Source: Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, section 5.1.
type Copy struct {
	Delay      int `toml:"delay" doc:"steps from the last symbol to the start of the answer" unit:"1" min:"1" max:"100000"`
	Symbols    int `toml:"symbols" doc:"symbols to remember" unit:"1" min:"1" max:"1000"`
	Categories int `toml:"categories" doc:"kinds of symbols" unit:"1" min:"2" max:"1000"`
	Sampling
}

func init() {
	Register(Entry{
		Name:       "copy",
		Doc:        "repeat ten symbols after a delay (blank, then guessing: 10 ln 8/(delay+20) nats)",
		Source:     "Arjovsky, Shah and Bengio (2016), arXiv:1511.06464",
		References: []cite.Work{unitary},
		New: func() Config {
			return &Copy{Delay: 100, Symbols: 10, Categories: 8, Sampling: Sampling{Fresh: true, TrainSize: 10000, TestSize: 1000}}
		},
	})
}

// Open implements Config.
func (c *Copy) Open(env Env) (*Task, error) {
	if err := check("copy", c); err != nil {
		return nil, err
	}
	t := &Task{Name: "copy", T: c.Delay + 2*c.Symbols, I: c.Categories + 2, O: c.Categories + 1,
		Goal: Classify, Every: true}
	for k := range c.Categories {
		t.Classes = append(t.Classes, strconv.Itoa(k))
	}
	t.Classes = append(t.Classes, "blank")
	c.draw(t, env, func(d draws) Set { return &copies{d, *c} })
	return t, nil
}

// copies is the samples of the copy task.
type copies struct {
	draws
	cfg Copy
}

// Fill implements Set.
func (s *copies) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(s.task, s.size, b, col, index); err != nil {
		return err
	}
	blank, delimiter := s.cfg.Categories, s.cfg.Categories+1
	answer := s.cfg.Symbols + s.cfg.Delay // first step of the answer
	r := s.stream(epoch, index)
	for t := range b.T {
		x := b.input(t, col)
		clear(x)
		symbol := blank
		switch {
		case t < s.cfg.Symbols:
			symbol = r.below(s.cfg.Categories)
			b.Label[(answer+t)*b.B+col] = float32(symbol)
		case t == answer-1:
			symbol = delimiter
		}
		x[symbol] = 1
		if t < answer {
			b.Label[t*b.B+col] = float32(blank)
		}
		b.Weight[t*b.B+col] = 1
	}
	return nil
}

// unitary has the task in this form.
var unitary = cite.Work{Key: "arjovsky2016unitary", Kind: "inproceedings", Authors: "Arjovsky, Martin and Shah, Amar and Bengio, Yoshua",
	Title: "Unitary Evolution Recurrent Neural Networks",
	In:    "Proceedings of the 33rd International Conference on Machine Learning", Volume: "48", Pages: "1120-1128", Year: 2016, ArXiv: "1511.06464"}
