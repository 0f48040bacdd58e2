//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Array is float32 numbers in device memory as a value of a Gorgonia graph. It is a header: the
// memory belongs to the plan or mirror that made it.
type Array struct {
	dev   *Device
	ptr   driver.Ptr
	shape tensor.Shape
}

func (d *Device) array(p driver.Ptr, shape ...int) *Array {
	return &Array{dev: d, ptr: p, shape: shape}
}

// offset returns the address of element n of an array of 4-byte elements; that of none is 0.
func offset(p driver.Ptr, n int) driver.Ptr {
	if p == 0 {
		return 0
	}
	return p + driver.Ptr(n)*4
}

// On reports whether the array lies on the same GPU as d.
func (a *Array) On(d *Device) bool { return a.dev.core == d.core }

// taken returns the array of the wanted shape behind a value on the device.
func (d *Device) taken(name string, v gorgonia.Value, want ...int) (*Array, error) {
	a, err := d.anyArray(name, v)
	if err != nil {
		return nil, err
	}
	if !a.Shape().Eq(tensor.Shape(want)) {
		return nil, fmt.Errorf("kernels: %s is %v, want %v: %w", name, a.Shape(), want, kernels.ErrShape)
	}
	return a, nil
}

func (d *Device) anyArray(name string, v gorgonia.Value) (*Array, error) {
	if m, ok := v.(*Mean); ok {
		v = m.Array
	}
	a, ok := v.(*Array)
	if !ok || !a.On(d) {
		return nil, fmt.Errorf("kernels: %s is a %T, want an array on %s", name, v, d.Name())
	}
	return a, nil
}

// Shape implements gorgonia.Value.
func (a *Array) Shape() tensor.Shape { return a.shape }

// Size returns the number of elements; a scalar has one.
func (a *Array) Size() int {
	n := 1
	for _, d := range a.shape {
		n *= d
	}
	return n
}

// Dtype is float32.
func (a *Array) Dtype() tensor.Dtype { return tensor.Float32 }

// Type returns the type that Gorgonia checks.
func (a *Array) Type() hm.Type {
	if len(a.shape) == 0 {
		return tensor.Float32
	}
	return gorgonia.TensorType{Dims: len(a.shape), Of: tensor.Float32}
}

// Uintptr returns the device address, which the host cannot read.
func (a *Array) Uintptr() uintptr { return uintptr(a.ptr) }

// MemSize returns the number of bytes.
func (a *Array) MemSize() uintptr { return uintptr(a.Size()) * 4 }

// Format prints what the array is, not its elements.
func (a *Array) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "float32 %v on cuda:%d", a.shape, a.dev.info.Index)
}

// Floats waits for all queued work and returns a copy of the elements.
func (a *Array) Floats() ([]float32, error) {
	out := make([]float32, a.Size())
	return out, a.dev.download(unsafe.Pointer(unsafe.SliceData(out)), a.ptr, int64(len(out))*4)
}

// Data is Floats as gorgonia.Value has it: where the device failed, it returns NaNs.
func (a *Array) Data() interface{} {
	out, err := a.Floats()
	if err != nil {
		for i := range out {
			out[i] = float32(math.NaN())
		}
	}
	return out
}

// View returns the elements from offset on as an array of the given shape.
func (a *Array) View(offset int, shape ...int) gorgonia.Value {
	v := &Array{dev: a.dev, ptr: a.ptr + driver.Ptr(offset)*4, shape: shape}
	if offset < 0 || v.Size() > a.Size()-offset {
		panic(fmt.Sprintf("cuda: elements [%d,%d) are not in an array of %d", offset, offset+v.Size(), a.Size()))
	}
	return v
}

// Clone returns the array itself: Gorgonia's Read keeps a clone, and the memory belongs to a
// plan either way.
func (a *Array) Clone() (interface{}, error) { return a, nil }

// CopyFrom makes a the header of another array: what Gorgonia's Read does from its second run on.
func (a *Array) CopyFrom(src interface{}) error {
	b, ok := src.(*Array)
	if !ok {
		return fmt.Errorf("cuda: read a %T, want an array on cuda:%d", src, a.dev.info.Index)
	}
	*a = *b
	return nil
}

// download waits for all queued work and copies n bytes to the host.
func (d *Device) download(to unsafe.Pointer, from driver.Ptr, n int64) error {
	defer runtime.KeepAlive(to)
	return d.wait("download", func(w *work) {
		w.copyOut(to, from, n)
		w.sync()
	})
}
