package models

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"galvani/engine/cite"
	"galvani/kernels"
)

// ErrWiring means that a network cannot be wired as asked.
var ErrWiring = errors.New("bad wiring")

// Wiring says which units excite and which inhibit, and which connections between units exist.
// It holds for every dense recurrent matrix of a cell, and the read-out.
//
// With Dale's law all outgoing weights of a unit have its sign D_j: W = |Ŵ| diag(D) ∘ M, in which
// column j belongs to the presynaptic unit j and Ŵ is what is learned. The first units, a share
// ei_ratio, excite; the others inhibit. M is a mask. Where a cell subtracts its matrix, with the
// leak on the diagonal (crnn-simple), the coupling is −W and the leak stays.
//
// Initial weights are then balanced: magnitudes are uniform, those of E units smaller by the ratio
// of the numbers of E and I units, so that the mean of a row is 0; the spectral radius of a large
// matrix is that of the cell without Dale's law. Where all units are of one kind, as in controls with
// ei_ratio 1 or 0, no row can have the mean 0: the magnitudes of all columns are alike, and the mean
// of a row is the spectral radius, with the sign of the units. The read-out of a network without E
// units sees all of them.
//
// Sources: Song, Yang and Wang (2016), PLOS Computational Biology 12:e1004792, for max(0, Ŵ) and
// for a read-out of E units alone; the spectral radius follows from Girko's circular law, and for one
// kind of units from that of Perron and Frobenius.
type Wiring struct {
	Dale        bool    `toml:"dale" doc:"Dale's law: all outgoing recurrent weights of a unit have one sign"`
	EIRatio     float64 `toml:"ei_ratio" needs:"dale=true" doc:"share of the units that excite, with dale; they are the first; 0 and 1 give units of one kind" unit:"1" min:"0" max:"1"`
	DaleForm    string  `toml:"dale_form" needs:"dale=true" doc:"with dale, weights are |w| or max(0, w) times their sign, or are clamped to it after every update" oneof:"abs|relu|clamp"`
	Autapses    string  `toml:"autapses" doc:"whether units reach themselves; auto: not with dale" oneof:"auto|yes|no"`
	RecDensity  float64 `toml:"rec_density" doc:"share of the recurrent connections that exist, drawn at random" unit:"1" min:"1e-6" max:"1"`
	RecBlocks   int     `toml:"rec_blocks" doc:"blocks of units that are connected only within, or further with rec_between; each has its share of E and I units" min:"1" max:"65536"`
	RecBetween  float64 `toml:"rec_between" needs:"rec_blocks>1" doc:"share of the connections between units of different blocks that exist, drawn at random; with dale those from E units alone, as between areas of cortex" unit:"1" min:"0" max:"1"`
	RecMask     string  `toml:"rec_mask" file:"" doc:"file of the recurrent connections that exist: H lines of H zeros and ones, line i for what unit i receives; empty for all"`
	ReadoutFrom string  `toml:"readout_from" doc:"units that the read-out sees; auto: E with dale, all where no unit excites" oneof:"auto|all|E"`
	WiringSeed  int     `toml:"wiring_seed" needs:"connections=drawn" doc:"seed of rec_density and rec_between" min:"0" max:"2147483647"`
}

// WiringNotes say what the keys of Wiring leave open.
var WiringNotes = []string{
	"With dale the first units excite, round(ei_ratio H) of them with halves rounded up, and the rest inhibit.",
	"The sign is that of a weight: while what a unit sends is negative, as with activation tanh, a unit that excites inhibits. relu, sigmoid and softplus send nothing negative.",
	"A connection from unit j to unit i exists where rec_mask, the draws of rec_density and rec_between, rec_blocks and autapses all let it; every gate of a cell has the same ones.",
	"rec_density is the share within a block, rec_between that between blocks.",
	"rec_blocks B puts unit u of n into block u B / n, rounded down. With dale the units of E and of I are numbered and divided each for themselves.",
	"What acts is |w|, max(0, w) or the clamped w, by dale_form, times sign and mask; w is what is learned and stored, 0 where there is no connection, and what penalties and decay act on. Checkpoints hold wiring.mask, wiring.sign and wiring.readout beside it; galvani export and trace write what acts.",
	"readout_from auto is E with dale and all without. Where there are no E units it is all.",
}

// NewWiring returns the wiring in which every connection exists and may have either sign.
func NewWiring() Wiring {
	return Wiring{EIRatio: 0.8, DaleForm: "abs", Autapses: "auto", RecDensity: 1, RecBlocks: 1, ReadoutFrom: "auto"}
}

