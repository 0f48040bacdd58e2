package conform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"galvani/kernels"

	"gorgonia.org/tensor"
)

// Linear holds the affine map y = x·wᵀ + b of a device and its gradients to sums in float64, to tol of the
// largest element of each. The sizes leave tails in blocks, and one has sums over many rows.
func Linear(t *testing.T, d kernels.Device, tol float64) {
	t.Helper()
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {70, 19, 67}, {700, 33, 10}} {
		n, k, m := s[0], s[1], s[2]
		r := rand.New(rand.NewPCG(uint64(n), 1))
		x, w, b, dy := narrow(Normal(r, n, k)), narrow(Normal(r, m, k)), narrow(Normal(r, m)), narrow(Normal(r, n, m))
		plan, err := d.NewLinear(kernels.LinearConfig{N: n, K: k, M: m, Dtype: tensor.Float32})
		if err != nil {
			t.Fatal(err)
		}
		y, err := plan.Forward(Put(t, d, x), Put(t, d, w), Put(t, d, b))
		if err != nil {
			t.Fatal(err)
		}
		gotY := Floats(t, y)
		dx, dp, err := plan.Backward(Put(t, d, x), Put(t, d, w), Put(t, d, dy))
		if err != nil {
			t.Fatal(err)
		}
		want := affine(kernels.Wide(Data[float32](x)), kernels.Wide(Data[float32](w)), kernels.Wide(Data[float32](b)), kernels.Wide(Data[float32](dy)), k)
		for i, got := range [][]float32{gotY, Floats(t, dx), Floats(t, dp)} {
			Near(t, fmt.Sprintf("%v: %s", s, []string{"y", "dx", "dw and db"}[i]), got, want[i], tol)
		}
	}
}

// affine returns y, dx, and dw followed by db, of x [n,k], w [m,k], b [m] and dy [n,m].
func affine(x, w, b, dy []float64, k int) [3][]float64 {
	n, m := len(x)/k, len(b)
	y, dx, dp := make([]float64, n*m), make([]float64, n*k), make([]float64, m*k+m)
	for i := range n {
		for j := range m {
			g := dy[i*m+j]
			y[i*m+j] = b[j]
			dp[m*k+j] += g
			for l := range k {
				y[i*m+j] += x[i*k+l] * w[j*k+l]
				dx[i*k+l] += g * w[j*k+l]
				dp[j*k+l] += g * x[i*k+l]
			}
		}
	}
	return [3][]float64{y, dx, dp}
}

// narrow returns x in float32.
func narrow(x *tensor.Dense) *tensor.Dense {
	y := make([]float32, x.Shape().TotalSize())
	for i, v := range Data[float64](x) {
		y[i] = float32(v)
	}
	return kernels.Wrap(y, x.Shape()...)
}
