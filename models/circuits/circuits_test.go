package circuits

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/engine/hostmem"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
)

// load returns a built-in network with settings such as "n=100 p=0.5".
func load(t *testing.T, name, settings string) *Blueprint {
	t.Helper()
	n, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	set(t, n, settings)
	b, err := n.Blueprint(n.Step)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func set(t *testing.T, n *Network, settings string) {
	t.Helper()
	for _, pair := range strings.Fields(settings) {
		name, value, _ := strings.Cut(pair, "=")
		at := slices.IndexFunc(n.Keys, func(k setting.Key) bool { return k.Name == name })
		if at < 0 {
			t.Fatalf("%s has no setting %s", n.Name, name)
		}
		if err := n.Keys[at].Parse(value); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSize wants the size that is known before a network is drawn to be that of its circuit, within four
// standard deviations of the number of entries.
func TestSize(t *testing.T) {
	for _, name := range Names() {
		net := load(t, name, map[string]string{"microcircuit": "scale=0.02"}[name])
		c, err := net.Draw(3)
		if err != nil {
			t.Fatal(err)
		}
		want, got := c.Size(), net.Size()
		if math.Abs(got.Entries-want.Entries) > 4*math.Sqrt(want.Entries) || math.Abs(got.Largest-want.Largest) > 4*math.Sqrt(want.Largest) {
			t.Errorf("%s: %g entries are expected, %g drawn", name, got.Entries, want.Entries)
		}
		got.State += want.Plastic - got.Plastic // a weight of each
		if slices.ContainsFunc(net.Connections, func(q Connection) bool { return q.Delay.Form == Normal }) && got.State < 3*want.State {
			want.State = max(got.State, want.State) // the longest delay that is to be expected is longer
			if got.Arrays < 3*want.Arrays {
				want.Arrays = max(got.Arrays, want.Arrays)
			}
		}
		if got.Entries, got.Largest, got.Plastic = want.Entries, want.Largest, want.Plastic; got != want || want.Units == 0 {
			t.Errorf("%s: the size is %+v, that of the circuit %+v", name, got, want)
		}
	}
}

// simulator takes a byte of the host for each entry.
type simulator struct{ kernels.Device }

func (simulator) NewCircuit(*kernels.Circuit) (kernels.CircuitPlan, error) { return nil, nil }
func (simulator) CircuitBytes(s kernels.CircuitSize) (host, device float64) {
	return s.Entries, 0
}

// TestFits wants a network to be refused in one line for want of a byte.
func TestFits(t *testing.T) {
	net := load(t, "balanced", "n=100 p=0.5")
	size := net.Size()
	need := int64(math.Ceil(size.Bytes() + size.Entries))
	room := hostmem.Room{Bytes: need + 7, Limit: "a limit", Reserve: 7}
	if err := net.Fits(simulator{}, 1, 0, room, true); err != nil {
		t.Errorf("%d bytes are refused: %v", need, err)
	}
	room.Bytes--
	err := net.Fits(simulator{}, 1, 0, room, true)
	if !errors.Is(err, kernels.ErrMemory) || !strings.Contains(err.Error(), "6e+03 synapses") || !strings.Contains(err.Error(), "fewer neurons") || strings.Contains(err.Error(), "\n") {
		t.Errorf("one byte less: %v", err)
	}
	if err := net.Fits(simulator{}, 1, 0, room, false); err != nil {
		t.Errorf("with unknown memory: %v", err)
	}
	room.Bytes++
	net.Probes = []kernels.Probe{{}, {}}
	err = net.Fits(simulator{}, 1, 1, room, true)
	if !errors.Is(err, kernels.ErrMemory) || !strings.Contains(err.Error(), fmt.Sprintf("(%d bytes; ", need+8)) {
		t.Errorf("8 bytes of two potentials: %v", err)
	}
	err = net.Fits(simulator{}, 1, float64(need), room, true)
	if !errors.Is(err, ErrRecorded) || !strings.Contains(err.Error(), fmt.Sprintf("(%d bytes)", 8*need)) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d steps of two potentials: %v", need, err)
	}
}

// planOf draws a network and plans it on the CPU. It skips the test in a binary without one.
func planOf(t *testing.T, b *Blueprint) kernels.CircuitPlan {
	t.Helper()
	c, err := b.Draw(1)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := kernels.NewCircuit(devicetest.CPU(t, 1), c)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
