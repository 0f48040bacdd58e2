//go:build cgo

package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/random"
)

// TestInputNoise holds the noise of x to the numbers of the streams that kernels.Noise names, bit for bit, whether they come
// sixteen at a time or one by one, and divided among workers.
func TestInputNoise(t *testing.T) {
	for _, isa := range ISAs {
		if Supported(isa) {
			inputNoise[float32](t, isa)
		}
	}
	inputNoise[float64](t, "float64")
}

func inputNoise[F kernels.Float](t *testing.T, isa string) {
	r := rand.New(rand.NewPCG(1, 2))
	noise, draw := kernels.Noise{Input: 0.3, Layer: 1}, kernels.NoiseDraw{Key: random.New(5), First: 7}
	for _, n := range []int{1, 3, 4, 15, 16, 17, 32, 37} {
		s := &Scan[F]{cfg: kernels.ScanConfig{T: 3, B: 5, I: n, H: 1, Noise: noise}, k: pick(isa), crew: newCrew[F](5, 5, 2, 2)}
		s.setDims()
		s.noisy = make([]F, s.noisyLen())
		x := make([]F, len(s.noisy))
		for i := range x {
			x[i] = F(r.NormFloat64())
		}
		s.run.X = x
		s.draw(draw)
		amp := F(noise.Input)
		for i, v := range x {
			step, b, k := i/n/5, i/n%5, i%n
			z := noise.InputKey(draw).Stream(draw.First + uint64(b)).Stream(uint64(step)).Normal4(uint64(k / 4))[k%4]
			x[i] = v + F(amp*F(z))
		}
		if !slices.Equal(s.noisy, x) {
			t.Errorf("%s, %d inputs: x with noise is %v, want %v", isa, n, s.noisy, x)
		}
	}
}
