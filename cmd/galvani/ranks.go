package main

import (
	"errors"

	"galvani/engine"
)

// others makes the sessions of the ranks of a dry run behind the first, with tasks and networks of their
// own, where the first stands.
func (j *job) others() (list []*engine.Session, err error) {
	if len(j.ranks) == 1 {
		return nil, nil
	}
	state, err := j.session.State()
	if err != nil {
		return nil, err
	}
	for _, rank := range j.ranks[1:] {
		task, net, mlp, err := j.build()
		if err != nil {
			return list, err
		}
		cfg, other := j.cfg, job{net: net, mlp: mlp}
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
