package compartments

import "math"

// Layout is a neuron as devices run it: lists of places, and rows, one number of each sequence, that
// follow from the parameters. A place is a unit in the order of the tree, in which parents come first.
// Its structs are those of neuron.h.
type Layout struct {
	Dims      Dims
	Place     []int32 // of each unit
	Index     []int32 // the lists of places
	Channels  []ChannelLayout
	Gates     []GateLayout
	Receptors []ReceptorLayout
	Inputs    []InputLayout
	rows      []row
	rules     []rule
	base      [][]float64 // Neuron.Base
	each      bool        // Neuron.Each
	learned   func(param int) bool
}

// Dims are the sizes of a scan and where its rows lie: struct neuron_dims.
type Dims struct {
	B, I, U, H, Substeps                                 int64
	Planes, Channels, Receptors, Inputs, Second, Calcium int32
	Rows, Capacity, Leak, Rest, Axial, Area, Pool        int64
	Tree, Record                                         int32
}

// ChannelLayout is struct neuron_channel.
type ChannelLayout struct {
	Units, Places, Gate, Gates, Calcium int32
	Density, Reversal                   int64
}

// GateLayout is struct neuron_gate.
type GateLayout struct {
	Kinetics                      int32
	Forms                         [2]int32
	Power, Plane, Numbers, Learns int32
	Row                           int64
	Speed, Through                float64
}

// ReceptorLayout is struct neuron_receptor.
type ReceptorLayout struct {
	Units, Places, Plane int32
	Row                  int64
	Rise                 int32
}

// InputLayout is struct neuron_input.
type InputLayout struct {
	From, Place, Receptor int32
	Weight                int64
}

// row is factor times a quantity, or with inverse divided by it.
type row struct {
	value    float64 // with relative that of an element of 0
	param    int     // below 0: the value
	element  int
	inverse  bool
	relative bool // value times exp of the element
	factor   float64
}

// rule makes rows from some quantities, with the derivatives of each by each.
type rule struct {
	row int
	of  []row
	f   func(of []float64) (rows []float64, slopes [][]float64)
}

// NewLayout lays out a neuron that Check takes, for b sequences of so many inputs. Learned tells which
// parameters are learned.
func NewLayout(n *Neuron, b, inputs int, learned func(param int) bool) *Layout {
	u := n.Units()
	l := &Layout{Place: make([]int32, u), base: n.Base, each: n.Each, learned: learned}
	for k, unit := range n.Tree.Unit {
		l.Place[unit] = int32(k)
	}
	record := n.Record
	if record == nil {
		record = make([]int32, u)
		for i := range record {
			record[i] = int32(i)
		}
	}
	d := &l.Dims
	*d = Dims{B: int64(b), I: int64(inputs), U: int64(u), H: int64(len(record)), Substeps: int64(n.Substeps), Planes: int32(n.States()),
		Channels: int32(len(n.Channels)), Receptors: int32(len(n.Receptors)), Inputs: int32(len(n.Inputs)), Second: flag(n.Second)}
	d.Tree = int32(len(l.Index))
	l.Index = append(l.Index, n.Tree.Parent...)
	d.Record = l.places(record)
	for r := range n.Receptors { // step.h reads delays behind the recorded places
		l.Index = append(l.Index, int32(n.Delays(r)))
	}
	for _, in := range n.Inputs {
		l.Index = append(l.Index, int32(in.Delay))
	}
	each := func(q Quantity, factor func(unit int) float64) int64 {
		at := l.next()
		for _, unit := range n.Tree.Unit {
			l.add(q, int(unit), factor(int(unit)))
		}
		return at
	}
	one := func(int) float64 { return 1 }
	d.Capacity = each(n.Capacity, func(i int) float64 { return n.Area[i] * 1e-5 / n.Dt })
	d.Leak = each(n.Leak, func(i int) float64 { return n.Area[i] * 1e-2 })
	d.Rest = each(n.Rest, one)
	d.Axial = l.next()
	for k := range n.Tree.Unit {
		if e := n.Tree.Edge[k]; e >= 0 {
			l.add(n.Axial, int(e), 1)
		} else {
			l.add(Fixed(0), 0, 1)
		}
	}
	d.Area = each(Fixed(1), func(i int) float64 {
		if n.Area[i] == 0 {
			return 0
		}
		return 1 / (n.Area[i] * 1e-2)
	})
	plane := l.channels(n, learned)
	d.Pool = l.next()
	if p := n.Calcium; p != nil {
		d.Calcium = plane
		plane++
		l.rule(3, n.poolRows, p.Gain, p.Rest, p.Tau)
	}
	l.receptors(n, plane)
	for _, in := range n.Inputs {
		l.Inputs = append(l.Inputs, InputLayout{From: int32(in.From), Place: l.Place[in.Unit], Receptor: int32(max(-1, in.Receptor)), Weight: l.next()})
		l.add(in.Weight, 0, 1)
	}
	d.Rows = l.next()
	return l
}

