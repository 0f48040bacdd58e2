package cells

import "strings"

// Lean tells whether a cell is compiled for GPUs with products in fp32 alone, whatever the precision, and kept
// as PTX alone, which a driver assembles at its first use: its header has a line #define NAME_LEAN with the
// reason.
func Lean(name string) bool {
	text, err := Headers.ReadFile(name + ".h")
	return err == nil && strings.Contains(string(text), "\n#define "+name+"_LEAN ")
}
