package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// payload is what the test mirrors serve: long enough for many reads, and not compressible.
func payload() []byte {
	r := newStream(7, fixed, 0, 0)
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = byte(r.below(256))
	}
	return b
}

func hashOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// mirror serves one file and writes down the Range of every request.
type mirror struct {
	*httptest.Server
	ranges []string
}

func newMirror(t *testing.T, serve func(w http.ResponseWriter, r *http.Request, attempt int)) *mirror {
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.ranges = append(m.ranges, r.Header.Get("Range"))
		serve(w, r, len(m.ranges))
	}))
	t.Cleanup(m.Close)
	return m
}

// whole serves body with support for ranges.
func whole(body []byte) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// cut promises all of body and hangs up after n bytes.
func cut(body []byte, n int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:n])
		panic(http.ErrAbortHandler)
	}
}

func notFound(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) }

// collection is one plain file on the given mirrors.
func collection(body []byte, mirrors ...*mirror) Collection {
	c := Collection{Name: "c", Files: []Download{{Name: "f", Limit: 1 << 20, SHA256: hashOf(body)}}}
	for _, m := range mirrors {
		c.Mirrors = append(c.Mirrors, m.URL)
	}
	return c
}

// wantFile holds the folder to exactly one file with the given content.
func wantFile(t *testing.T, dir string, body []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, "c", "f"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, body) {
		t.Errorf("file has %d bytes with SHA-256 %s, want %d with %s", len(got), hashOf(got), len(body), hashOf(body))
	}
	wantNames(t, filepath.Join(dir, "c"), "f")
}

func wantNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("folder holds %v, want %v", names, want)
	}
}

// wantOneLine holds an error to one line that says all of the given words.
func wantOneLine(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("error is not one line: %q", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestFetchGood(t *testing.T) {
	body, dir := payload(), t.TempDir()
	m := newMirror(t, whole(body))
	var last Progress
	if err := collection(body, m).Fetch(t.Context(), dir, FetchOptions{Progress: func(p Progress) { last = p }}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, body)
	if want := (Progress{"f", m.URL + "/f", int64(len(body)), int64(len(body))}); last != want {
		t.Errorf("last progress is %+v, want %+v", last, want)
	}
	if err := collection(body, m).Fetch(t.Context(), dir, FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(m.ranges) != 1 {
		t.Errorf("a file that was there was asked for again: %d requests", len(m.ranges))
	}
}

func TestFetchReplacesBrokenFile(t *testing.T) {
	body, dir := payload(), t.TempDir()
	mustWrite(t, filepath.Join(dir, "c", "f"), []byte("broken"))
	if err := collection(body, newMirror(t, whole(body))).Fetch(t.Context(), dir, FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, body)
}

func TestFetchResumes(t *testing.T) {
	body := payload()
	for _, c := range []struct {
		name   string
		part   []byte
		serve  func(http.ResponseWriter, *http.Request, int)
		ranges []string
	}{
		{"from a part", body[:1000], whole(body), []string{"bytes=1000-"}},
		{"from a part that is complete", body, whole(body), []string{"bytes=300000-"}},
		{"after the connection broke", nil, func(w http.ResponseWriter, r *http.Request, attempt int) {
			if attempt == 1 {
				cut(body, 131072)(w, r, attempt)
			}
			whole(body)(w, r, attempt)
		}, []string{"", "bytes=131072-"}},
		{"afresh where the mirror has no ranges", body[:1000], func(w http.ResponseWriter, _ *http.Request, _ int) {
			_, _ = w.Write(body)
		}, []string{"bytes=1000-"}},
		{"afresh where the part is of another file", []byte("something else"), whole(body), []string{"bytes=14-", ""}},
		{"afresh where the part is too long", bytes.Repeat(body, 4), whole(body), []string{"bytes=1200000-", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.part != nil {
				mustWrite(t, filepath.Join(dir, "c", "f.part"), c.part)
			}
			m := newMirror(t, c.serve)
			if err := collection(body, m).Fetch(t.Context(), dir, FetchOptions{}); err != nil {
				t.Fatal(err)
			}
			wantFile(t, dir, body)
			if fmt.Sprint(m.ranges) != fmt.Sprint(c.ranges) {
				t.Errorf("ranges asked for are %q, want %q", m.ranges, c.ranges)
			}
		})
	}
}

func TestFetchNextMirror(t *testing.T) {
	body := payload()
	altered := bytes.Clone(body)
	altered[len(altered)/2] ^= 1
	for name, first := range map[string]func(http.ResponseWriter, *http.Request, int){
		"404":        notFound,
		"wrong hash": whole(altered),
		"too long":   whole(bytes.Repeat(body, 10)),
		"truncated":  cut(body, 65536),
		"short":      whole(body[:1000]),
		"wrong range": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Range", "bytes 5-10/300000")
			w.WriteHeader(http.StatusPartialContent)
		},
		"silent": func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := collection(body, newMirror(t, first), newMirror(t, whole(body))).Fetch(t.Context(), dir, FetchOptions{Stall: time.Second / 5}); err != nil {
				t.Fatal(err)
			}
			wantFile(t, dir, body)
		})
	}
}

