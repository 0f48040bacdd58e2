package engine

import (
	"slices"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// mirrors are host tensors with their counterparts on a device. On a device that computes in
// host memory, and without one, there are none: a tensor stands for itself.
type mirrors struct {
	dev  kernels.Resident // nil where tensors stand for themselves
	list []mirrored
}

type mirrored struct {
	host   *tensor.Dense
	mirror kernels.Mirror
}

// add gives t its counterpart.
func (m *mirrors) add(t *tensor.Dense) error {
	if m.dev == nil || t == nil {
		return nil
	}
	mirror, err := m.dev.Mirror(t)
	if err != nil {
		return err
	}
	m.list = append(m.list, mirrored{t, mirror})
	return nil
}

// of returns the counterpart of t, nil where t stands for itself.
func (m *mirrors) of(t *tensor.Dense) kernels.Mirror {
	for _, e := range m.list {
		if e.host == t {
			return e.mirror
		}
	}
	return nil
}

// place returns what stands for t in a graph on the device.
func (m *mirrors) place(t *tensor.Dense) gorgonia.Value {
	if e := m.of(t); e != nil {
		return e.View(0, t.Shape()...)
	}
	return t
}

// push brings the device up to date with the tensors given, or with all.
func (m *mirrors) push(only ...*tensor.Dense) error {
	for _, e := range m.list {
		if len(only) > 0 && !slices.Contains(only, e.host) {
			continue
		}
		if err := e.mirror.Push(); err != nil {
			return err
		}
	}
	return nil
}

// pull brings all tensors up to date with the device.
func (m *mirrors) pull() error {
	for _, e := range m.list {
		if err := e.mirror.Pull(); err != nil {
			return err
		}
	}
	return nil
}

// fork returns a device with an account of its own, the same device where it computes in host
// memory, and its Resident side or nil.
func fork(dev kernels.Device) (kernels.Device, kernels.Resident, error) {
	r, ok := dev.(kernels.Resident)
	if !ok {
		return dev, nil, nil
	}
	f, err := r.Fork()
	if err != nil {
		return nil, nil, err
	}
	return f, f, nil
}
