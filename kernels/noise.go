package kernels

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"galvani/kernels/random"
)

// Noise is Gaussian noise on what a scan reads, drawn anew at every run. The numbers are those of
// random.Stream.Normal4, keyed by NoiseDraw, layer, sequence and step, so that every device has the same
// ones and nothing is kept of them.
type Noise struct {
	// Drive is the standard deviation of what is added to every drive plane that takes x·Wᵀ in, apart for
	// each sequence, step and unit; Input is that of what is added to x. 0 is no noise.
	Drive, Input float64
	// Layer tells the layers of a network apart.
	Layer uint64
}

// On reports whether there is noise.
func (n Noise) On() bool { return n.Drive > 0 || n.Input > 0 }

// NoiseDraw names the numbers of a run.
type NoiseDraw struct {
	Key   random.Stream // of seed and update
	First uint64        // the number of the first sequence of the batch in that update
}

// DriveKey and InputKey return the streams of the noise of a run, and 0 where there is none. Step t of
// sequence b of the update has the stream Stream(b).Stream(t) of it; numbers of drive plane p begin with
// word p·wordsOf(H).
func (n Noise) DriveKey(d NoiseDraw) random.Stream { return n.key(n.Drive, d, 0) }
func (n Noise) InputKey(d NoiseDraw) random.Stream { return n.key(n.Input, d, 1) }

func (n Noise) key(sd float64, d NoiseDraw, what uint64) random.Stream {
	if sd == 0 {
		return 0
	}
	return d.Key.Stream(n.Layer).Stream(what)
}

// wordsOf returns how many numbers of a stream n coarse Gaussian numbers take.
func wordsOf(n int) uint64 { return uint64(n+3) / 4 }

// addNoise sets to to from plus numbers of a stream from a word on, times a standard deviation. From may be to.
func addNoise[F Float](to, from []F, sd float64, s random.Stream, word uint64) {
	amp := F(sd)
	for i := 0; i < len(to); i += 4 {
		z := s.Normal4(word + uint64(i/4))
		for k := range min(4, len(to)-i) {
			to[i+k] = from[i+k] + amp*F(z[k])
		}
	}
}

// Draw returns the name of the noise of a run: that of the update that Update tells.
func (s Sequence) Draw() (d NoiseDraw) {
	var seed, number uint64
	if s.Update != nil {
		seed, number = s.Update()
	}
	d.Key = random.New(seed).Named("noise").Stream(number)
	if s.First != nil {
		d.First = uint64(s.First())
	}
	return d
}

// NoisyInput returns x [B,I] of step t with noise, and NoisyDrive plane number plane of the input drives
// [B,H]. They are what scans do by themselves, written for unrolled graphs.
func NoisyInput(x *gorgonia.Node, n Noise, draw func() NoiseDraw, t int) (*gorgonia.Node, error) {
	return noisy(x, n.Input, func() (random.Stream, uint64) { d := draw(); return n.InputKey(d), d.First }, t, 0)
}

func NoisyDrive(x *gorgonia.Node, n Noise, draw func() NoiseDraw, t, plane int) (*gorgonia.Node, error) {
	word := uint64(plane) * wordsOf(x.Shape()[1])
	return noisy(x, n.Drive, func() (random.Stream, uint64) { d := draw(); return n.DriveKey(d), d.First }, t, word)
}

func noisy(x *gorgonia.Node, sd float64, stream func() (random.Stream, uint64), t int, word uint64) (*gorgonia.Node, error) {
	o := noiseOp{op: newOp("noise %g of step %d from %d", sd, t, word), sd: sd, stream: stream, t: uint64(t), word: word}
	if x.Dtype() == tensor.Float64 {
		return apply(&noisyOp[float64]{noiseOp: o, buf: make([]float64, x.Shape().TotalSize())}, x.Shape(), x)
	}
	return apply(&noisyOp[float32]{noiseOp: o, buf: make([]float32, x.Shape().TotalSize())}, x.Shape(), x)
}

// noiseOp is what noisyOp is for every type of numbers.
type noiseOp struct {
	op
	sd      float64
	stream  func() (key random.Stream, first uint64)
	t, word uint64
}

func (o *noiseOp) DiffWRT(int) []bool { return []bool{true} }

func (o *noiseOp) SymDiff(_ gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{grad}, nil
}

// noisyOp is the operation behind NoisyInput and NoisyDrive.
type noisyOp[F Float] struct {
	noiseOp
	buf []F
}

func (o *noisyOp[F]) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(o.name, &err)
	x, err := Elems[F](o.name, in[0], o.out...)
	if err != nil {
		return nil, err
	}
	key, first := o.stream()
	rows, n := o.out[0], o.out[1]
	for b := range rows {
		s := key.Stream(first + uint64(b)).Stream(o.t)
		addNoise(o.buf[b*n:(b+1)*n], x[b*n:(b+1)*n], o.sd, s, o.word)
	}
	return Wrap(o.buf, o.out...), nil
}
