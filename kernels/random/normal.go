package random

// quantiles are the upper half of a table of 256 quantiles of a Gaussian, in units of 2⁻¹³: number i is that
// of (128+i+1/2)/256, times a factor for which the sum of two independent ones has variance 1 (to 4e-6).
// The lower half mirrors it. TestQuantiles computes them again.
var quantiles = [128]int16{
	28, 85, 142, 199, 256, 313, 370, 427, 484, 541, 598, 655, 713, 770, 827, 885,
	942, 1000, 1058, 1116, 1174, 1232, 1290, 1348, 1407, 1465, 1524, 1583, 1642, 1701, 1761, 1821,
	1880, 1940, 2001, 2061, 2122, 2183, 2244, 2305, 2367, 2429, 2491, 2553, 2616, 2679, 2743, 2806,
	2871, 2935, 3000, 3065, 3130, 3196, 3263, 3330, 3397, 3465, 3533, 3601, 3671, 3740, 3810, 3881,
	3953, 4025, 4097, 4171, 4244, 4319, 4394, 4471, 4547, 4625, 4704, 4783, 4863, 4944, 5027, 5110,
	5194, 5280, 5366, 5454, 5543, 5633, 5725, 5818, 5913, 6009, 6107, 6207, 6308, 6412, 6518, 6626,
	6736, 6848, 6964, 7082, 7203, 7327, 7455, 7587, 7722, 7862, 8007, 8157, 8312, 8473, 8642, 8818,
	9002, 9196, 9401, 9619, 9850, 10099, 10367, 10660, 10983, 11343, 11754, 12233, 12814, 13561, 14637, 16758,
}

// quantile returns the quantile of a byte.
func quantile(b uint64) int {
	if b&128 != 0 {
		return int(quantiles[b&127])
	}
	return -int(quantiles[127-b&127])
}

// levels are the quantiles of all bytes; sums of two are exact.
var levels = func() (all [256]float32) {
	for b := range all {
		all[b] = float32(quantile(uint64(b)))
	}
	return all
}()

// Farthest is how far from 0 a coarse Gaussian number is at most.
const Farthest = 2 * 16758 * 0x1p-13

// Normal4 returns the four coarse Gaussian numbers of number i of the stream: each is the sum of two
// quantiles, which two bytes choose. They are integers times 2⁻¹³, so that every device has the same bits;
// the function Normal is finer, and its bits are those of one machine.
//
// Accuracy: mean 0, variance 1 to 4e-6, fourth moment 2.96 for 3, at most 4.09 from 0; the distribution
// function is within 0.002 of a Gaussian's (TestNormal4).
func (s Stream) Normal4(i uint64) (z [4]float32) {
	w := s.At(i)
	for k := range z {
		z[k] = (levels[w&255] + levels[w>>8&255]) * 0x1p-13
		w >>= 16
	}
	return z
}
