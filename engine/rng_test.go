package engine

import (
	"slices"
	"testing"
)

// TestStreamKeepsBits holds the numbers behind initial parameters and orders to those of the first
// version, so that a seed goes on meaning the same network.
func TestStreamKeepsBits(t *testing.T) {
	s := newStream(1, "init W")
	if s.At(3) != 0xbe6ebdaa26b233ad || s.Uniform(4) != 0.39620382002539767 || s.Normal(5) != -0.24254266252286957 {
		t.Errorf("numbers are %#x, %v, %v", s.At(3), s.Uniform(4), s.Normal(5))
	}
	order := make([]int, 8)
	if s.Permute(order); !slices.Equal(order, []int{3, 0, 4, 5, 6, 2, 7, 1}) {
		t.Errorf("order is %v", order)
	}
}
