package neurons

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/description"
)

// Numbers returns those of a name of Learnable, in the unit that the parameter has; none of another name.
func (n *Neuron) Numbers(name string) []float64 {
	var list []float64
	n.each(name, func(v float64) float64 {
		list = append(list, v)
		return v
	})
	return list
}

// Unit returns that of the numbers of a name of Learnable, empty for another name.
func (n *Neuron) Unit(name string) string {
	unit, _ := n.about(name)
	return unit
}

// Bound returns what the numbers of a name of Learnable may be.
func (n *Neuron) Bound(name string) kernels.Bound {
	_, bound := n.about(name)
	return bound
}

// about returns the unit and the bound of a name of Learnable.
func (n *Neuron) about(name string) (unit string, bound kernels.Bound) {
	bound = kernels.Free()
	c, err := n.Compile(Options{Learn: []string{name}})
	if err != nil {
		return "", bound
	}
	for _, p := range c.Params {
		if !p.Learned {
			continue
		}
		if unit, bound = p.Unit, p.Bound; p.Columns != nil {
			i := slices.IndexFunc(p.Columns, func(b kernels.Bound) bool { return b.Lo < b.Hi })
			bound = p.Columns[max(0, i)]
		}
		break
	}
	return unit, bound
}

// Set replaces the numbers of a name of Learnable.
//
// Errors: another name; another count of numbers.
func (n *Neuron) Set(name string, values []float64) error {
	if err := n.learns(name); err != nil {
		return err
	}
	if have := len(n.Numbers(name)); len(values) != have {
		return fmt.Errorf("%s has %d numbers, want %d", name, len(values), have)
	}
	n.put(name, values)
	return nil
}

// put is Set with as many numbers as there are.
func (n *Neuron) put(name string, values []float64) {
	i := -1
	n.each(name, func(float64) float64 {
		i++
		return values[i]
	})
}

// each replaces every number of a name by what f makes of it.
func (n *Neuron) each(name string, f func(float64) float64) {
	on := func(v *float64) { *v = f(*v) }
	part, of, dotted := strings.Cut(name, ".")
	for i := range n.Regions {
		r := &n.Regions[i]
		key := name
		if dotted && part == r.Name {
			key = of
		}
		switch key {
		case "cm":
			on(&r.Capacity)
		case "g_leak":
			on(&r.Leak)
		case "e_leak":
			on(&r.Rest)
		}
		for _, c := range n.Channels {
			g, ok := r.Densities[c.Name]
			if ok && key == "g_"+c.Name {
				r.Densities[c.Name] = f(g)
			}
			if ok && key == "e_"+c.Name && n.ByRegion(c.Name) {
				if r.Reversals == nil {
					r.Reversals = map[string]float64{}
				}
				r.Reversals[c.Name] = f(n.Reversal(i, c))
			}
		}
	}
	if name == "axial" {
		for i := range n.mesh.Axial {
			on(&n.mesh.Axial[i])
		}
	}
	for i := range n.Channels {
		c := &n.Channels[i]
		if name == "e_"+c.Name && !n.ByRegion(c.Name) {
			on(&c.Reversal)
		}
		for _, g := range c.Gates {
			for k, number := range g.Kinetics.Numbers() {
				if name == c.Name+"."+g.Name+"."+number {
					on(&g.Numbers[k])
				}
			}
		}
	}
	if p := n.Calcium; p != nil {
		for key, v := range map[string]*float64{"calcium.gain": &p.Gain, "calcium.rest": &p.Rest, "calcium.tau": &p.Tau} {
			if name == key {
				on(v)
			}
		}
	}
	for i := range n.Receptors {
		r := &n.Receptors[i]
		for key, v := range map[string]*float64{".rise": &r.Rise, ".decay": &r.Decay, ".reversal": &r.Reversal} {
			if name == r.Name+key {
				on(v)
			}
		}
	}
	for i := range n.Inputs {
		if in := &n.Inputs[i]; name == "w_"+in.Name {
			on(&in.Weight)
		}
	}
}

// mostLike is how many files may be like others behind each other.
const mostLike = 16

// like reads a file that says which neuron this one is like, and with which other numbers:
//
//	like = "hh"
//	[numbers]
//	g_na = [0.11]
//
// The numbers are those that may be learned, in the units of their parameters; text has its own, "110 mS/cm2".
func (r *reader) like() {
	base := r.Words("like", "")
	if r.depth >= mostLike {
		r.Fail("like", "leads through too many files; name one that describes a neuron itself")
		return
	}
	n, err := (*Neuron)(nil), error(nil)
	if !strings.HasSuffix(base, ".toml") {
		n, err = builtin(base)
	} else {
		near := func(path string) string { return filepath.Join(filepath.Dir(base), path) }
		var text []byte
		if text, err = r.open(base); err == nil {
			n, err = read(base, text, r.depth+1, func(path string) ([]byte, error) {
				if !filepath.IsAbs(path) {
					path = near(path)
				}
				return r.open(path)
			})
		}
	}
	if err != nil {
		r.Fail("like", "cannot be read: %v", err)
		return
	}
	n.Name, n.File = r.n.Name, r.n.File
	n.Doc, n.Source = r.Words("doc", n.Doc), r.Words("source", n.Source)
	*r.n = *n
	t := r.sub("numbers")
	for _, name := range t.Names() {
		v := t.Value(name)
		t.Spend(name)
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		values := make([]float64, len(list))
		for i, e := range list {
			switch e := e.(type) {
			case float64:
				values[i] = e
			case int64:
				values[i] = float64(e)
			case string: // such as "110 mS/cm2"
				d, ok := dimensions[r.n.Unit(name)]
				if !ok {
					t.Fail(name, "is %q, want numbers such as [0.1]", setting.Shorten(e))
					return
				}
				values[i] = t.Of(name, e, d, 0, description.AnyReal)
			default:
				t.Fail(name, "is %s, want numbers such as [0.1]", description.Brief(v))
				return
			}
		}
		if err := r.n.Set(name, values); err != nil {
			t.Fail(name, "cannot be set: %v", err)
		}
	}
	r.Done()
}

// dimensions are those of the units that numbers have.
var dimensions = map[string]description.Dimension{"S/cm²": density, "µF/cm²": capacity, "mV": voltage, "ms": duration, "1/ms": rate, "µS": conductance, "nA": current,
	"mM": concentration, "mM cm²/(mA ms)": gain}

// Like returns a file of a neuron that is like this one, which is called base, with other numbers of some names.
func (n *Neuron) Like(base, doc string, names []string, numbers func(name string) []float64) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "doc = %q\nlike = %q\n\n[numbers]\n", doc, base)
	for _, name := range names {
		var list []string
		for _, v := range numbers(name) {
			list = append(list, strconv.FormatFloat(v, 'g', -1, 64))
			if !strings.ContainsAny(list[len(list)-1], ".e") {
				list[len(list)-1] += ".0"
			}
		}
		fmt.Fprintf(&b, "%q = [%s] # %s\n", name, strings.Join(list, ", "), n.Unit(name))
	}
	return []byte(b.String())
}
