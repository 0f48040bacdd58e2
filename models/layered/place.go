package layered

import (
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// place is where products are computed: a device, or nothing for Go.
type place struct {
	dev kernels.Device
	far kernels.Resident // the device where it has memory of its own, otherwise nil
}

func placeOn(dev kernels.Device) place {
	far, _ := dev.(kernels.Resident)
	return place{dev, far}
}

// linear allocates an affine map.
func (p place) linear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	switch {
	case p.dev != nil:
		return p.dev.NewLinear(cfg)
	case cfg.Dtype == tensor.Float64:
		return &plainLinear[float64]{cfg: cfg}, nil
	}
	return &plainLinear[float32]{cfg: cfg}, nil
}

// field is an array that the host computes and the device reads.
type field[F kernels.Float] struct {
	buf    []F
	shape  []int
	mirror kernels.Mirror // nil where the device computes in host memory
}

func newField[F kernels.Float](at place, shape ...int) (*field[F], error) {
	f := &field[F]{buf: make([]F, tensor.Shape(shape).TotalSize()), shape: shape}
	if at.far == nil {
		return f, nil
	}
	var err error
	f.mirror, err = at.far.Mirror(kernels.Wrap(f.buf, shape...))
	return f, err
}

// value returns the array as it is now for the device.
func (f *field[F]) value() (gorgonia.Value, error) {
	if f.mirror == nil {
		return kernels.Wrap(f.buf, f.shape...), nil
	}
	return f.mirror.View(0, f.shape...), f.mirror.Push()
}

// given returns the array for the device with other numbers.
func (f *field[F]) given(data []F) (gorgonia.Value, error) {
	if f.mirror == nil {
		return kernels.Wrap(data, f.shape...), nil
	}
	copy(f.buf, data)
	return f.value()
}

// elements returns the numbers of a value; a device with memory of its own gives a copy.
func elements[F kernels.Float](v gorgonia.Value) ([]F, error) {
	if t, ok := v.(*tensor.Dense); ok {
		return kernels.Elems[F]("layer", t, t.Shape()...)
	}
	x, err := kernels.Download(v)
	if err != nil {
		return nil, err
	}
	same, ok := any(x).([]F)
	if !ok {
		return nil, fmt.Errorf("models: a %T holds float32, want %T: %w", v, *new(F), kernels.ErrShape)
	}
	return same, nil
}

// part returns the first n numbers of a packed value.
func part[F kernels.Float](v gorgonia.Value, n int) (gorgonia.Value, error) {
	if far, ok := v.(interface {
		View(offset int, shape ...int) gorgonia.Value
	}); ok {
		return far.View(0, n), nil
	}
	x, err := elements[F](v)
	if err != nil {
		return nil, err
	}
	return kernels.Wrap(x[:n], n), nil
}
