package neurons

import (
	"slices"
	"strconv"
	"strings"

	"galvani/models/description"
)

// regionsOfSections names the regions that [[section]] tables are of, none where there is no such table.
func (r *reader) regionsOfSections() (names []string) {
	for _, t := range r.list("section") {
		name, ok := t.Value("region").(string)
		if !ok {
			name, _ = t.Value("name").(string)
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// regions reads the membrane of each region; what [membrane] says holds for all that say nothing else.
func (r *reader) regions() {
	shared := r.sub("membrane")
	all := r.sub("region")
	membrane := func(t table, key string, d description.Dimension, in description.Interval, needed bool, example string) float64 {
		switch {
		case t.Has(key):
			return t.Quantity(key, d, 0, in)
		case shared.Has(key) || !needed:
			t.Spend(key)
			return shared.Quantity(key, d, 0, in)
		}
		t.Need(key, strconv.Quote(example))
		return 0
	}
	of := r.regionsOfSections()
	for _, name := range all.Names() {
		t := all.sub(name)
		all.Called(name, name)
		if len(of) > 0 && !slices.Contains(of, name) && !t.Has("capacity") && !shared.Has("capacity") { // perhaps a slip of the pen
			t.Fail("", "has no section, which are of %s; delete it, or let one be of it", strings.Join(of, ", "))
		}
		n := Region{Name: name, Densities: map[string]float64{}}
		n.Capacity = membrane(t, "capacity", capacity, description.AboveZero, true, "1 uF/cm2")
		n.Leak = membrane(t, "leak", density, description.FromZero, true, "0.3 mS/cm2")
		n.Rest = membrane(t, "rest", voltage, description.Interval{Lo: -1000, Hi: 1000}, n.Leak > 0, "-65 mV")
		n.Axial = membrane(t, "axial", resistivity, description.AboveZero, false, "100 ohm cm")
		r.membraneWrote(t, name+".")
		r.membraneWrote(t, "")
		c := t.sub("channels")
		for _, channel := range c.Names() {
			c.Called(channel, channel)
			if c.Value(channel) == true {
				c.Spend(channel)
				n.Densities[channel] = ownDensity
			} else {
				n.Densities[channel] = c.Quantity(channel, density, 0, description.FromZero)
				r.wrote(c, channel, density, 1, name+".g_"+channel, "g_"+channel)
			}
			if !slices.ContainsFunc(r.n.Channels, func(have Channel) bool { return have.Name == channel }) {
				r.n.Channels = append(r.n.Channels, Channel{Name: channel})
			}
		}
		n.Reversals = r.reversals(t.sub("reversal"), n)
		t.Done()
		r.n.Regions = append(r.n.Regions, n)
	}
	r.membraneWrote(shared, "")
	r.tables = len(r.n.Regions)
	if shared.Has("capacity") && (r.tables == 0 || shared.Has("leak")) {
		g := Region{
			Capacity: shared.Quantity("capacity", capacity, 0, description.AboveZero), Leak: shared.Must("leak", density, description.FromZero),
			Rest: shared.Quantity("rest", voltage, 0, description.Interval{Lo: -1000, Hi: 1000}), Axial: shared.Quantity("axial", resistivity, 0, description.AboveZero),
		}
		if whole := g.Leak == 0 || shared.Has("rest"); whole {
			r.common = &g
		} else if r.tables == 0 {
			shared.Need("rest", strconv.Quote("-65 mV"))
		}
	}
	shared.Spend("capacity", "leak", "rest", "axial")
	shared.Done()
	if r.tables == 0 && r.common == nil {
		r.Fail("region", "is missing; add a table such as [region.soma] with capacity, leak and rest, or [membrane] with those of all regions")
	}
}

// reversals reads the reversal potentials of channels that are of a region alone.
func (r *reader) reversals(t table, of Region) map[string]float64 {
	own := map[string]float64{}
	for _, channel := range t.Names() {
		t.Called(channel, channel)
		if _, ok := of.Densities[channel]; !ok {
			t.Fail(channel, "is no channel of the region; give it a density under [region.%s.channels], or delete it", of.Name)
		}
		own[channel] = t.Quantity(channel, voltage, 0, description.Interval{Lo: -1000, Hi: 1000})
		r.wrote(t, channel, voltage, 1, of.Name+".e_"+channel, "e_"+channel)
	}
	t.Done()
	return own
}

// membraneWrote notes the units of the membrane of a table, of names behind a prefix.
func (r *reader) membraneWrote(t table, prefix string) {
	r.wrote(t, "capacity", capacity, 1, prefix+"cm")
	r.wrote(t, "leak", density, 1, prefix+"g_leak")
	r.wrote(t, "rest", voltage, 1, prefix+"e_leak")
}

// ownDensity stands for the density that the description of a channel has.
const ownDensity = -1

// densities fills in the densities of channels for which a region says true.
func (r *reader) densities() {
	for _, g := range r.n.Regions {
		for _, c := range r.n.Channels {
			if g.Densities[c.Name] != ownDensity {
				continue
			}
			if g.Densities[c.Name] = c.Density; c.Density == 0 {
				r.At("region."+g.Name+".channels").Fail(c.Name, "is true, and the channel has no density of its own; write %s = %q", c.Name, "1 mS/cm2")
			}
		}
	}
}
