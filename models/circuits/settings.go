package circuits

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"galvani/engine/setting"
	"galvani/models/description"
)

// Taken are the names that a setting cannot have, as flags of commands that take a network have them, '-' for '_'.
var Taken = []string{"device", "dt", "for", "help", "json", "out", "rate_limit", "resume", "save", "save_every", "seed", "set", "step", "storage", "sweep", "threads", "window"}

// settingForm is what a setting may be called: what a formula can name.
var settingForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Read reads the file of a network, with its settings as the file has them.
//
// Errors: *description.Mistake, with line and key.
func Read(file string, text []byte) (*Network, error) {
	t, err := description.Open(file, text)
	if err != nil {
		return nil, err
	}
	n := &Network{Name: stem(file), File: file, text: text}
	fields := n.head(t)
	if err := t.Err(); err != nil {
		return nil, err
	}
	// The settings are the fields of a struct, so that they are read, shown and refused as those of a cell are.
	v := reflect.New(reflect.StructOf(fields.types))
	for i, x := range fields.values {
		if f := v.Elem().Field(i); f.CanInt() {
			f.SetInt(int64(x))
		} else {
			f.SetFloat(x)
		}
	}
	if n.Keys, err = setting.Keys("network "+n.Name, v.Interface()); err != nil {
		return nil, err
	}
	b, err := n.Blueprint(n.Step) // whatever else is wrong
	if err == nil {
		n.files = b.files
	}
	return n, err
}

// fields are the settings as those of a struct.
type fields struct {
	types  []reflect.StructField
	values []float64
}

// head reads what Load knows of a network.
func (n *Network) head(t *description.Table) (f fields) {
	n.Doc, n.Source = t.Words("doc", ""), t.Words("source", "")
	n.Step, _ = t.Step(0.1)
	all := t.Sub("setting")
	for _, name := range all.Names() {
		s := all.Sub(name)
		switch {
		case !settingForm.MatchString(name):
			all.Fail(name, "is called %q, want a small letter and at most 31 small letters, digits or _ behind it", name)
		case slices.Contains(Taken, name) || description.Function(name):
			all.Fail(name, "is called %q, which means something else; give it another name", name)
		}
		f.add(name, s)
	}
	return f
}

// add reads a setting.
func (f *fields) add(name string, s *description.Table) {
	if !s.Need("value", "1") {
		return
	}
	doc, unit := s.Words("doc", ""), s.Words("unit", "")
	lo, hi := s.Number("min", -math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64), s.Number("max", math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64)
	if lo > hi {
		s.Fail("min", "is more than max; exchange them")
	}
	kind := reflect.TypeFor[float64]()
	if _, whole := s.Value("value").(int64); whole {
		kind = reflect.TypeFor[int]()
		lo, hi = max(lo, math.MinInt32), min(hi, math.MaxInt32)
	}
	value := s.Number("value", 0, lo, hi)
	s.Done()
	tag := "toml:" + strconv.Quote(name)
	for key, text := range map[string]string{"doc": doc, "unit": unit, "min": bound(s, "min", lo), "max": bound(s, "max", hi)} {
		if text != "" {
			tag += " " + key + ":" + strconv.Quote(text)
		}
	}
	f.types = append(f.types, reflect.StructField{Name: fmt.Sprint("Setting", len(f.types)), Type: kind, Tag: reflect.StructTag(tag)})
	f.values = append(f.values, value)
}

// bound writes a bound, nothing for one that the file has not.
func bound(s *description.Table, key string, x float64) string {
	if !s.Has(key) {
		return ""
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// names returns the settings as formulas name them.
func (n *Network) names() map[string]float64 {
	all := map[string]float64{}
	for _, k := range n.Keys {
		switch x := k.Value().(type) {
		case int:
			all[k.Name] = float64(x)
		case float64:
			all[k.Name] = x
		}
	}
	return all
}
