package bench

import "galvani/kernels"

// The roofline of a repeat is the time that a device would take for the operations of the matrix
// products alone, or for moving the sequences alone, whichever is longer. Share is that time
// over the measured one. It is a bound from below and no promise: what waits for the step before
// is not in it, and small networks spend nearly all of their time there.
//
// Operations, per sequence and time step, for G recurrent products of H units and D drives, each
// a product of H units with I inputs:
//
//	forward   2GH² + 2DHI
//	backward  4GH² + 2DHI    gradients of h and of both kinds of weights, none of x
//	                         2DHI more in layers above the first, which have I = H and a gradient of x
//
// Bytes of a GPU, per sequence and time step, 4 for each number in every precision; weights stay
// on the chip, and of the state planes h alone is kept, from which the others can be had again:
//
//	forward   d read, H written         d is the smaller of DH and I, because drives can be made
//	backward  d and H read, GH and d    of x on the chip
//	          written (gradients of products and drives)
//	weights   GH and H read once more   where there is a recurrent product
//
// With one product and drive and many inputs that is 8 bytes a unit forward and 32 in all. A training step adds 8 numbers per learned parameter: the clip reads the gradient, Adam
// reads gradient, parameter and two moments and writes the last three. Read-out, loss and the
// pointwise step are not counted.
//
// A CPU's peak is its own best matrix product, found in the same run, and its memory has no
// bound here: weights and a time step stay in its caches.
//
// Source of the model: Williams, Waterman, Patterson (2009), Communications of the ACM 52(4):65.

// Roof is the share of the roofline that a timing reaches.
type Roof struct {
	Seconds float64 `json:"seconds"` // of the roofline, for one repeat
	Limit   string  `json:"limit"`   // compute or memory
	Share   float64 `json:"share"`
}

// What limits a Roof.
const (
	limitCompute = "compute"
	limitMemory  = "memory"
)

// peak is what a device can do at most.
type peak struct {
	flops float64 // per second
	bytes float64 // per second, 0 for no bound
}

// roof returns the roofline of work that took the given time.
func (p peak) roof(flops, bytes, seconds float64) *Roof {
	r := &Roof{Seconds: flops / p.flops, Limit: limitCompute}
	if p.bytes > 0 && bytes/p.bytes > r.Seconds {
		r.Seconds, r.Limit = bytes/p.bytes, limitMemory
	}
	r.Share = r.Seconds / seconds
	return r
}

// work returns operations and bytes of one repeat of a whole network.
func (z sizes) work(what string) (flops, bytes float64) {
	rec, in := z.multiplications()
	steps := float64(z.cfg.T * z.cfg.B)
	h := float64(z.cfg.H)
	products, drives := rec/h, min(in/float64(z.cfg.I), float64(z.cfg.I)) // GH and d
	flops, numbers := steps*(2*rec+2*in), steps*(drives+h)
	if what != forward {
		flops += steps * (4*rec + 2*in)
		numbers += steps * (drives + h + products + drives)
		if products > 0 {
			numbers += steps * (products + h)
		}
	}
	if what == step {
		numbers += 8 * float64(z.learned())
	}
	bytes = 4 * numbers
	for _, c := range z.above {
		layer, passes := sizes{cfg: c}, what
		if what == step { // whose updates are counted
			passes = both
		}
		f, b := layer.work(passes)
		if _, in := layer.multiplications(); what != forward { // the gradient of the layer below
			f += steps * 2 * in
		}
		flops, bytes = flops+f, bytes+b
	}
	return flops, bytes
}

// learned returns the number of learned parameters of the network.
func (z sizes) learned() int {
	n := outputs * (z.cfg.H + 1)
	for _, c := range append([]kernels.ScanConfig{z.cfg}, z.above...) {
		for _, s := range c.Params {
			if s.Learned {
				n += s.Len()
			}
		}
	}
	return n
}

// spec is a line of a GPU's data sheet: dense products, 10¹² operations per second, and 10⁹
// bytes per second. 0 is a precision that the GPU lacks.
type spec struct {
	compute          string
	fp32, tf32, bf16 float64
	bandwidth        float64
}

// h100 is the GPU that the goals are for.
const h100 = "NVIDIA H100 80GB HBM3"

// specs are the peaks by the name that the driver gives a GPU. Names are exact, so that a part
// of a GPU (MIG) or a sister of other clocks is unknown.
//
// Source: NVIDIA's data sheets of H100, H200, A100, L4, T4 and V100, halved where they give
// rates with sparsity.
var specs = map[string]spec{
	h100:                    {"9.0", 67, 494.7, 989.4, 3350},
	"NVIDIA H100 PCIe":      {"9.0", 51, 378, 756, 2000},
	"NVIDIA H200":           {"9.0", 67, 494.7, 989.4, 4800},
	"NVIDIA L4":             {"8.9", 30.3, 60, 121, 300},
	"NVIDIA A100-SXM4-80GB": {"8.0", 19.5, 156, 312, 2039},
	"NVIDIA A100-SXM4-40GB": {"8.0", 19.5, 156, 312, 1555},
	"NVIDIA A100 80GB PCIe": {"8.0", 19.5, 156, 312, 1935},
	"NVIDIA A100-PCIE-40GB": {"8.0", 19.5, 156, 312, 1555},
	"Tesla T4":              {"7.5", 8.1, 0, 0, 320},
	"Tesla V100-SXM2-16GB":  {"7.0", 15.7, 0, 0, 900},
	"Tesla V100-SXM2-32GB":  {"7.0", 15.7, 0, 0, 900},
}

// peak returns the peaks of a GPU in its precision; false where they are unknown. The peak of
// fp32 is that of the faster way to it: multiply-adds, or three products of tf32.
func (h Hardware) peak() (peak, bool) {
	s, ok := specs[h.Name]
	if !ok || s.compute != h.Compute || h.Emulated {
		return peak{}, false
	}
	rate := map[string]float64{"fp32": max(s.fp32, s.tf32/3), "tf32": s.tf32, "bf16": s.bf16}[h.Precision]
	return peak{flops: rate * 1e12, bytes: s.bandwidth * 1e9}, rate > 0
}
