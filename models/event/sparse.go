package event

// columns is a matrix by its columns, without its zeros.
type columns struct {
	start []int // of each column, and the end of the last
	row   []int32
	value []float64
}

// newColumns takes the columns of a row-major matrix [rows,cols].
func newColumns(m []float64, rows, cols int) columns {
	c := columns{start: make([]int, 1, cols+1)}
	for j := range cols {
		for i := range rows {
			if v := m[i*cols+j]; v != 0 {
				c.row, c.value = append(c.row, int32(i)), append(c.value, v)
			}
		}
		c.start = append(c.start, len(c.row))
	}
	return c
}

// column returns the rows of column j that are not zero, and their values.
func (c *columns) column(j int) ([]int32, []float64) {
	from, to := c.start[j], c.start[j+1]
	return c.row[from:to], c.value[from:to]
}

// count returns how many elements of column j are not zero.
func (c *columns) count(j int) int { return c.start[j+1] - c.start[j] }

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

// transpose returns a row-major matrix [rows,cols] as [cols,rows].
func transpose(m []float64, rows, cols int) []float64 {
	t := make([]float64, len(m))
	for i := range rows {
		for j := range cols {
			t[j*rows+i] = m[i*cols+j]
		}
	}
	return t
}
