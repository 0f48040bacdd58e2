package engine

import "galvani/data"

// Curriculum is a course of training from easy to hard: easier forms of the task, one after the other, and then the
// task itself. Training begins with the first level and rises by one when an evaluation on the present level passes the
// threshold.
//
// Source: Bengio et al. (2009), doi:10.1145/1553374.1553380; the rule is that of PsychRNN (Ehrlich et al. 2021).
type Curriculum struct {
	// Levels come before Config.Task, the easiest first, all in its shape (data.Fit).
	Levels []*data.Task
	// Threshold is the accuracy from which a level is passed, or where there are no classes the loss up to which.
	Threshold float64
}

// at returns the configuration with the task of a level.
func (c Config) at(level int) Config {
	if level < len(c.Curriculum.Levels) {
		c.Task = c.Curriculum.Levels[level]
	}
	return c
}

// now returns the configuration with the task of the level that training is at.
func (s *Session) now() Config { return s.cfg.at(s.progress.Level) }

// passed reports whether a result on the present level takes training to the next.
func (s *Session) passed(m Metrics) bool {
	c := s.cfg.Curriculum
	return s.progress.Level < len(c.Levels) && m.reaches(c.Threshold)
}

// arrived reports whether an evaluation on the task itself has come to Options.StopAt.
func (s *Session) arrived() bool {
	p, at := s.progress, s.cfg.Options.StopAt
	return at > 0 && p.Best != nil && p.BestLevel == len(s.cfg.Curriculum.Levels) && p.Best.reaches(at)
}

// result is what a network came to on a level.
type result struct {
	level int
	m     *Metrics // nil for none
}

// better reports whether r is an improvement on o: at a higher level, or the better one at the same.
func (r result) better(o result) bool {
	if r.m == nil || o.m == nil {
		return r.m != nil
	}
	if r.level != o.level {
		return r.level > o.level
	}
	return r.m.Better(*o.m)
}

// best returns the best result so far.
func (p Progress) best() result { return result{p.BestLevel, p.Best} }

// rise begins to learn from the level that training has come to.
func (t *trainer) rise() {
	t.plan.set = t.now().Task.Train
	t.loader.close() // what it has filled is of the level before
	t.loader = newLoader(t.cfg.Task, t.plan)
}
