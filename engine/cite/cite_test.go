package cite

import "testing"

// TestBibTeX holds the text of a file: each work once, ranges with two dashes, capitals kept.
func TestBibTeX(t *testing.T) {
	other := Work{Key: "a2000b", Kind: "unpublished", Authors: "Ä, B", Title: "Cats & dogs", Note: "50 % done"}
	got := string(BibTeX([]Work{LSTM, other, LSTM}))
	want := `@article{hochreiter1997long,
  author = {Hochreiter, Sepp and Schmidhuber, Jürgen},
  title = {Long {Short-Term} Memory},
  journal = {Neural Computation},
  volume = {9},
  number = {8},
  pages = {1735--1780},
  year = {1997},
  doi = {10.1162/neco.1997.9.8.1735},
}

@unpublished{a2000b,
  author = {Ä, B},
  title = {Cats \& dogs},
  note = {50 \% done},
}
`
	if got != want {
		t.Errorf("text is\n%s\nwant\n%s", got, want)
	}
}

func TestCheck(t *testing.T) {
	for _, w := range []Work{LSTM, IRNN} {
		if err := w.Check(); err != nil {
			t.Error(err)
		}
	}
	for what, change := range map[string]func(*Work){
		"key": func(w *Work) { w.Key = "a b" }, "kind": func(w *Work) { w.Kind = "paper" }, "author": func(w *Work) { w.Authors = "" },
		"title": func(w *Work) { w.Title = "" }, "year": func(w *Work) { w.Year = 0 }, "place": func(w *Work) { w.DOI = "" },
		"address": func(w *Work) { w.DOI = "https://doi.org/1" }, "note": func(w *Work) { w.Kind = "unpublished" },
	} {
		w := LSTM
		change(&w)
		if w.Check() == nil {
			t.Errorf("without %s it passes", what)
		}
	}
}

func TestCheckAll(t *testing.T) {
	for _, c := range []struct {
		source string
		works  []Work
		whole  bool
	}{
		{"Hochreiter and Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735", []Work{LSTM}, true},
		{"no number", []Work{LSTM}, true},
		{"no number", nil, false},
		{"another, doi:10.1/2", []Work{LSTM}, false},
		{"another, arXiv:1504.00941", []Work{LSTM}, false},
		{"arXiv:1504.00941", []Work{IRNN}, true},
		{"no number", []Work{{Key: "a"}}, false},
	} {
		if err := CheckAll(c.source, c.works); (err == nil) != c.whole {
			t.Errorf("%q with %d works: %v", c.source, len(c.works), err)
		}
	}
}
