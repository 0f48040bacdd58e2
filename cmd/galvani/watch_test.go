package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"galvani/engine/rundir"
)

// TestWatch looks at a run that is under way and then ends: the page asks for itself until then. Other hosts and paths
// get nothing, and a signal ends the command well.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := copyOfRun(t)
	run, err := rundir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.SetStatus(rundir.Status{Phase: rundir.Running, Step: 12, Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	c := program("watch", dir, "--port", "0")
	pipe, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	line, err := bufio.NewReader(pipe).ReadString('\n')
	url := regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+/`).FindString(line)
	if err != nil || url == "" {
		t.Fatalf("%q, %v", line, err)
	}
	get := func(url string, change func(*http.Request)) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		change(r)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a, string(text)
	}
	same := func(*http.Request) {}
	a, text := get(url, same)
	if a.StatusCode != 200 || a.Header.Get("Refresh") == "" {
		t.Errorf("status %d, header %v, want a page that asks for itself", a.StatusCode, a.Header)
	}
	checkPage(t, text, "on looming</h1>", "running", "Update 12", ">Loss<", ">Gradient<", "Last metrics", "<td>hidden</td><td>8</td>", "What ran where")
	if err := run.Append(time.Now(), 13, map[string]float64{"loss": 0.125}); err != nil {
		t.Fatal(err)
	}
	if _, text := get(url, same); !regexp.MustCompile("Update 13, .*").MatchString(text) {
		t.Error("the page does not show the update that came after the first look")
	}
	for code, change := range map[int]func(*http.Request){
		404: func(r *http.Request) { r.URL.Path = "/favicon.ico" },
		403: func(r *http.Request) { r.Host = "example.org:80" },
		405: func(r *http.Request) { r.Method = "POST" },
	} {
		if a, _ := get(url, change); a.StatusCode != code {
			t.Errorf("status %d, want %d", a.StatusCode, code)
		}
	}
	if err := run.SetStatus(rundir.Status{Phase: rundir.Completed, Reason: "done", Step: 13, Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if a, text := get(url, same); a.Header.Get("Refresh") != "" || !regexp.MustCompile("completed").MatchString(text) {
		t.Errorf("header %v, want a page that stays", a.Header)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
	run.Close()
}

// TestWatchRefuses: a port in use, and what is no run.
func TestWatchRefuses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	galvani(t, "watch", copyOfRun(t), "--port", port).refused(t, exitConfig, "port "+port+" is in use")
	galvani(t, "watch", copyOfRun(t), "--port", "70000").refused(t, exitUsage, "want 0 to 65535")
	galvani(t, "watch", t.TempDir()).refused(t, exitConfig, "")
}
