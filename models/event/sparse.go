package event

import "galvani/kernels/sparse"

// columns is a matrix by its columns, without its zeros.
type columns struct {
	by    *sparse.Matrix // its rows are the columns
	value []float64
}

// newColumns takes the columns of a row-major matrix [rows,cols].
func newColumns(m []float64, rows, cols int) columns {
	byRow, values := sparse.Dense(m, rows, cols)
	by, from := byRow.Transpose()
	return columns{by, sparse.Take(values, from)}
}

// newRows takes the rows of a row-major matrix [rows,cols], as the columns of its transpose.
func newRows(m []float64, rows, cols int) columns {
	by, values := sparse.Dense(m, rows, cols)
	return columns{by, values}
}

// column returns the rows of column j that are not zero, and their values.
func (c *columns) column(j int) ([]int32, []float64) {
	return c.by.Row(j), c.value[c.by.Start[j]:c.by.Start[j+1]]
}

// count returns how many elements of column j are not zero.
func (c *columns) count(j int) int { return len(c.by.Row(j)) }

// dot returns the product of column j with a vector.
func (c *columns) dot(j int, v []float64) float64 {
	rows, values := c.column(j)
	if len(values) == len(v) {
		return dot(values, v)
	}
	sum := 0.0
	for e, i := range rows {
		sum += values[e] * v[i]
	}
	return sum
}

// dot returns a·b for vectors of one length, in four sums that do not wait for each other.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
