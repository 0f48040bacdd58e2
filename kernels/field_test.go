package kernels_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Offsets that agree in their low byte, and equal shapes: gorgonia.Slice merges such parts.
func TestFieldTellsOffsetsApart(t *testing.T) {
	g := gorgonia.NewGraph()
	e := make([]float32, 1024)
	for i := range e {
		e[i] = float32(i)
	}
	x := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(1024), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithBacking(e))))
	var got [4]gorgonia.Value
	for i := range got {
		f, err := kernels.Field(x, 256*i, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		gorgonia.Read(f, &got[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		for j, a := range v.Data().([]float32) {
			if want := float32(256*i + j); a != want {
				t.Fatalf("field %d holds %v at %d, want %v", i, a, j, want)
			}
		}
	}
}

// Operations downstream that reuse the storage must not reach the parameter.
func TestFieldLeavesItsSourceAlone(t *testing.T) {
	g := gorgonia.NewGraph()
	src := []float64{1, 2, 3, 4}
	x := gorgonia.NewVector(g, tensor.Float64, gorgonia.WithShape(4), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithBacking(src))))
	f, err := kernels.Field(x, 0, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	gorgonia.Must(gorgonia.Exp(gorgonia.Must(gorgonia.Square(f))))
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	for range 3 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
	}
	for i, v := range src {
		if v != float64(i+1) {
			t.Fatalf("the source became %v", src)
		}
	}
}

func TestFieldAndPackGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	conform.Gradient(t, conform.Normal(r, 7), func(x *gorgonia.Node) (*gorgonia.Node, error) {
		a, err := kernels.Field(x, 1, 2, 3)
		if err != nil {
			return nil, err
		}
		return conform.Weigh(a)
	})
	conform.Gradient(t, conform.Normal(r, 1), func(x *gorgonia.Node) (*gorgonia.Node, error) {
		a, err := kernels.Field(x, 0, 1, 1)
		if err != nil {
			return nil, err
		}
		return conform.Weigh(a)
	})
	conform.Gradient(t, conform.Normal(r, 3, 4), func(x *gorgonia.Node) (*gorgonia.Node, error) {
		a, err := kernels.Field(x, 2, 2, 3)
		if err != nil {
			return nil, err
		}
		b, err := kernels.Field(x, 6, 2, 3)
		if err != nil {
			return nil, err
		}
		p, err := kernels.Pack(a, b, a)
		if err != nil {
			return nil, err
		}
		return conform.Weigh(p)
	})
}

func TestFieldRefuses(t *testing.T) {
	g := gorgonia.NewGraph()
	x := gorgonia.NewVector(g, tensor.Float64, gorgonia.WithShape(4), gorgonia.WithName("x"))
	for _, c := range []struct {
		offset int
		shape  []int
	}{{-1, []int{1}}, {2, []int{3}}, {0, []int{0}}, {0, nil}, {0, []int{-1, -2}}} {
		if _, err := kernels.Field(x, c.offset, c.shape...); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("Field(%d, %v) gave %v", c.offset, c.shape, err)
		}
	}
	y := gorgonia.NewVector(g, tensor.Float64, gorgonia.WithShape(5), gorgonia.WithName("y"))
	if _, err := kernels.Pack(x, y); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("Pack of unequal shapes gave %v", err)
	}
	if _, err := kernels.Pack(); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("Pack of nothing gave %v", err)
	}
}
