package bench

import (
	"math"
	"testing"
)

// TestWork holds operations and bytes to sums made by hand: crnn-simple has one recurrent product
// and one drive, lstm four of both, crnn two drives and no product.
func TestWork(t *testing.T) {
	s := Shape{T: 5, B: 2, I: 7, H: 3}
	for _, tt := range []struct {
		model, what string
		flops       float64 // of one sequence and step
		numbers     float64
	}{
		// 2·9 + 2·3·7; read 3 drives, write 3
		{"crnn-simple", forward, 18 + 42, 3 + 3},
		// 6·9 + 4·3·7; and read 3 drives and 3 of h, write 3 and 3; read 3 and 3
		{"crnn-simple", both, 54 + 84, 6 + 12 + 6},
		// 8·9 + 8·3·7; of 12 drives only the 7 inputs are read
		{"lstm", forward, 72 + 168, 7 + 3},
		{"lstm", both, 216 + 336, 10 + (7 + 3 + 12 + 7) + (12 + 3)},
		{"crnn", forward, 84, 6 + 3},
		{"crnn", both, 168, 9 + (6 + 3 + 0 + 6)},
	} {
		z, err := newSizes(tt.model, s)
		if err != nil {
			t.Fatal(err)
		}
		flops, bytes := z.work(tt.what)
		if flops != tt.flops*10 || bytes != tt.numbers*10*4 {
			t.Errorf("%s %s: %v operations, %v bytes, want %v and %v", tt.model, tt.what, flops, bytes, tt.flops*10, tt.numbers*10*4)
		}
	}
	z, err := newSizes("lstm", s)
	if err != nil {
		t.Fatal(err)
	}
	// 12 rows of 7 input and 3 recurrent weights and their biases, 10 of 3 and a bias
	learned := z.learned()
	for _, p := range z.cfg.Params {
		learned -= p.Len()
	}
	if learned != 10*4 {
		t.Errorf("%d learned parameters in the read-out, want 40", learned)
	}
	_, pass := z.work(both)
	if _, update := z.work(step); update-pass != 8*4*float64(z.learned()) {
		t.Errorf("the update moves %v bytes, want 32 for each of %d parameters", update-pass, z.learned())
	}
}

// TestManyInputs holds the bytes per unit that the model states for many inputs: 8 forward, 32 in all.
func TestManyInputs(t *testing.T) {
	z, err := newSizes("crnn-simple", Shape{T: 1, B: 1, I: 64, H: 64})
	if err != nil {
		t.Fatal(err)
	}
	_, f := z.work(forward)
	if _, b := z.work(both); f != 8*64 || b != 32*64 {
		t.Errorf("%v and %v bytes a unit, want 8 and 32", f/64, b/64)
	}
}

func TestRoof(t *testing.T) {
	p := peak{flops: 1e12, bytes: 1e9}
	for _, tt := range []struct {
		flops, bytes float64
		want         Roof
	}{
		{2e12, 1e9, Roof{2, limitCompute, 0.5}},
		{1e12, 3e9, Roof{3, limitMemory, 0.75}},
	} {
		if got := p.roof(tt.flops, tt.bytes, 4); *got != tt.want {
			t.Errorf("roof of %v operations and %v bytes is %+v, want %+v", tt.flops, tt.bytes, *got, tt.want)
		}
	}
	if got := (peak{flops: 1e12}).roof(1e12, 1e30, 2); *got != (Roof{1, limitCompute, 0.5}) {
		t.Errorf("without a bound on bytes the roof is %+v", *got)
	}
}

// TestPeaks holds that a precision meets its own peak, and that unknown, emulated and partial GPUs
// have none.
func TestPeaks(t *testing.T) {
	for _, tt := range []struct {
		name, compute, precision string
		emulated                 bool
		flops                    float64 // 10¹² a second, 0 for unknown
	}{
		{h100, "9.0", "fp32", false, 494.7 / 3},
		{h100, "9.0", "tf32", false, 494.7},
		{h100, "9.0", "bf16", false, 989.4},
		{h100, "9.0", "bf16", true, 0},
		{h100, "8.0", "bf16", false, 0},
		{h100 + " MIG 1g.10gb", "9.0", "fp32", false, 0},
		{"Tesla T4", "7.5", "fp32", false, 8.1},
		{"Tesla T4", "7.5", "bf16", false, 0},
		{"Emulated GPU", "9.0", "fp32", true, 0},
	} {
		p, ok := Hardware{Name: tt.name, Compute: tt.compute, Precision: tt.precision, Emulated: tt.emulated}.peak()
		if ok != (tt.flops > 0) || math.Abs(p.flops/1e12-tt.flops) > 1e-9 && ok {
			t.Errorf("%s %s %s, emulated %v: %v operations a second, known %v, want %v·10¹²", tt.name, tt.compute, tt.precision, tt.emulated, p.flops, ok, tt.flops)
		}
	}
	for name, s := range specs {
		if s.fp32 <= 0 || s.bandwidth <= 0 || s.compute == "" || s.tf32 > s.bf16 {
			t.Errorf("%s has %+v", name, s)
		}
	}
}
