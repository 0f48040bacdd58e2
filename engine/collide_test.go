package engine

import (
	"testing"

	"gorgonia.org/gorgonia"
)

// twins are two names of scalar inputs that Gorgonia hashes alike, found by trying a million.
var twins = [2]string{"n289308", "n1137156"}

func TestTwins(t *testing.T) {
	a, b := scalarInput(gorgonia.NewGraph(), twins[0]), scalarInput(gorgonia.NewGraph(), twins[1])
	if a.Hashcode() != b.Hashcode() {
		t.Errorf("hashes of %s are %x and %x, want a collision", twins, a.Hashcode(), b.Hashcode())
	}
}

func scalarInput(g *gorgonia.ExprGraph, name string) *gorgonia.Node {
	return gorgonia.NewScalar(g, gorgonia.Float32, gorgonia.WithName(name), gorgonia.WithValue(float32(1)))
}

// plant adds two different inputs of equal hash.
func plant(g *gorgonia.ExprGraph) {
	for _, name := range twins {
		scalarInput(g, name)
	}
}
