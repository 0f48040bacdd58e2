package cite

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Work is a publication.
type Work struct {
	Key     string // of the entry in BibTeX
	Kind    string // of the entry: article, inproceedings, techreport, misc or unpublished
	Authors string // "Family, Given and Family, Given"
	Title   string
	In      string // journal, proceedings or institution
	Volume  string
	Number  string
	Pages   string
	Year    int    // 0 for what was not published
	DOI     string // without the address of a resolver
	ArXiv   string // number of the preprint
	URL     string // where there is neither DOI nor ArXiv
	Note    string
}

// place names the field of In for each kind.
var place = map[string]string{"article": "journal", "inproceedings": "booktitle", "techreport": "institution", "misc": "howpublished", "unpublished": "howpublished"}

// BibTeX returns the work as an entry.
func (w Work) BibTeX() string {
	var b strings.Builder
	fmt.Fprintf(&b, "@%s{%s,\n", w.Kind, w.Key)
	field := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %s = {%s},\n", name, escape(text))
		}
	}
	field("author", w.Authors)
	field("title", capitals(w.Title))
	field(place[w.Kind], w.In)
	field("volume", w.Volume)
	field("number", w.Number)
	field("pages", strings.ReplaceAll(w.Pages, "-", "--"))
	if w.Year > 0 {
		field("year", fmt.Sprint(w.Year))
	}
	field("doi", w.DOI)
	if w.ArXiv != "" {
		field("eprint", w.ArXiv)
		field("archiveprefix", "arXiv")
	}
	field("url", w.URL)
	field("note", w.Note)
	b.WriteString("}\n")
	return b.String()
}

// escape writes what TeX would read as a command. Letters stay in UTF-8, as biber and today's BibTeX
// styles read them.
func escape(text string) string {
	return strings.NewReplacer("&", `\&`, "%", `\%`, "#", `\#`).Replace(text)
}

// capitals protects words that have capitals inside, such as LSTM and NeuroGym, which BibTeX would
// write small.
func capitals(title string) string {
	words := strings.Split(title, " ")
	for i, w := range words {
		if len(w) > 1 && strings.ToLower(w[1:]) != w[1:] {
			words[i] = "{" + w + "}"
		}
	}
	return strings.Join(words, " ")
}

// BibTeX returns works as the text of a file, each once, in their order.
func BibTeX(works []Work) []byte {
	var b bytes.Buffer
	seen := map[string]bool{}
	for _, w := range works {
		if seen[w.Key] {
			continue
		}
		if len(seen) > 0 {
			b.WriteByte('\n')
		}
		seen[w.Key] = true
		b.WriteString(w.BibTeX())
	}
	return b.Bytes()
}

// Check reports what an entry lacks that a reader needs to find the work.
func (w Work) Check() error {
	published := w.Kind != "unpublished"
	switch {
	case w.Key == "" || strings.ContainsAny(w.Key, " ,{}"):
		return fmt.Errorf("cite: key %q: want letters and digits", w.Key)
	case place[w.Kind] == "":
		return fmt.Errorf("cite: %s: kind %q is unknown", w.Key, w.Kind)
	case w.Authors == "" || w.Title == "":
		return fmt.Errorf("cite: %s: author or title is missing", w.Key)
	case published && (w.Year < 1800 || w.Year > 2100):
		return fmt.Errorf("cite: %s: year is %d", w.Key, w.Year)
	case published && w.DOI == "" && w.ArXiv == "" && w.URL == "":
		return fmt.Errorf("cite: %s: neither DOI, arXiv number nor address", w.Key)
	case !published && w.Note == "":
		return fmt.Errorf("cite: %s: not published and no note", w.Key)
	case strings.HasPrefix(w.DOI, "http"):
		return fmt.Errorf("cite: %s: DOI %s has an address before it", w.Key, w.DOI)
	}
	return nil
}

// identified finds the works that a sentence names by DOI or arXiv number.
var identified = regexp.MustCompile(`(?:doi|arXiv):([^\s;,]+)`)

// CheckAll holds the references of an entry to its source: there are some, each is whole, and each work
// that the source names by DOI or arXiv number is among them.
func CheckAll(source string, works []Work) error {
	if len(works) == 0 {
		return errors.New("cite: there are no references")
	}
	known := map[string]bool{}
	for _, w := range works {
		if err := w.Check(); err != nil {
			return err
		}
		known[w.DOI], known[w.ArXiv] = true, true
	}
	for _, m := range identified.FindAllStringSubmatch(source, -1) {
		if !known[m[1]] {
			return fmt.Errorf("cite: the references lack %s", m[1])
		}
	}
	return nil
}