// channels lays out the channels and returns the plane behind those of their gates.
func (l *Layout) channels(n *Neuron, learned func(param int) bool) (plane int32) {
	plane = 1
	for _, c := range n.Channels {
		k := ChannelLayout{Units: int32(len(c.Units)), Places: l.places(c.Units), Gate: int32(len(l.Gates)), Gates: int32(len(c.Gates)),
			Density: l.next(), Calcium: flag(c.Calcium)}
		for i, unit := range c.Units {
			l.add(c.Density, i, n.Area[unit]*1e-2)
		}
		k.Reversal = l.next()
		l.add(c.Reversal, 0, 1)
		for _, g := range c.Gates {
			h := GateLayout{Kinetics: int32(g.Kinetics), Forms: [2]int32{int32(g.Forms[0]), int32(g.Forms[1])}, Power: int32(g.Power), Plane: plane,
				Numbers: int32(len(g.Numbers)), Row: l.next(), Speed: n.Dt * g.Speed, Through: 1 - g.Held}
			plane++
			for i, q := range g.Numbers {
				if q.Param >= 0 && learned(q.Param) {
					h.Learns = 1
				}
				l.add(q, 0, 1)
				l.rows[len(l.rows)-1].inverse = slope(g.Kinetics, i)
			}
			l.Gates = append(l.Gates, h)
		}
		l.Channels = append(l.Channels, k)
	}
	return plane
}

