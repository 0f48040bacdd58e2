package models

import "galvani/engine/cite"

// Feedback says through which weights [O,H] the error of the read-out reaches the hidden units.
type Feedback int

const (
	// Backprop takes those of the read-out.
	Backprop Feedback = iota
	// Transpose takes those of the read-out as a second matrix, copied at every update. It gives the
	// bits of Backprop, and is there to be compared with Fixed.
	Transpose
	// Fixed takes the parameter readout.feedback, random numbers that are never learned, drawn like
	// the first weights of the read-out: feedback alignment.
	Fixed
)

// Feedbacks are the names of the ways of feedback, by their number.
var Feedbacks = []string{"backprop", "transpose", "fixed"}

// FeedbackBy sets the way of feedback; Backprop without it.
func FeedbackBy(way Feedback) Option { return func(n *Network) { n.way = way } }

// References returns the works behind the way that is taken.
func (f Feedback) References() []cite.Work {
	if f == Fixed {
		return []cite.Work{alignment}
	}
	return nil
}

// alignment introduced fixed random weights on the way back.
var alignment = cite.Work{Key: "lillicrap2016random", Kind: "article", Authors: "Lillicrap, Timothy P. and Cownden, Daniel and Tweed, Douglas B. and Akerman, Colin J.",
	Title: "Random Synaptic Feedback Weights Support Error Backpropagation for Deep Learning",
	In:    "Nature Communications", Volume: "7", Pages: "13276", Year: 2016, DOI: "10.1038/ncomms13276"}
