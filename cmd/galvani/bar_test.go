package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// screen is a terminal of some columns that wraps what is too long and, as tmux does, wraps anew
// when it becomes narrower. It knows what bars send.
type screen struct {
	columns int
	lines   [][]rune // of any length; each stands on as many rows as it needs
	at      int      // column of the cursor within the last line
}

func (s *screen) rows(line int) int { return max(1, (len(s.lines[line])+s.columns-1)/s.columns) }

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	text := string(b)
	for text != "" {
		last := len(s.lines) - 1
		var up int
		switch {
		case strings.HasPrefix(text, "\x1b[K"): // from the cursor on, in its row
			if len(s.lines[last])-s.at > s.columns {
				panic("a row below stays")
			}
			fallthrough
		case strings.HasPrefix(text, "\x1b[J"): // from the cursor on
			s.lines[last] = s.lines[last][:s.at]
			text = text[3:]
		case strings.HasPrefix(text, "\x1b[36m"), strings.HasPrefix(text, "\x1b[0m"):
			text = text[strings.IndexByte(text, 'm')+1:]
		case strings.HasPrefix(text, "\x1b["):
			if n, _ := fmt.Sscanf(text, "\x1b[%dA", &up); n != 1 {
				panic("unknown sequence " + text)
			}
			s.at = max(0, s.at-up*s.columns)
			text = text[strings.IndexByte(text, 'A')+1:]
		case text[0] == '\r':
			s.at -= s.at % s.columns
			if s.at == len(s.lines[last]) && s.at > 0 && s.at%s.columns == 0 {
				s.at -= s.columns // the cursor stays in the last column of a full row
			}
			text = text[1:]
		case text[0] == '\n':
			s.lines, s.at, text = append(s.lines, nil), 0, text[1:]
		default:
			r, size := utf8.DecodeRuneInString(text)
			s.lines[last] = append(s.lines[last][:s.at], r)
			s.at, text = s.at+1, text[size:]
		}
	}
	return len(b), nil
}

func (s *screen) String() string {
	var all []string
	for _, l := range s.lines {
		all = append(all, string(l))
	}
	return strings.Join(all, "\n")
}

// TestBarStaysOnOneLine draws a bar many times in terminals of many widths, the width changing
// meanwhile, and wants nothing to be left but what was printed for good.
func TestBarStaysOnOneLine(t *testing.T) {
	for _, columns := range []int{1, 5, 10, 20, 40, 80, 200} {
		for _, then := range []int{columns, 20, 33, 40, 200} {
			for _, colour := range []bool{false, true} {
				s := &screen{columns: columns, lines: [][]rune{nil}}
				b := &bar{w: s, colour: colour, columns: func() int { return s.columns }}
				fmt.Fprintf(s, "first\n")
				for i := range 50 {
					if i == 25 {
						s.columns = then
					}
					b.put(float64(i)/50, "epoch 1/5  loss 1.4051  acc 22.0%", "12s left", "1234 seq/s")
					if n := len(s.lines); n != 2 || i != 25 && s.rows(n-1) > 1 {
						t.Fatalf("%d, then %d columns: after drawing %d times there are\n%s", columns, then, i+1, s)
					}
				}
				b.clear()
				fmt.Fprint(s, "last")
				if got := s.String(); got != "first\nlast" {
					t.Errorf("%d, then %d columns: left is\n%s", columns, then, got)
				}
			}
		}
	}
}

func TestBarLine(t *testing.T) {
	notes := []string{"12s left", "1234 seq/s"}
	for _, tt := range []struct {
		room  int
		share float64
		want  string
	}{
		{79, 0.5, "epoch 1/5  loss 1.40 ━━━━━━━━━━━━━━━                  50%  12s left  1234 seq/s"},
		{39, 0.5, "epoch 1/5  loss 1.40  50%  12s left"},
		{30, 0.5, "epoch 1/5  loss 1.40  50%"},
		{20, 0.5, "epoch 1/5  los…  50%"},
		{5, 0.5, "50%"},
		{2, 0.5, "5…"},
		{39, 2, "epoch 1/5  loss 1.40 100%  12s left"},
		{39, -1, "epoch 1/5  loss 1.40   12s left"},
	} {
		got := barLine(tt.room, tt.share, "epoch 1/5  loss 1.40", notes, false)
		if got.text != tt.want || got.wide != utf8.RuneCountInString(got.text) || got.wide > tt.room {
			t.Errorf("%d columns: %q, counted %d", tt.room, got.text, got.wide)
		}
	}
}
