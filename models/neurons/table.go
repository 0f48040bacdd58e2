package neurons

import "galvani/models/description"

// ErrDescription marks a description of a channel, a neuron or a morphology that is wrong.
var ErrDescription = description.Err

// Mistake is what is wrong in a file.
type Mistake = description.Mistake

// table is a table of a description, with what neurons read of one.
type table struct{ *description.Table }

// openTable reads the TOML of a file.
//
// Errors: *Mistake where it is not well formed.
func openTable(file string, text []byte) (table, error) {
	t, err := description.Open(file, text)
	return table{t}, err
}

func (t table) sub(key string) table { return table{t.Sub(key)} }

func (t table) list(key string) (all []table) {
	for _, one := range t.List(key) {
		all = append(all, table{one})
	}
	return all
}
