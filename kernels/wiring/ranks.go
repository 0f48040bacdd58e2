package wiring

import (
	"encoding/binary"
	"math"

	"galvani/kernels"
)

// A circuit of several ranks is divided by its units. Each rank steps its range of the words of every population,
// keeps the connections to it, and knows the spikes of all.

// words returns the range [lo,hi) of the words of population i that a rank has.
func (w *Wiring) words(i, rank int) (lo, hi int) {
	return kernels.RankWords(int(w.Populations[i].Words), rank, w.Ranks)
}

// units returns the range [lo,hi) of the units of population i that a rank has.
func (w *Wiring) units(i, rank int) (lo, hi int) {
	return kernels.RankUnits(int(w.Populations[i].Units), rank, w.Ranks)
}

// Part returns the range [lo,hi) of the words of population i that a worker of this rank has.
func (w *Wiring) Part(i, worker int) (lo, hi int) {
	first, last := w.words(i, w.Rank)
	n := last - first
	return first + n*worker/w.Workers, first + n*(worker+1)/w.Workers
}

// Exchange brings the spikes of the steps [from,to) of a stretch to all ranks.
//
// Errors: those of the ranks.
func (p *Plan) Exchange(from, to int) error {
	p.message = p.message[:0]
	rows := p.Spikes[from*p.Words : to*p.Words]
	for at := 0; at < len(rows); at += p.Words {
		for i, q := range p.Populations {
			lo, hi := p.words(i, p.Rank)
			begin := at + int(q.First)
			for k, set := range rows[begin+lo : begin+hi] {
				if set != 0 {
					p.message = binary.LittleEndian.AppendUint64(p.message, uint64(begin+lo+k))
					p.message = binary.LittleEndian.AppendUint64(p.message, set)
				}
			}
			clear(rows[begin : begin+lo])
			clear(rows[begin+hi : begin+int(q.Words)])
		}
	}
	all, err := p.cfg.Ranks.Gather(p.message)
	for rank, b := range all {
		for ; rank != p.Rank && len(b) > 0; b = b[16:] {
			rows[binary.LittleEndian.Uint64(b)] = binary.LittleEndian.Uint64(b[8:])
		}
	}
	return err
}

// gather fills in what other ranks have of parts, which returns the parts of a rank in an order.
func (p *Plan) gather(parts func(rank int) [][]float32) error {
	if p.Ranks == 1 {
		return nil
	}
	var own []byte
	for _, a := range parts(p.Rank) {
		for _, x := range a {
			own = binary.LittleEndian.AppendUint32(own, math.Float32bits(x))
		}
	}
	all, err := p.cfg.Ranks.Gather(own)
	for rank, b := range all {
		for _, a := range parts(rank) {
			for k := range a {
				a[k] = math.Float32frombits(binary.LittleEndian.Uint32(b))
				b = b[4:]
			}
		}
	}
	return err
}

// stateParts are those of a state that a rank has.
func (p *Plan) stateParts(s *kernels.CircuitState, rank int) (all [][]float32) {
	for i, q := range s.Populations {
		lo, hi := p.units(i, rank)
		for _, list := range [][][]float32{q.Planes, q.Currents, q.Due} {
			for _, a := range list {
				for n := int(p.Populations[i].Units); len(a) > 0; a = a[n:] {
					all = append(all, a[lo:hi])
				}
			}
		}
	}
	for _, q := range s.Plastic {
		projection := p.own[q.Projection]
		lo, hi := p.units(projection.To, rank)
		first := projection.Share.First(rank)
		all = append(all, q.Target[lo:hi], q.Weights[first:first+projection.Share.Entries[rank]])
	}
	return all
}

// voltageParts are the voltages of n steps that a rank has.
func (p *Plan) voltageParts(n, rank int) (all [][]float32) {
	for k, q := range p.Probes {
		lo, hi := p.units(int(q.Population), rank)
		if u := int(q.Unit); lo <= u && u < hi {
			all = append(all, p.V[k*n:(k+1)*n])
		}
	}
	return all
}