// receptors lays out the receptors, from a plane on.
func (l *Layout) receptors(n *Neuron, plane int32) {
	for r, k := range n.Receptors {
		var units []int32
		seen := make([]bool, n.Units())
		for _, in := range n.Inputs {
			if in.Receptor == r && !seen[in.Unit] {
				seen[in.Unit] = true
				units = append(units, int32(in.Unit))
			}
		}
		rise, f := k.Rise.Param >= 0 || k.Rise.Value > 0, n.receptorRows
		if !rise {
			f = n.decayRows
		}
		l.Receptors = append(l.Receptors, ReceptorLayout{Units: int32(len(units)), Places: l.places(units), Plane: plane, Row: l.next(), Rise: flag(rise)})
		plane += 2 + int32(n.Delays(r))
		l.rule(5, f, k.Rise, k.Decay, k.Reversal)
	}
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// slope tells whether number i of a gate divides.
func slope(k Kinetics, i int) bool {
	switch k {
	case Rates:
		return i == 2 || i == 5
	case ByCalcium:
		return false
	}
	return i == 1 || i == 5 || i == 7
}

// next is the row that is added next.
func (l *Layout) next() int64 { return int64(len(l.rows)) }

// places adds a list of places. Units of planes behind V have theirs behind the places of V.
func (l *Layout) places(units []int32) int32 {
	at, all := int32(len(l.Index)), int32(len(l.Place))
	for _, u := range units {
		l.Index = append(l.Index, u/all*all+l.Place[u%all])
	}
	return at
}

func (l *Layout) source(q Quantity, i int, factor float64) row {
	r := row{value: q.Value, param: q.Param, element: q.Element(i), factor: factor}
	if q.Param >= 0 && q.Param < len(l.base) && l.base[q.Param] != nil {
		r.value, r.relative = l.base[q.Param][r.element], true
	}
	return r
}

func (l *Layout) add(q Quantity, i int, factor float64) {
	l.rows = append(l.rows, l.source(q, i, factor))
}

// rule adds rows that are made of several quantities.
func (l *Layout) rule(rows int, f func([]float64) ([]float64, [][]float64), of ...Quantity) {
	r := rule{row: len(l.rows), f: f}
	for _, q := range of {
		r.of = append(r.of, l.source(q, 0, 1))
	}
	l.rules = append(l.rules, r)
	l.rows = append(l.rows, make([]row, rows)...)
	for i := range rows {
		l.rows[r.row+i] = row{param: -1}
	}
}

// Rows returns the number of rows.
func (l *Layout) Rows() int { return len(l.rows) }

// Each reports whether sequences have rows of their own.
func (l *Layout) Each() bool { return l.each }

// Learned reports whether one of n rows from row at on, which follow no rule, is made of a learned parameter.
func (l *Layout) Learned(at, n int64) bool {
	for _, r := range l.rows[at : at+n] {
		if r.param >= 0 && l.learned(r.param) {
			return true
		}
	}
	return false
}

// Steepness returns the largest 1/|k|, in 1/mV, of slopes of n gates from gate first on, given the rows of a sequence. It is
// false where they follow calcium, or where their numbers are learned or those of single sequences.
func (l *Layout) Steepness(first, n int, rows []float64) (steepest float64, ok bool) {
	for _, g := range l.Gates[first : first+n] {
		if Kinetics(g.Kinetics) == ByCalcium {
			return 0, false
		}
		for i := range int(g.Numbers) {
			at := int(g.Row) + i
			if p := l.rows[at].param; p >= 0 && (l.each || l.learned(p)) {
				return 0, false
			}
			if slope(Kinetics(g.Kinetics), i) {
				steepest = max(steepest, math.Abs(rows[at])) // NaN stays
			}
		}
	}
	return steepest, true
}

func (r row) read(params [][]float64) float64 {
	switch {
	case r.param < 0:
		return r.value
	case r.relative:
		return r.value * math.Exp(params[r.param][r.element])
	}
	return params[r.param][r.element]
}

// slope returns the derivative of a quantity by its element, given the quantity.
func (r row) slope(v float64) float64 {
	if r.relative {
		return v
	}
	return 1
}

// Values writes the rows of one sequence, given its parameters.
func (l *Layout) Values(params [][]float64, rows []float64) {
	for i, r := range l.rows {
		if v := r.read(params); r.inverse {
			rows[i] = r.factor / v
		} else {
			rows[i] = r.factor * v
		}
	}
	for _, r := range l.rules {
		v, _ := r.f(r.values(params))
		copy(rows[r.row:], v)
	}
}

func (r rule) values(params [][]float64) []float64 {
	v := make([]float64, len(r.of))
	for i, q := range r.of {
		v[i] = q.read(params)
	}
	return v
}

// Gradient adds to grads what the gradients of the rows of one sequence make of its parameters.
func (l *Layout) Gradient(params [][]float64, rows []float64, grads [][]float64) {
	for i, r := range l.rows {
		if r.param < 0 {
			continue
		}
		g, v := rows[i]*r.factor, r.read(params)
		if r.inverse {
			g /= -v * v
		}
		grads[r.param][r.element] += g * r.slope(v)
	}
	for _, r := range l.rules {
		values := r.values(params)
		_, slopes := r.f(values)
		for i, q := range r.of {
			for k := range slopes {
				if q.param >= 0 {
					grads[q.param][q.element] += rows[r.row+k] * slopes[k][i] * q.slope(values[i])
				}
			}
		}
	}
}

// poolRows are those of a calcium pool, of gain, rest and tau: a current i adds −gain·tau·(1−D)·i, and D =
// exp(−dt/tau) is left.
func (n *Neuron) poolRows(of []float64) ([]float64, [][]float64) {
	gain, rest, tau := of[0], of[1], of[2]
	d := math.Exp(-n.Dt / tau)
	dd := d * n.Dt / (tau * tau)
	part := -math.Expm1(-n.Dt / tau)
	return []float64{gain * tau * part, rest, d},
		[][]float64{{tau * part, 0, gain * (part - tau*dd)}, {0, 1, 0}, {0, 0, dd}}
}

// decayRows are those of a receptor without a rise, of rise, decay and reversal.
func (n *Neuron) decayRows(of []float64) ([]float64, [][]float64) {
	d := math.Exp(-n.Dt / of[1])
	return []float64{d, 0, 0, 1, of[2]},
		[][]float64{{0, d * n.Dt / (of[1] * of[1]), 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 1}}
}

// receptorRows are those of a receptor with a rise. An event at time 0 makes
//
//	y(t) = (exp(−bt) − exp(−at))/(a − b),  a = 1/rise, b = 1/decay
//
// of a peak at ln(a/b)/(a−b), where it does not depend on the place of the peak.
func (n *Neuron) receptorRows(of []float64) ([]float64, [][]float64) {
	a, b := 1/of[0], 1/of[1]
	left := func(x float64) (d, slope float64) { d = math.Exp(-n.Dt * x); return d, d * n.Dt * x * x }
	dx, sx := left(b)
	dy, sy := left(a)
	mix, ma, mb := course(a, b, n.Dt)
	top := 1 / b
	if w := (a - b) / b; w != 0 {
		top = math.Log1p(w) / w / b
	}
	peak, pa, pb := course(a, b, top)
	k := -1 / (peak * peak)
	da, db := -a*a, -b*b // of a by rise, of b by decay
	return []float64{dx, dy, mix, 1 / peak, of[2]},
		[][]float64{{0, sx, 0}, {sy, 0, 0}, {ma * da, mb * db, 0}, {k * pa * da, k * pb * db, 0}, {0, 0, 1}}
}

// course returns y(t) of receptorRows and its derivatives by a and b. It is exp(−at) t E(z), z = (a−b)t,
// with E(z) = (exp(z) − 1)/z.
func course(a, b, t float64) (y, ya, yb float64) {
	z := (a - b) * t
	var e, de float64
	if math.Abs(z) < 1e-3 {
		e, de = 1+z/2+z*z/6+z*z*z/24, 0.5+z/3+z*z/8+z*z*z/30
	} else {
		e = math.Expm1(z) / z
		de = (math.Exp(z) - e) / z
	}
	d := math.Exp(-a*t) * t
	return d * e, -t*d*e + d*t*de, -d * t * de
}
