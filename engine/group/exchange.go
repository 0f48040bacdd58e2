package group

import "encoding/json"

// Exchange returns what each rank brings, by rank, on every rank, as JSON carries it.
//
// Errors: those of Gather; what JSON cannot carry.
func Exchange[T any](g Group, own T) ([]T, error) {
	text, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	texts, err := g.Gather(text)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(texts))
	for rank, text := range texts {
		if err := json.Unmarshal(text, &all[rank]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
