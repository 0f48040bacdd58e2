package kernels_test

import (
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// MeanSquare is a node of a Gorgonia graph like any other. Without a device it runs on the host.
func ExampleMeanSquare() {
	g := gorgonia.NewGraph()
	node := func(name string, shape []int, values ...float64) *gorgonia.Node {
		return gorgonia.NodeFromAny(g, kernels.Wrap(values, shape...), gorgonia.WithName(name))
	}
	prediction := node("prediction", []int{2, 1}, 1, 4)
	target, weight := node("target", []int{2, 1}, 0, 2), node("weight", []int{2}, 1, 1)
	loss, err := kernels.MeanSquare(nil, prediction, target, weight)
	if err != nil {
		fmt.Println(err)
		return
	}
	grads, err := gorgonia.Grad(loss, prediction)
	if err != nil {
		fmt.Println(err)
		return
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("loss", loss.Value(), "gradient", grads[0].Value().Data())
	// Output: loss 2.5 gradient [1 2]
}
