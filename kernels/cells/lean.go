package cells

import "strings"

// Lean tells whether a cell is compiled for GPUs with products in fp32 alone, whatever the precision, and kept
// as PTX alone, which a driver assembles at its first use: its header has a line #define NAME_LEAN with the
// reason.
func Lean(name string) bool { return says(name, "LEAN") }

// Positive tells whether the numbers of tests have inputs and input weights that are not negative: the header
// has a line #define NAME_POSITIVE with the reason.
func Positive(name string) bool { return says(name, "POSITIVE") }

// says tells whether a header has a line that defines a macro with a reason.
func says(name, macro string) bool {
	text, err := Headers.ReadFile(name + ".h")
	return err == nil && strings.Contains(string(text), "\n#define "+name+"_"+macro+" ")
}
