package setting_test

import (
	"fmt"

	"galvani/engine/setting"
)

// The tags of a field hold values from files, flags and Go alike.
func Example() {
	type membrane struct {
		Tau float64 `toml:"tau" doc:"time constant" unit:"ms" min:"0.1" max:"1000"`
	}
	m := membrane{Tau: 10}
	keys, err := setting.Keys("neuron", &m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(keys[0].Help())
	fmt.Println(keys[0].Parse("0"))
	m.Tau = -1
	fmt.Println(setting.Check(&m))
	// Output:
	// Time constant [ms] (0.1 to 1000)
	// tau is 0, want 0.1 to 1000
	// tau is -1, want 0.1 to 1000
}