// Dale reports whether the units obey Dale's law.
func (n *Network) Dale() bool { return n.wiring.Dale }

// Excitatory returns the number of units that excite: the first of those with Dale's law, and
// without it 0.
func (n *Network) Excitatory() int {
	if !n.wiring.Dale {
		return 0
	}
	return n.wiring.excitatory(n.dims.H)
}

func (w Wiring) excitatory(h int) int { return int(math.Round(w.EIRatio * float64(h))) }

// check refuses settings that no network of h units can have.
func (w Wiring) check(h int) error {
	if err := checkSettings(&w); err != nil {
		return fmt.Errorf("%w: %w", err, ErrWiring)
	}
	if e := w.excitatory(h); w.Dale && w.EIRatio > 0 && w.EIRatio < 1 && (e == 0 || e == h) {
		return fmt.Errorf("models: ei_ratio is %v, which makes %d of %d units excitatory; want at least one unit of each kind, or ei_ratio 0 or 1: %w",
			w.EIRatio, e, h, ErrWiring)
	}
	if w.ReadoutFrom == "E" && (!w.Dale || w.excitatory(h) == 0) {
		why := "without dale there are no E units"
		if w.Dale {
			why = fmt.Sprintf("ei_ratio %v makes none of %d units excitatory", w.EIRatio, h)
		}
		return fmt.Errorf("models: readout_from is %q, but %s; take auto or all: %w", w.ReadoutFrom, why, ErrWiring)
	}
	if w.RecBlocks > h {
		return fmt.Errorf("models: rec_blocks is %d, want at most the %d units: %w", w.RecBlocks, h, ErrWiring)
	}
	return nil
}

// masked reports whether connections are missing, besides autapses.
func (w Wiring) masked() bool { return w.RecDensity < 1 || w.RecBlocks > 1 || w.RecMask != "" }

// autapses reports whether units reach themselves.
func (w Wiring) autapses() bool { return w.Autapses == "yes" || w.Autapses == "auto" && !w.Dale }

// wire constrains the recurrent matrices of a layer.
func (l *layer) wire() error {
	w, h := l.net.wiring, l.dims.H
	l.constraints = map[string]kernels.Reading{}
	if w.Dale || w.masked() || !w.autapses() {
		if err := l.roomForSigns(); err != nil {
			return err
		}
		mask, err := w.mask(h, l.number)
		if err != nil {
			return err
		}
		l.mask = mask
		for i := range l.params {
			if s := &l.params[i]; s.Role == kernels.Rec {
				r := w.constrain(s, h, mask)
				l.constraints[s.Name], s.Exists = r, r.Factor
			}
		}
		if len(l.constraints) == 0 {
			return fmt.Errorf("models: %s has no dense recurrent matrix, so dale, autapses, rec_density, rec_blocks and rec_mask mean nothing: %w",
				l.net.name, ErrWiring)
		}
	}
	return l.compose()
}

// wireReadout lets the read-out see the E units alone, where it is to.
func (n *Network) wireReadout() {
	w, h := n.wiring, n.dims.H
	if e := w.excitatory(h); w.Dale && w.ReadoutFrom != "all" && e > 0 {
		n.readout = kernels.WeightsConfig{R: n.dims.O, C: h}
		n.readout.Readings = []kernels.Reading{{Factor: columns(nil, n.readout, [2]int{0, e})}}
	}
}

// roomForSigns refuses signs and masks that do not fit: a mask, and a factor for each weight.
func (l *layer) roomForSigns() error {
	h, n := int64(l.dims.H), l.net
	matrices := int64(1)
	for _, s := range l.params {
		if s.Role == kernels.Rec {
			matrices += int64(s.Planes(l.dims.H))
		}
	}
	const double = 8
	if need := int64(n.levels) * matrices * h * h * double; n.within > 0 && need > n.within {
		return fmt.Errorf("models: %w: signs and masks of %d units take %d bytes, and %d are there", kernels.ErrMemory, h, need, n.within)
	}
	return nil
}

// mask returns the connections that exist in a layer, [H,H], 1 or 0; row i is what unit i receives.
// Each layer has a draw of its own.
func (w Wiring) mask(h, layer int) ([]float64, error) {
	m := full(h*h, 1)
	if w.RecMask != "" {
		read, err := readMask(w.RecMask, h)
		if err != nil {
			return nil, err
		}
		copy(m, read)
	}
	r, far := rand.New(rand.NewPCG(uint64(w.WiringSeed), uint64(layer))), rand.New(rand.NewPCG(uint64(w.WiringSeed), 1<<32+uint64(layer)))
	for k := range m {
		i, j := k/h, k%h
		drawn := w.RecDensity == 1 || r.Float64() < w.RecDensity
		if w.block(i, h) != w.block(j, h) {
			drawn = (!w.Dale || j < w.excitatory(h)) && far.Float64() < w.RecBetween
		}
		if !drawn || i == j && !w.autapses() {
			m[k] = 0
		}
	}
	return m, nil
}

