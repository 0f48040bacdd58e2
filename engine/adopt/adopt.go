// Package adopt finds the parameters of a network among the tensors of a file that another program may have
// written.
//
// It imports leaves alone; the commands that begin with weights from a file may import it.
package adopt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"galvani/engine/safetensors"
)

// ErrMatch means that a file does not hold what a network needs.
var ErrMatch = errors.New("weights do not fit")

// Parameter is one that is looked for.
type Parameter struct {
	Name     string
	Shape    []int
	Required bool // an error where the file lacks it
}

// Pair is a parameter and the tensor that was found for it.
type Pair struct {
	Parameter
	Tensor safetensors.Tensor
}

// Match finds a tensor for each parameter and returns the names of those that are left over.
//
// A parameter has the tensor that named gives for it; otherwise the one of its own name; otherwise
// the only one whose name ends in its own behind the last point, as modules of PyTorch prefix theirs: cell.weight_ih_l0
// takes rnn.weight_ih_l0, or encoder.weight_ih of a module for one step. The read-out takes the only
// other weight of its shape, and the bias beside it.
//
// Errors: ErrMatch, naming the parameter and what the file holds: none or several for a required
// parameter, another shape, a tensor that is not made of real numbers.
func Match(want []Parameter, tensors []safetensors.Tensor, named map[string]string) (pairs []Pair, left []string, err error) {
	m := matcher{tensors: tensors, used: make([]bool, len(tensors))}
	for name := range named {
		if !slices.ContainsFunc(want, func(p Parameter) bool { return p.Name == name }) {
			return nil, nil, fmt.Errorf("there is no parameter %s to take %s for, want one of %s: %w", name, named[name], names(want), ErrMatch)
		}
	}
	for _, p := range want {
		at, err := m.find(p, named[p.Name])
		if err != nil {
			return nil, nil, err
		}
		if at < 0 {
			continue
		}
		t := tensors[at]
		m.used[at] = true
		if !slices.Equal(t.Shape, p.Shape) {
			return nil, nil, fmt.Errorf("tensor %s is %v, and %s of the network is %v; leave it as it is drawn by naming the others with init_parts, or change the network: %w", t.Name, t.Shape, p.Name, p.Shape, ErrMatch)
		}
		pairs = append(pairs, Pair{p, t})
	}
	for i, t := range tensors {
		if !m.used[i] {
			left = append(left, t.Name)
		}
	}
	return pairs, left, nil
}

// matcher is the tensors of a file.
type matcher struct {
	tensors []safetensors.Tensor
	used    []bool
	head    string // what stands before the weight of the read-out
}

const (
	readoutWeight = "readout.weight"
	readoutBias   = "readout.bias"
)

// find returns the number of the tensor of a parameter, negative for none.
func (m *matcher) find(p Parameter, named string) (int, error) {
	if named != "" {
		at := m.those(func(t safetensors.Tensor) bool { return t.Name == named })
		if len(at) == 0 {
			return 0, fmt.Errorf("there is no tensor %s to take for %s, only %s: %w", named, p.Name, m.names(nil), ErrMatch)
		}
		return at[0], nil
	}
	for _, fits := range m.ways(p) {
		switch at := m.those(fits); {
		case len(at) == 1:
			if p.Name == readoutWeight {
				m.head = strings.TrimSuffix(m.tensors[at[0]].Name, "weight")
			}
			return at[0], nil
		case len(at) > 1:
			return 0, fmt.Errorf("%s may be any of %s; say which with init_map: %s=NAME: %w", p.Name, m.names(at), p.Name, ErrMatch)
		}
	}
	if !p.Required {
		return -1, nil
	}
	parts := "naming the others with init_parts"
	if p.Name == readoutWeight { // as of a module that is a recurrent layer alone
		parts = "init_parts = cell"
	}
	return 0, fmt.Errorf("there is no tensor for %s %v, and left is %s; leave it as it is drawn by %s, or name its tensor with init_map: %w", p.Name, p.Shape, m.names(nil), parts, ErrMatch)
}

// ways are the rules by which a tensor is taken, in their order.
func (m *matcher) ways(p Parameter) []func(safetensors.Tensor) bool {
	list := []func(safetensors.Tensor) bool{func(t safetensors.Tensor) bool { return t.Name == p.Name }}
	switch p.Name {
	case readoutWeight:
		last := func(t safetensors.Tensor) bool { return lastOf(t.Name) == "weight" && len(t.Shape) == len(p.Shape) }
		return append(list, func(t safetensors.Tensor) bool { return last(t) && slices.Equal(t.Shape, p.Shape) }, last)
	case readoutBias:
		return append(list, func(t safetensors.Tensor) bool { return t.Name == m.head+"bias" },
			func(t safetensors.Tensor) bool { return lastOf(t.Name) == "bias" && slices.Equal(t.Shape, p.Shape) })
	}
	own := strings.TrimPrefix(p.Name, "cell.")
	if own == p.Name {
		return list
	}
	for _, name := range []string{own, strings.TrimSuffix(own, "_l0")} {
		list = append(list, func(t safetensors.Tensor) bool { return lastOf(t.Name) == name })
	}
	return list
}

// lastOf returns what stands behind the last point of a name.
func lastOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// those returns the numbers of the tensors that fit and are not taken yet.
func (m *matcher) those(fits func(safetensors.Tensor) bool) (at []int) {
	for i, t := range m.tensors {
		if !m.used[i] && fits(t) {
			at = append(at, i)
		}
	}
	return at
}

// mostNames is how many names a message lists.
const mostNames = 12

// names lists tensors for people, nil for all that are not taken.
func (m *matcher) names(at []int) string {
	if at == nil {
		at = m.those(func(safetensors.Tensor) bool { return true })
	}
	var list []string
	for _, i := range at {
		list = append(list, fmt.Sprintf("%.60s %v", m.tensors[i].Name, m.tensors[i].Shape))
	}
	return join(list)
}

func names(want []Parameter) string {
	var list []string
	for _, p := range want {
		list = append(list, p.Name)
	}
	return join(list)
}

func join(list []string) string {
	switch n := len(list); {
	case n == 0:
		return "nothing"
	case n > mostNames:
		return strings.Join(list[:mostNames], ", ") + fmt.Sprintf(" and %d more", n-mostNames)
	}
	return strings.Join(list, ", ")
}
