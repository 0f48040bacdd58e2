package bench

import "galvani/bench/rows"

// Row is one measurement, one line of a results file. It holds every raw time, so that any
// other statistic can be made of it later.
type Row struct {
	rows.Head
	Case    string   `json:"case"` // gemm, scan, graph, train, peer, matrix, latency, events, neuron, network, rules, scale, apart or sum
	Model   string   `json:"model,omitempty"`
	What    string   `json:"what"` // what is timed, e.g. product, forward+backward, training step
	Shape   Shape    `json:"shape,omitzero"`
	Ranks   int      `json:"ranks,omitempty"` // of the subject
	Bytes   int      `json:"bytes,omitempty"` // of a sum
	Gate    *float64 `json:"gate,omitempty"`  // largest relative deviation in the numerical gate
	Subject Timing   `json:"subject"`
	// Reference was timed in the same blocks, subject and reference in turns.
	Reference *Timing    `json:"reference,omitempty"`
	Ratio     *Ratio     `json:"ratio,omitempty"`
	Goal      *Goal      `json:"goal,omitempty"`
	Events    *EventWork `json:"events,omitempty"`
	Note      string     `json:"note,omitempty"`     // why a device is missing; what a simulator of neurons found
	Emulated  bool       `json:"emulated,omitempty"` // on an emulated GPU: says nothing about hardware
}

// Shape is the size of a sequence batch.
type Shape struct {
	T int `json:"T"`
	B int `json:"B"`
	I int `json:"I"`
	H int `json:"H"`
}

// Timing is how long one thing took.
type Timing struct {
	Name     string        `json:"name"`            // e.g. "cpu avx512 x2", "torch 2.1 script"
	FLOPs    float64       `json:"flops,omitempty"` // counted for one repeat; 0 where nothing is counted
	Seconds  []float64     `json:"seconds"`         // every repeat, in order, or every block (Repeats)
	Median   float64       `json:"median"`
	Interval rows.Interval `json:"interval"` // 95 %, bootstrap over blocks

	// What follows is of whole networks in the matrix of devices.

	// Repeats is how many each of Seconds is the mean of. On a GPU they were queued, and waited
	// for once.
	Repeats    int       `json:"repeats,omitempty"`
	Device     *Hardware `json:"device,omitempty"`
	PerSecond  float64   `json:"sequences_per_second,omitempty"`
	Roof       *Roof     `json:"roofline,omitempty"`    // nil where the peaks of the device are unknown
	MemoryHigh int64     `json:"memory_high,omitempty"` // bytes on the device, at most at a time
}

// Ratio compares subject and reference.
type Ratio struct {
	// Kind is "cost": time of the subject over the time that its FLOPs take at the rate of the
	// reference, or over that of the reference where none are counted; or "speed-up": time of the reference over that of the subject.
	Kind     string        `json:"kind"`
	Value    float64       `json:"value"`
	Interval rows.Interval `json:"interval"`
	Bound    float64       `json:"bound,omitempty"` // largest cost or least speed-up; 0 for none
	Pass     *bool         `json:"pass,omitempty"`  // nil without a bound
}

// The kinds of Ratio.
const (
	Cost    = "cost"
	SpeedUp = "speed-up"
)

// GFLOPs returns the rate in 10⁹ operations per second, 0 where nothing is counted.
func (t Timing) GFLOPs() float64 { return t.FLOPs / t.Median / 1e9 }

// NsPerUnitStep returns the time per hidden unit, sequence and step; 0 for no shape, and for what is of the
// start of a program.
//
// Units: ns.
func (r Row) NsPerUnitStep() float64 {
	n := r.Shape.T * r.Shape.B * r.Shape.H
	if n == 0 || r.What == first {
		return 0
	}
	return r.Subject.Median / float64(n) * 1e9
}
