package engine

import (
	"fmt"
	"sync"

	"gorgonia.org/gorgonia"
)

// twins are two names of inputs of one type and shape that Gorgonia hashes alike.
var twins = sync.OnceValue(func() [2]string {
	seen := map[uint32]string{}
	for i := 0; ; i++ {
		name := fmt.Sprintf("n%d", i)
		h := scalarInput(gorgonia.NewGraph(), name).Hashcode()
		if other, ok := seen[h]; ok {
			return [2]string{other, name}
		}
		seen[h] = name
	}
})

func scalarInput(g *gorgonia.ExprGraph, name string) *gorgonia.Node {
	return gorgonia.NewScalar(g, gorgonia.Float32, gorgonia.WithName(name), gorgonia.WithValue(float32(1)))
}

// plant adds two different inputs of equal hash.
func plant(g *gorgonia.ExprGraph) {
	for _, name := range twins() {
		scalarInput(g, name)
	}
}
