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
