package kernels

// Precisions are the number formats of matrix products on a GPU, and of those of scans on a CPU, which has
// fp32 and, with AVX512-BF16, bf16; states, gradients and parameters are float32 with each.
var Precisions = []string{"fp32", "tf32", "bf16"}

// Errors bounds the errors of hidden states and of gradients, relative to the largest element.
type Errors struct{ H, Grad float64 }

// Rounding bounds what rounding may do to a scan of a few steps in one of Precisions, held to the same
// scan in float64 or to another device's. fp32 has rounding errors of 6e-8, through the steps and
// sums of some hundred products in another order, and products of them in gradients. tf32 and bf16
// round the factors of products by up to u = 2⁻¹¹ and 2⁻⁹: each sum errs by up to 2u of its terms,
// which partly cancel, and errors of a step pass through the next. 16 u is twice what was seen in
// any cell over 5 steps.
func Rounding(precision string) Errors {
	switch precision {
	case "tf32":
		return Errors{16.0 / (1 << 11), 16.0 / (1 << 11)}
	case "bf16":
		return Errors{16.0 / (1 << 9), 16.0 / (1 << 9)}
	}
	return Errors{1e-5, 1e-4}
}
