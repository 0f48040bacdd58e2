package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestComingFrom holds the page coming-from.md to flags and commands that there are.
func TestComingFrom(t *testing.T) {
	text := contents(t, "coming-from.md")
	help := ""
	for _, command := range []string{"train", "sweep", "export", "eval", "report", "trace", "watch", "analyse", "runs compare"} {
		help += galvani(t, append(strings.Fields(command), "--help")...).ok(t).stdout
	}
	seen := 0
	for _, line := range strings.Split(string(text), "\n") {
		_, here, ok := strings.Cut(line, "` | ")
		if !ok {
			continue
		}
		for _, code := range regexp.MustCompile("`[^`]*`").FindAllString(here, -1) {
			if strings.HasPrefix(code, "`tensorboard") {
				continue
			}
			for _, flag := range regexp.MustCompile(`--[a-z][a-z0-9-]*`).FindAllString(code, -1) {
				seen++
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `[ \n]`).MatchString(help) {
					t.Errorf("%s: there is no flag %s", line, flag)
				}
			}
		}
		for _, m := range regexp.MustCompile("`galvani ([a-z]+)").FindAllStringSubmatch(here, -1) {
			galvani(t, m[1], "--help").ok(t)
		}
	}
	if seen < 50 {
		t.Errorf("the page names %d flags, want 50 at least", seen)
	}
}
