package sparse

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels/random"
)

// Connectors make the matrix of a projection from cols units to rows units. One with autapses left
// out has no entry (i,i).

// Part is the rows First ≤ i < Last of a matrix of so many Rows. Its methods are connectors that make these rows, which
// are the same in any part, and leave the others empty.
type Part struct{ Rows, First, Last int }

// Whole returns the part of all rows.
func Whole(rows int) Part { return Part{rows, 0, rows} }

// AllToAll connects every unit to every other.
func (p Part) AllToAll(cols int, autapses bool) (*Matrix, error) {
	return p.Probability(cols, 1, autapses, 0)
}

// OneToOne connects unit i to unit i.
func OneToOne(n int) *Matrix {
	m := &Matrix{Rows: n, Cols: n, Start: make([]int32, n+1), Col: make([]int32, n)}
	for i := range n {
		m.Start[i+1], m.Col[i] = int32(i+1), int32(i)
	}
	return m
}

// Probability connects each pair of units with probability p, independently. A row costs one random
// number per entry, not per pair, and depends on the stream and on its number alone.
//
// Errors: ErrShape for a probability that is not from 0 to 1, or more than 2³¹ entries.
func (of Part) Probability(cols int, p float64, autapses bool, s random.Stream) (*Matrix, error) {
	if !(p >= 0 && p <= 1) {
		return nil, fmt.Errorf("sparse: the probability of a connection is %v, want 0 to 1: %w", p, ErrShape)
	}
	expected := p * float64(of.Rows) * float64(cols)
	g := newGaps(math.Log1p(-p), expected)
	return of.build(cols, expected, func(i int, row []int32) []int32 {
		r, n := s.Stream(uint64(i)), uint64(0)
		for j := 0; ; j++ {
			if j += g.of(r.Uniform(n), cols-j); j >= cols {
				return row
			}
			if n++; autapses || j != i {
				row = append(row, int32(j))
			}
		}
	})
}

// FixedIn gives every row exactly k different columns, all sets of k equally likely. A row depends on the
// stream and on its number alone.
//
// Source: Floyd's sample, in Bentley and Floyd (1987), doi:10.1145/30401.315746.
//
// Errors: ErrShape for a k below 0 or beyond the columns there are.
func (of Part) FixedIn(cols, k int, autapses bool, s random.Stream) (*Matrix, error) {
	if most := cols; !autapses && of.Rows > 0 && cols > 0 {
		most--
		if k > most {
			return nil, fmt.Errorf("sparse: %d connections to each unit, want at most the %d others: %w", k, most, ErrShape)
		}
	}
	if k < 0 || k > cols {
		return nil, fmt.Errorf("sparse: %d connections to each unit, want 0 to %d: %w", k, cols, ErrShape)
	}
	taken := make([]bool, cols)
	return of.build(cols, float64(of.Rows)*float64(k), func(i int, row []int32) []int32 {
		r := s.Stream(uint64(i))
		n := cols
		if !autapses && i < cols {
			n-- // columns from i on move down by one
		}
		begin := len(row)
		for at := n - k; at < n; at++ {
			j := int32(r.Below(uint64(at), uint32(at+1)))
			if taken[j] {
				j = int32(at)
			}
			taken[j] = true
			row = append(row, j)
		}
		chosen := row[begin:]
		for c, j := range chosen {
			taken[j] = false
			if n < cols && int(j) >= i {
				chosen[c]++
			}
		}
		slices.Sort(chosen)
		return row
	})
}

// Total makes k entries, each between a row and a column that are drawn from all, whatever entries there are already, so
// that two units may be joined several times. The row of each of the k is drawn for any part.
//
// Errors: ErrShape for a number below 0 or of more than 2³¹ entries, or where there is no pair to draw.
func (of Part) Total(cols, k int, autapses bool, s random.Stream) (*Matrix, error) {
	rows, from := of.Rows, cols
	if !autapses {
		from--
	}
	if k < 0 || k > math.MaxInt32 || rows < 0 || k > 0 && (rows < 1 || from < 1) {
		return nil, fmt.Errorf("sparse: %d entries of a matrix [%d,%d], want 0 to %d: %w", k, rows, cols, math.MaxInt32, ErrShape)
	}
	in, post := make([]int, rows), s.Named("rows")
	for e := range k {
		in[post.Below(uint64(e), uint32(rows))]++
	}
	return of.build(cols, float64(k), func(i int, row []int32) []int32 {
		r, begin := s.Stream(uint64(i)), len(row)
		for n := range in[i] {
			j := int32(r.Below(uint64(n), uint32(from)))
			if !autapses && int(j) >= i { // columns from i on move up by one
				j++
			}
			row = append(row, j)
		}
		slices.Sort(row[begin:])
		return row
	})
}

// build makes the rows of a part, of a matrix of which so many entries are expected; fill appends the columns of a
// row.
func (of Part) build(cols int, expected float64, fill func(i int, row []int32) []int32) (*Matrix, error) {
	rows := of.Rows
	if rows < 0 || cols < 0 || rows >= math.MaxInt32 || cols >= math.MaxInt32 {
		return nil, fmt.Errorf("sparse: a matrix [%d,%d]: %w", rows, cols, ErrShape)
	}
	if rows > 0 {
		expected *= float64(of.Last-of.First) / float64(rows)
	}
	spread := 5 * math.Sqrt(expected) // of independent entries, which is the widest
	if expected-spread > math.MaxInt32 {
		return nil, fmt.Errorf("sparse: about %.3g entries of a matrix [%d,%d], want at most %d: %w", expected, rows, cols, math.MaxInt32, ErrShape)
	}
	most := min(expected+spread, max(expected, float64(rows)*float64(cols)), math.MaxInt32)
	m := &Matrix{Rows: rows, Cols: cols, Start: make([]int32, rows+1), Col: make([]int32, 0, int(most))}
	for i := range rows {
		if of.First <= i && i < of.Last {
			m.Col = fill(i, m.Col)
		}
		if len(m.Col) > math.MaxInt32 {
			return nil, fmt.Errorf("sparse: more than %d entries up to row %d of a matrix [%d,%d]: %w", math.MaxInt32, i, rows, cols, ErrShape)
		}
		m.Start[i+1] = int32(len(m.Col))
	}
	return m, nil
}
