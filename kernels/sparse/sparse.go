package sparse

import (
	"errors"
	"fmt"
	"math"
)

// ErrShape marks entries that do not fit a matrix, or numbers that do not describe one.
var ErrShape = errors.New("bad sparse matrix")

// Matrix is the entries of a matrix by its rows (CSR): those of row i are at
// Start[i] ≤ k < Start[i+1], with the columns Col[k] in rising order unless its maker says otherwise.
type Matrix struct {
	Rows, Cols int
	Start      []int32 // [Rows+1]
	Col        []int32
}

// Len returns the number of entries.
func (m *Matrix) Len() int { return len(m.Col) }

// Row returns the columns of row i.
func (m *Matrix) Row(i int) []int32 { return m.Col[m.Start[i]:m.Start[i+1]] }

// Only returns the matrix with the entries of the rows lo ≤ i < hi alone, which it shares.
func (m *Matrix) Only(lo, hi int) *Matrix {
	first, last := m.Start[lo], m.Start[hi]
	own := &Matrix{Rows: m.Rows, Cols: m.Cols, Start: make([]int32, m.Rows+1), Col: m.Col[first:last]}
	for i, at := range m.Start {
		own.Start[i] = min(max(at, first), last) - first
	}
	return own
}

// Entries returns a matrix of entries (post[e], pre[e]) that come in any order, and where each of its
// entries k came from: e = from[k]. Entries of one row keep their order, whatever their columns.
//
// Errors: ErrShape for lists of different lengths or an entry outside the matrix.
func Entries(rows, cols int, post, pre []int32) (m *Matrix, from []int32, err error) {
	if len(post) != len(pre) || len(post) > math.MaxInt32 {
		return nil, nil, fmt.Errorf("sparse: %d rows and %d columns of entries, want as many: %w", len(post), len(pre), ErrShape)
	}
	m = &Matrix{Rows: rows, Cols: cols, Start: make([]int32, rows+1), Col: make([]int32, len(pre))}
	for e, i := range post {
		if i < 0 || int(i) >= rows || pre[e] < 0 || int(pre[e]) >= cols {
			return nil, nil, fmt.Errorf("sparse: entry %d is in row %d, column %d of a matrix [%d,%d]: %w", e, i, pre[e], rows, cols, ErrShape)
		}
		m.Start[i+1]++
	}
	for i := range rows {
		m.Start[i+1] += m.Start[i]
	}
	at := append([]int32(nil), m.Start[:rows]...)
	from = make([]int32, len(pre))
	for e, i := range post {
		k := at[i]
		m.Col[k], from[k] = pre[e], int32(e)
		at[i]++
	}
	return m, from, nil
}

// Transpose returns the matrix by its columns (CSC), as the rows of another matrix, and where each of
// its entries is in m. Columns of a row come out in rising order.
func (m *Matrix) Transpose() (t *Matrix, from []int32) {
	t = &Matrix{Rows: m.Cols, Cols: m.Rows, Start: make([]int32, m.Cols+1), Col: make([]int32, m.Len())}
	for _, j := range m.Col {
		t.Start[j+1]++
	}
	for j := range m.Cols {
		t.Start[j+1] += t.Start[j]
	}
	at := append([]int32(nil), t.Start[:m.Cols]...)
	from = make([]int32, m.Len())
	for i := range m.Rows {
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			j := m.Col[k]
			t.Col[at[j]], from[at[j]] = int32(i), k
			at[j]++
		}
	}
	return t, from
}

// Dense returns the entries of a row-major matrix [rows,cols] that are not zero, and their values.
func Dense[F float32 | float64](values []F, rows, cols int) (*Matrix, []F) {
	m := &Matrix{Rows: rows, Cols: cols, Start: make([]int32, 1, rows+1)}
	var kept []F
	for i := range rows {
		for j, v := range values[i*cols : (i+1)*cols] {
			if v != 0 {
				m.Col, kept = append(m.Col, int32(j)), append(kept, v)
			}
		}
		m.Start = append(m.Start, int32(len(m.Col)))
	}
	return m, kept
}

// Take returns values in another order: those of the entries that from lists.
func Take[T any](values []T, from []int32) []T {
	out := make([]T, len(from))
	for k, e := range from {
		out[k] = values[e]
	}
	return out
}

// Neighbours returns the symmetric matrix of the edges i[e]–j[e] between units, and which edge each of
// its entries is. The entries of a row are in the order of the edges, and an edge from a unit to
// itself is there twice.
//
// Errors: those of Entries.
func Neighbours(units int, i, j []int32) (m *Matrix, edge []int32, err error) {
	if len(i) != len(j) {
		return nil, nil, fmt.Errorf("sparse: %d and %d ends of edges, want as many: %w", len(i), len(j), ErrShape)
	}
	post, pre := make([]int32, 0, 2*len(i)), make([]int32, 0, 2*len(i))
	for e := range i {
		post, pre = append(post, i[e], j[e]), append(pre, j[e], i[e])
	}
	if m, edge, err = Entries(units, units, post, pre); err != nil {
		return nil, nil, err
	}
	for k := range edge {
		edge[k] /= 2
	}
	return m, edge, nil
}
