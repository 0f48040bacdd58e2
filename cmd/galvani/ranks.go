package main

import (
	"errors"
	"fmt"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine"
	"galvani/engine/group"
)

// others makes the sessions of the ranks of a dry run behind the first, with tasks and networks of their
// own, where the first stands.
func (j *job) others() (list []*engine.Session, err error) {
	if len(j.members) == 1 {
		return nil, nil
	}
	state, err := j.session.State()
	if err != nil {
		return nil, err
	}
	for _, rank := range j.members[1:] {
		task, net, layers, err := j.build()
		if err != nil {
			return list, err
		}
		cfg, other := j.cfg, job{net: net, layers: layers}
		if cfg.Curriculum, err = j.curriculum(task); err != nil {
			return list, err
		}
		cfg.Net, cfg.Task, cfg.Group = other.network(), task, rank
		s, err := engine.NewSession(cfg)
		if err != nil {
			return list, err
		}
		list = append(list, s)
		if err := s.Restore(state); err != nil {
			return list, err
		}
	}
	return list, nil
}

// closeAll closes sessions that nothing is kept of.
func closeAll(list []*engine.Session) (err error) {
	for _, s := range list {
		err = errors.Join(err, s.Close())
	}
	return err
}

// play returns the ranks that this process plays: those of a dry run, or its own.
//
// Errors: config.ErrConfig for a dry run of a process that is one of several ranks.
func (j *job) play() ([]group.Group, error) {
	switch {
	case j.ranks == nil || j.ranks.Size() == 1:
		return group.DryRun(j.run.DryRunRanks), nil
	case j.run.DryRunRanks > 1:
		return nil, fmt.Errorf("%w: dry_run_ranks is %d, and a launcher has started %d ranks; leave out --dry-run-ranks", config.ErrConfig, j.run.DryRunRanks, j.ranks.Size())
	}
	return []group.Group{j.ranks}, nil
}

// ranksText says what the ranks are; empty for one.
func (j *job) ranksText() string {
	if n := len(j.members); n > 1 {
		return fmt.Sprintf("%d in this process, with %d shards of each batch", n, j.opt.Shards)
	}
	if n := j.members[0].Size(); n > 1 {
		return fmt.Sprintf("%d, with %d shards of each batch", n, j.opt.Shards)
	}
	return ""
}
