package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSealFindsCuts cuts a file at every byte. Without the check line, many cuts are well formed
// and say something else.
func TestSealFindsCuts(t *testing.T) {
	var out bytes.Buffer
	if err := newSet(t, newCell()).Write(&out); err != nil {
		t.Fatal(err)
	}
	want, err := Decode(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	sealed := Seal(out.Bytes())
	for n := range sealed {
		if _, err := Decode(bytes.NewReader(sealed[:n])); !errors.Is(err, ErrConfig) {
			t.Errorf("cut to %d of %d bytes: error %v, want ErrConfig", n, len(sealed), err)
		}
	}
	edited := bytes.Replace(sealed, []byte("dt = 1"), []byte("dt = 2"), 1)
	if _, err := Decode(bytes.NewReader(edited)); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "delete its first line") {
		t.Errorf("an edited file gives %v, want the remedy", err)
	}
	_, unsealed, _ := bytes.Cut(edited, []byte("\n"))
	if pairs, err := Decode(bytes.NewReader(unsealed)); err != nil || cmp.Equal(pairs, want) {
		t.Errorf("an edited file without its check line gives %v, %v", pairs, err)
	}
	for name, text := range map[string][]byte{"as written": sealed, "line ends": bytes.ReplaceAll(sealed, []byte("\n"), []byte("\r\n"))} {
		got, err := Decode(bytes.NewReader(text))
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}
