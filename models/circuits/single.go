package circuits

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"galvani/kernels/neurons"
)

// Singles returns the names of the neurons of kernels/neurons, sorted; none in a program without cgo.
func Singles() (names []string) {
	for _, h := range neurons.All() {
		names = append(names, h.Name)
	}
	slices.Sort(names)
	return names
}

// SingleName is what the one population of a network of SingleText is called.
const SingleName = "neuron"

// SettingFlag returns the flag of a parameter of a neuron in the network of SingleText.
func SettingFlag(param string) string {
	return strings.ReplaceAll(strings.ToLower(param), "_", "-")
}

// SingleText returns the file of a network of one neuron that nothing reaches. Its settings are the parameters of the
// neuron, in small letters; V begins at E_L, where that is the potential at rest, and else where the header says.
func SingleText(h neurons.Neuron) []byte {
	var b strings.Builder
	about := h.About()
	fmt.Fprintf(&b, "doc = %q\n", about.Doc)
	if about.Source != "" {
		fmt.Fprintf(&b, "source = %q\n", about.Source)
	}
	var numbers []string
	start := fmt.Sprintf("start = %q\n", decimal(h.Planes[0].Start)+" mV")
	for _, q := range h.Params {
		name := strings.ToLower(q.Name)
		fmt.Fprintf(&b, "\n[setting.%s]\ndoc = %q\nunit = %q\nvalue = %s\nmin = %s\nmax = %s\n", name, q.Doc, q.Unit, decimal(q.Value), decimal(q.Min), decimal(q.Max))
		of := name
		if q.Unit != "1" {
			of += " " + q.Unit
		}
		numbers = append(numbers, fmt.Sprintf("%s = %q", q.Name, of))
		if q.Name == "E_L" && q.Value == h.Planes[0].Start { // where V is at rest
			start = fmt.Sprintf("start = %q\n", of)
		}
	}
	fmt.Fprintf(&b, "\n[population.%s]\nneuron = %q\n%snumbers = { %s }\n", SingleName, h.Name, start, strings.Join(numbers, ", "))
	fmt.Fprintf(&b, "\n[[record]]\npopulation = %q\n", SingleName)
	return []byte(b.String())
}

// Single returns the network of SingleText.
//
// Errors: those of Read.
func Single(h neurons.Neuron) (*Network, error) {
	n, err := Read(h.Name+".toml", SingleText(h))
	if err != nil {
		return nil, fmt.Errorf("circuits: %w", err)
	}
	return n, nil
}

// decimal writes a number as TOML reads one that is not whole.
func decimal(x float64) string {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
