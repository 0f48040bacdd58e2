package neurons

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"galvani/engine/setting"
	"galvani/kernels/compartments"
)

//go:embed channels/*.toml builtin/*.toml
var shipped embed.FS

// follows tells whether the gate follows calcium.
func (g Gate) follows() bool { return g.Kinetics == compartments.ByCalcium }

// stems returns the names of the files of a folder, sorted.
func stems(folder string) []string {
	files, err := fs.Glob(shipped, folder+"/*.toml")
	if err != nil {
		return nil // of a bad pattern
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	slices.Sort(files)
	return files
}

// Names returns the names of the built-in neurons, sorted.
func Names() []string { return stems("builtin") }

// ChannelNames returns the names of the built-in channels, sorted.
func ChannelNames() []string { return stems("channels") }

// LookupChannel returns a built-in channel; the error for an unknown one names the nearest.
func LookupChannel(name string) (Channel, error) {
	if !slices.Contains(ChannelNames(), name) {
		return Channel{}, errors.New(setting.Unknown("channel", name, ChannelNames()))
	}
	file := "channels/" + name + ".toml"
	text, err := shipped.ReadFile(file)
	if err != nil {
		return Channel{}, err
	}
	return ReadChannel(file, name, text)
}

// Text returns the file of a built-in neuron or channel, to begin one's own with.
//
// Errors: for an unknown name one that names the nearest.
func Text(name string) ([]byte, error) {
	switch {
	case slices.Contains(Names(), name):
		return shipped.ReadFile("builtin/" + name + ".toml")
	case slices.Contains(ChannelNames(), name):
		return shipped.ReadFile("channels/" + name + ".toml")
	}
	return nil, errors.New(setting.Unknown("neuron or channel", name, append(Names(), ChannelNames()...)))
}

// builtin returns a built-in neuron.
func builtin(name string) (*Neuron, error) {
	if !slices.Contains(Names(), name) {
		return nil, errors.New(setting.Unknown("neuron", name, Names()))
	}
	file := "builtin/" + name + ".toml"
	text, err := shipped.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Read(file, text, func(string) ([]byte, error) { return nil, errors.New("a built-in neuron has no files") })
}