// TestFetchKeepsPart has one mirror answer with a range nobody asked for: what is there must
// stay as it is for the next one.
func TestFetchKeepsPart(t *testing.T) {
	body, dir := payload(), t.TempDir()
	mustWrite(t, filepath.Join(dir, "c", "f.part"), body[:1000])
	confused := newMirror(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Content-Range", "bytes 5-10/300000")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body[5:11])
	})
	good := newMirror(t, whole(body))
	if err := collection(body, confused, good).Fetch(t.Context(), dir, FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, body)
	if fmt.Sprint(good.ranges) != "[bytes=1000-]" {
		t.Errorf("ranges asked of the second mirror are %q, want bytes=1000-", good.ranges)
	}
}

func TestFetchFails(t *testing.T) {
	body := payload()
	altered := bytes.Clone(body)
	altered[0] ^= 1
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name  string
		m     *mirror
		says  string
		leave []string // in the folder
	}{
		{"404", newMirror(t, notFound), "404 Not Found", nil},
		{"wrong hash", newMirror(t, whole(altered)), "want " + hashOf(body), nil},
		{"too long", newMirror(t, whole(bytes.Repeat(body, 10))), "more than 1048576 bytes", nil},
		{"truncated", newMirror(t, cut(body, 65536)), "unexpected EOF", []string{"f.part"}},
		{"no network", &mirror{Server: gone}, "connection refused", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			err := collection(body, c.m).Fetch(t.Context(), dir, FetchOptions{})
			if !errors.Is(err, ErrFetch) {
				t.Errorf("error is %v, want ErrFetch", err)
			}
			wantOneLine(t, err, "data: fetch c: f: ", c.says, c.m.URL+"/f", "check the network")
			wantNames(t, filepath.Join(dir, "c"), c.leave...)
		})
	}
}

