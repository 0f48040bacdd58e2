//go:build !linux

package pages

// advise does nothing: only Linux is asked.
func advise(_, _ uintptr) {}
