package data_test

import (
	"fmt"

	"galvani/data"
)

// A task is found by name, set up by its fields, opened with a seed, and asked for samples.
func Example() {
	entry, err := data.Lookup("adding")
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := entry.New().(*data.Adding)
	settings.Steps = 5
	task, err := settings.Open(data.Env{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	batch := data.NewBatch(task, 1)
	if err := task.Train.Fill(batch, 0, 0, 0); err != nil { // sample 0 of epoch 0 into column 0
		fmt.Println(err)
		return
	}
	sum := float32(0)
	for t := range task.T {
		number, marked := batch.X[t*task.I], batch.X[t*task.I+1]
		sum += number * marked
	}
	fmt.Printf("T=%d I=%d O=%d, the target is the sum of the marked numbers: %t\n", task.T, task.I, task.O, sum == batch.Value[0])
	// Output: T=5 I=2 O=1, the target is the sum of the marked numbers: true
}

// The error for a name that is not known says which is near.
func ExampleLookup() {
	_, err := data.Lookup("looming-tcc")
	fmt.Println(err)
	// Output: unknown task "looming-tcc"; did you mean "looming-ttc"?
}
