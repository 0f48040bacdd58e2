package experiment

import (
	"errors"
	"sort"

	"galvani/models"
)

// MatchingUnits returns the number of hidden units, at least 3, with which t has the number of
// learned parameters nearest to that of reference, with i inputs and o outputs.
//
// Errors: those of the models.
func MatchingUnits(reference, t Training, i, o int) (int, error) {
	want, err := learnedParameters(reference, models.Dims{I: i, H: reference.Hidden, O: o})
	if err != nil {
		return 0, err
	}
	count := func(units int) int {
		n, fault := learnedParameters(t, models.Dims{I: i, H: units, O: o})
		err = errors.Join(err, fault)
		return n
	}
	const least, most = 3, 1 << 16
	above := least + sort.Search(most-least, func(k int) bool { return err != nil || count(least+k) >= want })
	if above > least && want-count(above-1) < count(above)-want {
		above--
	}
	return above, err
}

// learnedParameters returns the number of learned parameters of a network.
func learnedParameters(t Training, d models.Dims) (int, error) {
	net, err := models.Bind(t.Model, t.Cell, d, models.ReadoutScale(t.ReadoutScale))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range net.Specs() {
		if s.Learned {
			n += s.Len()
		}
	}
	return n, nil
}
