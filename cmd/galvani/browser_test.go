package main

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// browser returns a Chromium, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here")
	return ""
}

// TestReportInBrowser opens reports and the live page in a browser as wide as a phone and a desktop: nothing reaches beyond the page, each
// figure has a size, and nothing was asked for from elsewhere.
func TestReportInBrowser(t *testing.T) {
	chromium := browser(t)
	t.Parallel()
	runs := t.TempDir()
	galvani(t, args(tiny, "--model", "rate", "--task", "looming", "--runs-dir", runs, "--quiet", "--dale")...).ok(t)
	live, err := lookLive(runNames(runs)[0])
	if err != nil {
		t.Fatal(err)
	}
	pages := []string{string(live.html)}
	for _, what := range []string{runNames(runs)[0], runs} {
		r := told[reportResult](t, "report", what)
		text := contents(t, r.File)
		pages = append(pages, string(text))
	}
	frames := ""
	for _, text := range pages {
		for _, width := range []int{390, 1280} {
			frames += fmt.Sprintf("<iframe style='width:%dpx;height:800px;border:0' srcdoc=\"%s\"></iframe>\n", width, html.EscapeString(text))
		}
	}
	page := filepath.Join(t.TempDir(), "look.html")
	if err := os.WriteFile(page, []byte("<!DOCTYPE html><meta charset=utf-8>"+frames+`<script>
onload = () => {
	const found = [...document.querySelectorAll("iframe")].map(f => {
		const d = f.contentDocument, root = d.documentElement, box = e => e.getBoundingClientRect();
		return {width: f.clientWidth, reach: root.scrollWidth, tall: root.scrollHeight, figures: d.querySelectorAll("figure").length,
			empty: [...d.querySelectorAll("figure > *")].filter(e => box(e).width < 50 || box(e).height < 8).length,
			asked: f.contentWindow.performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length};
	});
	document.body.innerHTML = "<pre>" + JSON.stringify(found) + "</pre>";
};
</script>`), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=10000",
		"--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", "file://"+page).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := regexp.MustCompile(`<pre>(.*)</pre>`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("the browser shows %.300s", out)
	}
	var found []struct{ Width, Reach, Tall, Figures, Empty, Asked int }
	if err := json.Unmarshal(m[1], &found); err != nil {
		t.Fatal(err)
	}
	if len(found) != 2*len(pages) {
		t.Fatalf("%d pages, want %d", len(found), 2*len(pages))
	}
	for _, f := range found {
		if f.Reach > f.Width || f.Tall < 800 || f.Figures < 1 || f.Empty > 0 || f.Asked > 0 {
			t.Errorf("%+v, want a page that is no wider than it may be, with figures, and nothing asked for", f)
		}
	}
}
