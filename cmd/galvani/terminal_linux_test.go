package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDumbTerminal holds that a bar and colours are for terminals that can clear a line, and the width is for all.
func TestDumbTerminal(t *testing.T) {
	main, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	defer main.Close()
	if err := unix.IoctlSetPointerInt(int(main.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	number, err := unix.IoctlGetInt(int(main.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := unix.IoctlSetWinsize(int(w.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 44}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		term, noColor string
		bar, colours  bool
	}{{"xterm", "", true, true}, {"", "", true, true}, {"xterm", "1", true, false}, {"dumb", "", false, false}} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		if width, ok := terminal(w); width != 44 || !ok || redrawn(w) != c.bar || colorful(w) != c.colours {
			t.Errorf("TERM %q, NO_COLOR %q: width %d, bar %v, colours %v, want 44, %v and %v", c.term, c.noColor, width, redrawn(w), colorful(w), c.bar, c.colours)
		}
	}
}