// block returns the block of a unit. Each population is cut into equal parts.
func (w Wiring) block(u, h int) int {
	first, size := 0, h
	if w.Dale {
		if e := w.excitatory(h); u < e {
			size = e
		} else {
			first, size = e, h-e
		}
	}
	return (u - first) * w.RecBlocks / size
}

// sign returns that of the outgoing weights of unit j, 1 without Dale's law.
func (w Wiring) sign(j, h int) float64 {
	if w.Dale && j >= w.excitatory(h) {
		return -1
	}
	return 1
}

// constrain changes the initial values and the bound of a recurrent matrix [G·H,H] and returns how
// weights are made of it.
func (w Wiring) constrain(s *kernels.Spec, h int, mask []float64) kernels.Reading {
	clamp := w.Dale && w.DaleForm == "clamp"
	signed := !w.Dale || clamp // what is stored has its sign
	read := kernels.Reading{Factor: make([]float64, s.Len())}
	for k := range read.Factor {
		i, j := k/h%h, k%h
		f := mask[i*h+j]
		if !signed {
			f *= w.sign(j, h)
		}
		switch {
		case s.Leak && i == j:
			f = 1
			if clamp {
				f = w.sign(j, h)
			}
		case s.Leak && w.Dale:
			f = -f
		}
		read.Factor[k] = f
	}
	if !w.Dale {
		return read
	}
	switch w.DaleForm {
	case "abs":
		read.Rectifier = kernels.Absolute
	case "relu":
		read.Rectifier = kernels.Positive
	}
	w.balance(s, h, mask)
	if clamp {
		for j := range h {
			s.Columns = append(s.Columns, signBound(w.sign(j, h)))
			s.Init.Columns[j] *= w.sign(j, h)
		}
	}
	return read
}

// signBound returns the bound of numbers of one sign.
func signBound(sign float64) kernels.Bound {
	if sign < 0 {
		return kernels.Bound{Lo: math.Inf(-1)}
	}
	return atLeast(0)
}

// leakRadius is the spectral radius of the coupling of a cell whose matrix holds a leak of 1:
// half of that, so that the network starts at rest.
const leakRadius = 0.5

// balance gives a matrix initial magnitudes uniform in [0, b), E columns smaller by k = N_E/N_I.
// With a share p of connections an element of mean p·b/2 has variance b² p (1/3 − p/4), over k² in
// E columns; the sum of the variances of a row is the square of the spectral radius. With units of one
// kind the largest eigenvalue is the mean h·p·b/2 of the sums of the rows, which is above that.
func (w Wiring) balance(s *kernels.Spec, h int, mask []float64) {
	e := float64(w.excitatory(h))
	i := float64(h) - e
	p := 0.0
	for _, m := range mask {
		p += m / float64(len(mask))
	}
	radius := s.Init.A
	init := kernels.Init{Kind: kernels.Uniform, Columns: make([]float64, h)}
	if s.Leak {
		init.Diagonal, radius = s.Init.A, leakRadius
	}
	k := e / i // 0 or infinite where all units are of one kind
	balanced := e > 0 && i > 0
	switch {
	case p > 0 && !balanced:
		init.B = 2 * radius / (float64(h) * p)
	case p > 0:
		init.B = radius / math.Sqrt((e/(k*k)+i)*p*(1.0/3-p/4))
	}
	for j := range init.Columns {
		init.Columns[j] = 1
		if balanced && float64(j) < e {
			init.Columns[j] = 1 / k
		}
	}
	s.Init = init
}

// daleWork trained networks with Dale's law.
var daleWork = cite.Work{Key: "song2016training", Kind: "article", Authors: "Song, H. Francis and Yang, Guangyu Robert and Wang, Xiao-Jing",
	Title: "Training Excitatory-Inhibitory Recurrent Neural Networks for Cognitive Tasks: A Simple and Flexible Framework",
	In:    "PLOS Computational Biology", Volume: "12", Number: "2", Pages: "e1004792", Year: 2016, DOI: "10.1371/journal.pcbi.1004792"}

// References returns the works behind the choices that are in effect.
func (w Wiring) References() []cite.Work {
	if w.Dale {
		return []cite.Work{daleWork}
	}
	return nil
}
