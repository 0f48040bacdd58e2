package data

import (
	"encoding/binary"
	"fmt"
	"hash"
	"math"
)

// masked reports whether sequences have different lengths.
func (s *sequences) masked() bool { return s.mask != nil || s.lengths != nil }

// split takes the last sequences away for a test.
func (s *sequences) split(part float64) (*sequences, error) {
	k := heldOut(s.size, part)
	if k == 0 {
		return nil, s.wrong("x", fmt.Sprintf("%s, one sequence", dims(s.x.shape)), "at least 2, to take some for the test", "write more sequences")
	}
	test := *s
	s.size -= k
	test.from, test.size = s.size, k
	return &test, nil
}

// Len implements Set.
func (s *sequences) Len() int { return s.size }

// Fixed implements Fixed.
func (s *sequences) Fixed() bool { return true }

// steps returns the number of steps of a sequence.
func (s *sequences) steps(n int) int {
	if s.lengths != nil {
		return s.lengths[n]
	}
	return s.t
}

// Fill implements Set.
func (s *sequences) Fill(b *Batch, col, _, index int) error {
	if err := checkFill(s.task, s.size, b, col, index); err != nil {
		return err
	}
	n := s.from + index
	steps := s.steps(n)
	for t := range b.T {
		in := b.input(t, col)
		on := float32(1)
		if t >= steps {
			clear(in)
			on = 0
		} else {
			s.x.copyTo(in, s.x.at(n, t))
			if s.mask != nil {
				on = s.mask.numbers.at(s.mask.at(n, t))
			}
		}
		if b.Mask != nil {
			b.Mask[t*b.B+col] = on
		}
		if b.Every {
			s.target(b, t*b.B+col, n, t, on)
		}
	}
	if !b.Every {
		s.target(b, col, n, 0, 1)
	}
	if b.Decisions != nil {
		b.Decisions[col] = s.decision[index]
	}
	return nil
}

// target writes row r of the targets: that of step t of sequence n, or nothing where on is 0.
func (s *sequences) target(b *Batch, r, n, t int, on float32) {
	if on != 0 && s.weight != nil {
		on = s.weight.numbers.at(s.weight.at(n, t))
	}
	if s.label == nil {
		value := b.Value[r*b.O : (r+1)*b.O]
		clear(value)
		if b.Weight[r] = on; on != 0 {
			s.y.copyTo(value, s.y.at(n, t))
		}
		return
	}
	b.Label[r], b.Weight[r] = 0, on
	if on != 0 {
		b.Label[r] = s.label.numbers.at(s.label.at(n, t))
	}
	if b.Label[r] == ignored {
		b.Label[r], b.Weight[r] = 0, 0
	}
}

// decide finds out how each sequence is decided: by the first answer but class 0 in the steps that ask for one.
//
// Errors: ErrCorrupt for a sequence that asks for none, or for several.
func (s *sequences) decide() error {
	s.decision = make([]Decision, s.size)
	for index := range s.decision {
		n := s.from + index
		d := Decision{First: -1}
		for t := range s.steps(n) {
			v := int(s.label.numbers.at(s.label.at(n, t)))
			if v <= Fixate || s.mask != nil && s.mask.numbers.at(s.mask.at(n, t)) == 0 {
				continue
			}
			if d.First >= 0 && v != d.Choice {
				return s.wrong("label", fmt.Sprintf("%d and later %d in sequence %d", d.Choice, v, n), "one class beside 0 in each sequence, with metric = \"trials\"", "cut the data into trials, or set metric = \"accuracy\" in data.toml")
			}
			if d.First < 0 {
				d.First, d.Choice = t, v
			}
			d.End = t + 1
		}
		if d.First < 0 {
			return s.wrong("label", fmt.Sprintf("0 throughout sequence %d", n), "a class beside 0 in each sequence, with metric = \"trials\"", "leave such sequences out, or set metric = \"accuracy\" in data.toml")
		}
		d.Earliest, d.Latest = d.First, d.End-1
		s.decision[index] = d
	}
	return nil
}

// trialSequences is sequences that are decided once.
type trialSequences struct{ *sequences }

var _ Trials = (*trialSequences)(nil)

// Trial implements Trials.
func (s *trialSequences) Trial(_, index int) Trial {
	d := s.decision[index]
	return Trial{Periods: []Period{{"fixation", 0, d.First}, {"decision", d.First, d.End}}, Choice: d.Choice, Earliest: d.Earliest, Latest: d.Latest}
}

// digest implements digestible.
func (s *sequences) digest(h hash.Hash) error {
	fmt.Fprintf(h, "sequences %d to %d, lengths %v\n", s.from, s.from+s.size, s.lengths)
	for _, f := range []*field{s.x, s.y, s.label, s.weight, s.mask} {
		if f == nil {
			continue
		}
		fmt.Fprintf(h, "%s %v\n", f.name, f.shape)
		h.Write(f.b)
		var word [4]byte
		for _, v := range f.f {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
			h.Write(word[:])
		}
	}
	return nil
}
