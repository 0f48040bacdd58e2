package circuits

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"galvani/engine/infile"
	"galvani/engine/setting"
	"galvani/models/description"
)

// Network is a network as its file describes it.
type Network struct {
	Name, Doc, Source string
	// File is the path of the file, or that of a built-in one.
	File string
	// Step is the length of a step in ms.
	Step float64
	// Keys are the settings, at their values in effect.
	Keys  []setting.Key
	text  []byte
	files []string // that it names
}

//go:embed builtin/*.toml
var shipped embed.FS

// Names returns the names of the built-in networks, sorted.
func Names() []string {
	files, err := fs.Glob(shipped, "builtin/*.toml")
	if err != nil {
		return nil // of a bad pattern
	}
	for i, f := range files {
		files[i] = stem(f)
	}
	slices.Sort(files)
	return files
}

// stem returns the name of a network of a file.
func stem(file string) string { return strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".toml") }

// Load returns the built-in network of a name, or that of a file, which ends in .toml, with its settings as
// the file has them.
//
// Errors: *description.Mistake for a wrong file; for an unknown name one that names the nearest.
func Load(name string) (*Network, error) {
	if strings.HasSuffix(name, ".toml") {
		text, err := infile.Read(name)
		if err != nil {
			return nil, err
		}
		return Read(name, text)
	}
	text, err := Text(name)
	if err != nil {
		return nil, err
	}
	return Read("builtin/"+name+".toml", text)
}

// Text returns the file of a built-in network, to begin one's own with.
//
// Errors: for an unknown name one that names the nearest.
func Text(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, errors.New(setting.Unknown("network", name, Names()))
	}
	return shipped.ReadFile("builtin/" + name + ".toml")
}

// Describes reports whether a text describes a network rather than something else in TOML.
func Describes(text []byte) bool {
	t, err := description.Open("", text)
	return err == nil && (t.Has("population") || t.Has("projection"))
}

// SHA256 returns that of the file, and of the files of edges and of trains that it names.
func (n *Network) SHA256() string {
	h := sha256.New()
	h.Write(n.text)
	for _, name := range n.files {
		text, err := infile.Read(name)
		if err != nil {
			text = []byte(err.Error()) // it was there when the network was read
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil))
}
