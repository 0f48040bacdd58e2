package models_test

import (
	"fmt"

	"galvani/models"
)

// A cell bound to its sizes is a network with a table of parameters.
func Example() {
	cell := models.NewCRNNSimple()
	cell.Dt = 0.1
	net, err := models.Bind("crnn-simple", cell, models.Dims{I: 3, H: 16, O: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range net.Specs() {
		fmt.Println(s.Name, s.Shape)
	}
	// Output:
	// cell.U [16 3]
	// cell.W [16 16]
	// cell.b [16]
	// cell.w_m [16]
	// cell.b_m [16]
	// cell.w_n [16]
	// cell.b_n [16]
	// readout.weight [2 16]
	// readout.bias [2]
}

// A setting outside its range is refused with the range.
func ExampleBind() {
	cell := models.NewCRNNSimple()
	cell.SynKernel = "gauss"
	_, err := models.Bind("crnn-simple", cell, models.Dims{I: 3, H: 16, O: 2})
	fmt.Println(err)
	// Output: models: syn_kernel is "gauss", want one of ema, ema_diff, ema_diff_relu, alpha, dualexp
}
