package main

import (
	"math"
	"strconv"
	"strings"
)

// parseSpan reads LO:HI, two numbers of a finite difference in either order.
func parseSpan(text string) (lo, hi float64, ok bool) {
	first, second, _ := strings.Cut(text, ":")
	lo, err := strconv.ParseFloat(first, 64)
	hi, err2 := strconv.ParseFloat(second, 64)
	return lo, hi, err == nil && err2 == nil && !math.IsNaN(hi-lo) && !math.IsInf(hi-lo, 0)
}
