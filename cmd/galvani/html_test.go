package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReport writes the page of a run and that of a folder: what belongs there is in them, tags are closed, and nothing
// is asked for from elsewhere.
func TestReport(t *testing.T) {
	t.Parallel()
	runs := t.TempDir()
	for _, model := range []string{"rate", "gru"} {
		galvani(t, args(tiny, "--model", model, "--task", "looming", "--runs-dir", runs, "--quiet", "--dale")...).ok(t)
	}
	names := runNames(runs)
	if len(names) != 2 {
		t.Fatal(names)
	}
	page := func(what string, more ...string) string {
		t.Helper()
		r := told[reportResult](t, args([]string{"report", what}, more...)...)
		text := contents(t, r.File)
		return string(text)
	}
	for _, dir := range names {
		checkPage(t, page(dir), "on looming</h1>", "Confusion matrix", "PRECISION", "Recurrent weights that act", "data:image/png;base64,", "Eigenvalues", ">Loss<",
			"units that excite come first", "What ran where", "<td>hidden</td><td>8</td>", "Response to an approach")
	}
	checkPage(t, page(runs, "--out", filepath.Join(t.TempDir(), "all.html")), "2 runs.", "<td>gru</td>", "validation accuracy")
	galvani(t, "report", t.TempDir()).refused(t, exitConfig, "and holds none")
	galvani(t, "report", filepath.Join(runs, "none")).refused(t, exitData, "none")
	galvani(t, "report", names[0], "--out", filepath.Join(runs, "no", "r.html")).refused(t, exitIO, "no")
}

// TestPageEscapes holds that text is no markup.
func TestPageEscapes(t *testing.T) {
	p := newPage(`<b>&"`)
	p.table([]string{"<i>"}, [][]string{{"<u>", "1.5"}})
	p.note("%s", "<s>")
	if text := string(p.end()); strings.Contains(text, "<b>") || strings.Contains(text, "<i>") || strings.Contains(text, "<u>") || strings.Contains(text, "<s>") {
		t.Errorf("page %s", text)
	}
}

// checkPage holds that what belongs to a page is there, tags are closed, and nothing is asked for from elsewhere.
func checkPage(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	for _, tag := range []string{"div", "table", "figure", "details", "svg", "tr", "td", "p", "style", "body"} {
		open := len(regexp.MustCompile(`<`+tag+`[ >]`).FindAllString(text, -1)) + strings.Count(text, "<"+tag+"\n")
		if closed := strings.Count(text, "</"+tag+">"); open != closed {
			t.Errorf("%d <%s>, %d closed", open, tag, closed)
		}
	}
	if m := regexp.MustCompile(`(?i)(src|href)="[^d#][^"]*"|url\(|@import|<script|<link`).FindString(text); m != "" {
		t.Errorf("the page asks for %s", m)
	}
}
