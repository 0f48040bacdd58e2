package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/hostmem"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/circuits"
)

// The values of --storage: connections that are kept, or drawn again in each step, or the latter where they do not fit.
const (
	storedEntries = "stored"
	procedural    = "procedural"
	autoStorage   = "auto"
)

var storages = []string{autoStorage, procedural, storedEntries}

func checkStorage(s string) error {
	if s == "" || slices.Contains(storages, s) { // empty of a theory, whose simulation is brief
		return nil
	}
	return fmt.Errorf("%w: --storage: %s", config.ErrConfig, setting.Unknown("storage", s, storages))
}

// fit holds that a network fits into the memory, before anything of it is drawn, and has its connections drawn again in
// each step where that is asked for, or with auto where only that fits.
//
// Errors: those of circuits.Blueprint.Fits; config.ErrConfig where no connection can be drawn again.
func (f *simulateFlags) fit(net *circuits.Blueprint, dev kernels.Device, near locality, stderr io.Writer) (storage string, err error) {
	room, known := hostmem.There()
	room = room.Among(near.ranks)
	storage = storedEntries
	steps := f.steps()
	if f.save != "" {
		steps *= 3 // a save holds what was recorded twice more
	}
	if f.storage != procedural {
		err = net.Fits(dev, f.ranks.Size(), steps, room, known)
		_, gpu := dev.(kernels.Resident)
		switch few := errors.Is(err, kernels.ErrMemory) && !errors.Is(err, circuits.ErrRecorded) && !gpu; {
		case !few:
			return storage, err
		case f.storage == storedEntries || f.ranks.Size() > 1: // ranks may have different memories
			return storage, fmt.Errorf("%w; or keep no connections, by --storage procedural", err)
		}
	}
	synapses := net.Size().Entries
	if !net.Regenerate() {
		if err == nil {
			err = fmt.Errorf("%w: --storage is procedural, and no connections of the network can be drawn again: those are ones by probability, in_degree, mean_in_degree or all_to_all, without plasticity; leave it out", config.ErrConfig)
		}
		return storage, err
	}
	if e := net.Fits(dev, f.ranks.Size(), steps, room, known); e != nil {
		return storage, e
	}
	if err != nil && f.ranks.Rank() == 0 {
		fmt.Fprintf(stderr, "%.3g synapses do not fit into the memory: they are drawn again in each step, which takes longer, and are others than those that --storage stored keeps\n", synapses)
	}
	return procedural, nil
}
