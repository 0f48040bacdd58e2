//go:build !linux

package monitor

// Prompt does nothing: only on Linux threads have a slack.
func Prompt() {}

// Promptly calls f.
func Promptly(f func() error) error { return f() }
