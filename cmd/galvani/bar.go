package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
)

const (
	redraw    = 100 * time.Millisecond // least time between two drawings of a bar
	shortBar  = 8                      // columns below which no bar is drawn
	fallback  = 80                     // columns of a terminal that does not tell its width
	clearLine = "\r\x1b[K"             // to the begin of the line, and nothing in it from there on
	clearMore = "\r\x1b[J"             // and nothing in the lines below
)

// bar draws progress on the last line of a terminal, anew in the same place. The line is always
// shorter than the terminal is wide, so that it never wraps. Where the terminal became narrower
// since, it has wrapped the old line itself; all of its rows are taken away.
type bar struct {
	w       io.Writer
	columns func() int // width of the terminal now
	colour  bool
	wide    int // columns of the line that stands there, 0 for none
	last    time.Time
}

// newBar makes a bar on a terminal.
func newBar(w io.Writer) *bar {
	return &bar{w: w, colour: colorful(w), columns: func() int {
		if n, ok := terminal(w); ok && n > 0 {
			return n
		}
		return fallback
	}}
}

// draw shows the progress, unless it was shown a moment ago. Text stands before the bar; notes
// stand behind it, the most important first, as far as there is room.
func (b *bar) draw(share float64, text string, notes ...string) {
	if now := time.Now(); now.Sub(b.last) >= redraw {
		b.last = now
		b.put(share, text, notes...)
	}
}

// put shows the progress.
func (b *bar) put(share float64, text string, notes ...string) {
	columns := b.columns()
	line := barLine(columns-1, share, text, notes, b.colour)
	fmt.Fprint(b.w, b.away(columns)+line.text)
	b.wide = line.wide
}

// clear takes the line away.
func (b *bar) clear() {
	if b.wide > 0 {
		fmt.Fprint(b.w, b.away(b.columns()))
		b.wide, b.last = 0, time.Time{}
	}
}

// away takes the line that stands there away, with all of its rows. Lines below are cleared only where it has several: tmux
// takes that, at the top of a screen, for the end of what it keeps.
func (b *bar) away(columns int) string {
	if rows := (b.wide - 1) / max(1, columns); b.wide > 0 && rows > 0 {
		return fmt.Sprintf("\x1b[%dA", rows) + clearMore
	}
	return clearLine
}

// drawn is a line with its width, in which colours do not count.
type drawn struct {
	text string
	wide int
}

// barLine makes a line of at most room columns: the text, the bar where at least shortBar columns
// are left for it, the percentage, and as many of the notes as fit. A share below 0 is unknown, and
// so has neither bar nor percentage.
func barLine(room int, share float64, text string, notes []string, colour bool) drawn {
	tail := ""
	if share >= 0 {
		tail = fmt.Sprintf("%3.0f%%", 100*min(1, share))
	}
	used := utf8.RuneCountInString(text) + 1 + len(tail)
	for _, n := range notes {
		if more := 2 + utf8.RuneCountInString(n); n != "" && used+more <= room {
			tail, used = tail+"  "+n, used+more
		}
	}
	if used > room { // the percentage tells more than the end of the text
		text = cut(text, room-1-len(tail))
		if text == "" {
			tail = cut(strings.TrimSpace(tail), room)
			return drawn{tail, utf8.RuneCountInString(tail)}
		}
		used = utf8.RuneCountInString(text) + 1 + len(tail)
	}
	middle := " "
	if left := room - used - 1; left >= shortBar && share >= 0 {
		middle, used = " "+saucer(left, share, colour)+" ", used+left+1
	}
	return drawn{text + middle + tail, used}
}

// saucer is a bar of some columns, filled up to a share.
func saucer(columns int, share float64, colour bool) string {
	theme := progressbar.Theme{Saucer: "━", SaucerHead: "━", SaucerPadding: " "}
	if colour {
		theme.Saucer, theme.SaucerHead = "[cyan]━[reset]", "[cyan]━[reset]"
	}
	const whole = 10000
	p := progressbar.NewOptions(whole, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetWidth(columns),
		progressbar.OptionSetTheme(theme), progressbar.OptionEnableColorCodes(colour),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	if p.Set(int(min(1, share)*whole)) != nil {
		return strings.Repeat(" ", columns)
	}
	_, line, _ := strings.Cut(p.String(), "% ") // the percentage stands behind the bar here
	return strings.TrimSuffix(strings.TrimSuffix(line, "\x1b[0m"), "  ")
}

// cut shortens a text to some columns, with an ellipsis where it lost something.
func cut(text string, columns int) string {
	r := []rune(text)
	switch {
	case len(r) <= columns:
		return text
	case columns < 1:
		return ""
	}
	return string(r[:columns-1]) + "…"
}

// timeLeft says how much time is left, empty where nothing is known.
func timeLeft(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.Round(time.Second).String() + " left"
}