func TestFetchCancelled(t *testing.T) {
	body, dir := payload(), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	c := collection(body, newMirror(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:100_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	err := c.Fetch(ctx, dir, FetchOptions{Progress: func(p Progress) {
		if p.Done == 100_000 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrFetch) {
		t.Errorf("error is %v, want context.Canceled alone", err)
	}
	wantOneLine(t, err, "go on where it stopped")
	if got := fileSize(filepath.Join(dir, "c", "f.part")); got != 100_000 {
		t.Errorf("part has %d bytes, want 100000", got)
	}
}

func TestFetchReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	mustWrite(t, dir, nil)
	m := newMirror(t, whole(payload()))
	err := collection(payload(), m).Fetch(t.Context(), dir, FetchOptions{})
	if !isSystem(err) || len(m.ranges) != 0 {
		t.Errorf("error is %v after %d requests, want a file-system error and none", err, len(m.ranges))
	}
	wantOneLine(t, err, dir)
}

func TestFetchUnknown(t *testing.T) {
	_, err := LookupCollection("minst")
	wantOneLine(t, err, `"minst"`, `did you mean "mnist"?`)
}

// TestFetchContentHash accepts the same content under another compression and nothing else.
func TestFetchContentHash(t *testing.T) {
	content := payload()
	for _, c := range []struct {
		name string
		body []byte
		good bool
	}{
		{"fast", gzipped(t, content, gzip.BestSpeed), true},
		{"small", gzipped(t, content, gzip.BestCompression), true},
		{"other", gzipped(t, content[1:], gzip.BestSpeed), false},
		{"longer", gzipped(t, append(bytes.Clone(content), 0), gzip.BestSpeed), false},
		{"broken", gzipped(t, content, gzip.BestSpeed)[:200_000], false},
		{"plain", content, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			from := collection(content, newMirror(t, whole(c.body)))
			from.Files[0].Content = int64(len(content))
			err := from.Fetch(t.Context(), dir, FetchOptions{})
			if !c.good {
				wantOneLine(t, err, errHash.Error())
				wantNames(t, filepath.Join(dir, "c"))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, dir, c.body)
		})
	}
}

// TestFetchArchive unpacks what it wants and nothing that the archive would like to write.
func TestFetchArchive(t *testing.T) {
	type entry struct {
		name string
		kind byte
		body string
	}
	good := []entry{{"top/a.bin", tar.TypeReg, "aaaa"}, {"./top/b.bin", tar.TypeReg, "bbb"}}
	for _, c := range []struct {
		name    string
		entries []entry
		says    string
	}{
		{"good", append([]entry{{"top/", tar.TypeDir, ""}, {"top/readme", tar.TypeReg, "hello"}}, good...), ""},
		{"traversal", append([]entry{{"../../evil", tar.TypeReg, "x"}, {"/evil", tar.TypeReg, "x"}, {"top/../../a.bin", tar.TypeReg, "xxxx"}}, good...), ""},
		{"link for a member", []entry{{"top/a.bin", tar.TypeSymlink, ""}, good[1]}, "top/a.bin"},
		{"member of another type", []entry{{"top/a.bin", tar.TypeCont, "aaaa"}, good[1]}, "of type '7'"},
		{"member too long", []entry{{"top/a.bin", tar.TypeReg, "aaaaa"}, good[1]}, "want a file of 4"},
		{"member missing", good[:1], "1 of 2 members are missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raw bytes.Buffer
			w := tar.NewWriter(&raw)
			for _, e := range c.entries {
				h := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.body)), Mode: 0o644}
				if e.kind == tar.TypeSymlink {
					h.Linkname = "/etc/passwd"
				}
				if err := w.WriteHeader(h); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(w, e.body); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			body, dir := gzipped(t, raw.Bytes(), gzip.BestSpeed), t.TempDir()
			from := collection(body, newMirror(t, whole(body)))
			from.Files[0].Members = []Member{{"top/a.bin", 4}, {"top/b.bin", 3}}
			err := from.Fetch(t.Context(), filepath.Join(dir, "in"), FetchOptions{})
			if c.says != "" {
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("error is %v, want ErrCorrupt", err)
				}
				wantOneLine(t, err, c.says)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantNames(t, dir, "in")
			wantNames(t, filepath.Join(dir, "in"), "c")
			wantNames(t, filepath.Join(dir, "in", "c"), "a.bin", "b.bin")
			if got, err := os.ReadFile(filepath.Join(dir, "in", "c", "a.bin")); err != nil || string(got) != "aaaa" {
				t.Errorf("a.bin is %q (%v), want aaaa", got, err)
			}
		})
	}
}

// TestUnpackTruncated feeds every truncation of a small archive.
func TestUnpackTruncated(t *testing.T) {
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	body := payload()[:700]
	if err := w.WriteHeader(&tar.Header{Name: "top/a.bin", Typeflag: tar.TypeReg, Size: 700, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	archive := gzipped(t, raw.Bytes(), gzip.BestSpeed)
	dir := t.TempDir()
	path := filepath.Join(dir, "x.tar.gz")
	for n := range archive[:len(archive)-100] {
		mustWrite(t, path, archive[:n])
		if err := unpack(path, dir, []Member{{"top/a.bin", 700}}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("archive cut at %d: error is %v, want ErrCorrupt", n, err)
		}
		wantNames(t, dir, "x.tar.gz")
	}
}

// TestCollections holds the table to its own rules and, where the real files are, its hashes
// to them.
func TestCollections(t *testing.T) {
	for _, c := range Collections() {
		if len(c.Mirrors) < 2 || c.Doc == "" {
			t.Errorf("%s: want two mirrors or more and a doc", c.Name)
		}
		for _, f := range c.Files {
			if b, err := hex.DecodeString(f.SHA256); err != nil || len(b) != sha256.Size {
				t.Errorf("%s: %s: SHA-256 is %q", c.Name, f.Name, f.SHA256)
			}
		}
	}
	dir := sampleData(t)
	c, err := LookupCollection("mnist")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		if err := f.verify(filepath.Join(dir, "mnist", f.Name)); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func gzipped(t testing.TB, b []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func mustWrite(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
