package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/models"
)

// TestMessageEndsWithTheCause holds what is left of an error for people.
func TestMessageEndsWithTheCause(t *testing.T) {
	for want, err := range map[string]error{
		"rec_mask: line 3: want 0 or 1":      fmt.Errorf("rec_mask: %w", fmt.Errorf("line 3: want 0 or 1: %w", models.ErrWiring)),
		"no driver; use --device cpu":        fmt.Errorf("%w; use --device cpu", fmt.Errorf("no driver: %w", kernels.ErrNoDevice)),
		"H is 0":                             fmt.Errorf("%w: %w", fmt.Errorf("H is 0: %w", kernels.ErrShape), models.ErrWiring),
		"bad wiring":                         models.ErrWiring,
		"about bad wiring: bad wiring":       errors.New("about bad wiring: bad wiring"),
		"input does not fit: x is [1], want": fmt.Errorf("%w: x is [1], want", errInput),
	} {
		if got := message(err); got != want {
			t.Errorf("%q becomes %q, want %q", err, got, want)
		}
		if !errors.Is(err, models.ErrWiring) && exitCode(err) == exitOK {
			t.Errorf("%q has no exit code", err)
		}
	}
}

// TestRefusalsEndWithTheCause runs commands that fail in every room and looks at the end of their
// one line.
func TestRefusalsEndWithTheCause(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk")
	written(t, junk, "neither a mask nor edges\n")
	for _, line := range []string{
		"train --model rnn --rec-mask " + junk, "train --graph " + junk, "train --model rnn --rec-mask " + junk + "x",
		"train --model rnn --rec-blocks 900", "train --task adding --min-steps 900", "models show rnn --hidden 0",
		"data events looming --out x --threshold -1", "train --model cond-varying --a-shape type", "train --device cuda:7",
		"train --task recordings --data-dir " + filepath.Dir(junk), "gradcheck crnn --batch 0",
	} {
		o := galvani(t, strings.Fields(line)...)
		if o.code == 0 {
			t.Errorf("galvani %s: done", line)
		}
		for _, class := range classes {
			if strings.HasSuffix(strings.TrimSpace(o.stderr), class.Error()) || strings.Contains(o.stderr, class.Error()+";") {
				t.Errorf("galvani %s: the name of a class, %q, stands behind the cause in %q", line, class, o.stderr)
			}
		}
	}
}

// TestWord: a command that is told can be given to a shell.
func TestWord(t *testing.T) {
	for s, want := range map[string]string{"runs/a-1.st": "runs/a-1.st", "my runs/a": "'my runs/a'", "it's": `'it'\''s'`, "": "''"} {
		if got := word(s); got != want {
			t.Errorf("%q is written as %s, want %s", s, got, want)
		}
	}
}
