package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"galvani/cmd/galvani/internal/config"
)

// byteUnits are the units of amounts of memory, powers of 1024 with i and of 1000 without.
var byteUnits = []struct {
	name string
	size float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseBytes reads an amount of memory such as 8GiB, 500 MB or 4096; empty is 0.
func parseBytes(key, text string) (int64, error) {
	number, size := strings.TrimSpace(text), 1.0
	if number == "" {
		return 0, nil
	}
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, size = strings.TrimSpace(n), u.size
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v > 0) || v*size > math.MaxInt64/2 || v*size < 1 {
		return 0, fmt.Errorf("%w: key %q is %q, want an amount of memory such as 8GiB or 500MB", config.ErrConfig, key, text)
	}
	return int64(v * size), nil
}
