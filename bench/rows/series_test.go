package rows

import (
	"math"
	"slices"
	"testing"
)

// TestHistogram counts in even bins and in bins of even ratio; what lies beyond counts at the ends.
func TestHistogram(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bins  Bins
		x     []float64
		edges []float64
		share []float64
	}{
		{"even", Bins{From: 0, To: 3, N: 3}, []float64{-1, 0.5, 1, 9}, []float64{0, 1, 2, 3}, []float64{0.5, 0.25, 0.25}},
		{"ratio", Bins{From: 1, To: 100, N: 2, Log: true}, []float64{0.1, 2, 11, 1e9}, []float64{1, 10, 100}, []float64{0.5, 0.5}},
		{"nothing", Bins{From: 0, To: 1, N: 2}, nil, []float64{0, 0.5, 1}, []float64{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Histogram("h", tt.x, tt.bins)
			for k, share := range tt.share {
				lo, hi := s.X[2*k], s.X[2*k+1]
				if math.Abs(lo-tt.edges[k]) > 1e-12 || math.Abs(hi-tt.edges[k+1]) > 1e-9 || s.Y[2*k] != share || s.Y[2*k+1] != share {
					t.Errorf("bin %d is %v to %v with %v, want %v to %v with %v", k, lo, hi, s.Y[2*k], tt.edges[k], tt.edges[k+1], share)
				}
			}
		})
	}
}

func TestBandAndSpread(t *testing.T) {
	b := Band("b", []float64{1, 2}, []Estimate{Mean([]float64{1, 3}), Mean([]float64{5})})
	if !slices.Equal(b.Y, []float64{2, 5}) || !(b.Lo[0] < 1) || b.Lo[1] != 5 || b.Hi[1] != 5 {
		t.Errorf("band is %+v", b)
	}
	AddSpread(&b, []float64{4, 2})
	AddSpread(&b, nil)
	if b.Y[2] != 3 || b.Lo[2] != 2 || b.Hi[2] != 4 || !math.IsNaN(b.Y[3]) {
		t.Errorf("series is %+v", b)
	}
}
