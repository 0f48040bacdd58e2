package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine"
	"galvani/engine/group"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

// errAsked says that another rank was asked to stop.
var errAsked = fmt.Errorf("%w: another rank was asked to", errStopped)

// ranksKey is the key of the ranks in the context of a command.
type ranksKey struct{}

// ranksOf returns the ranks of the job that a command belongs to.
func ranksOf(ctx context.Context) group.Group {
	if g, ok := ctx.Value(ranksKey{}).(group.Group); ok {
		return g
	}
	return group.Alone{}
}

// launched reports whether a launcher has started this process, if only one. Then a batch is divided
// all the same, so that another number of processes gives the same bits.
func launched(ranks group.Group) bool {
	l, ok := ranks.(*group.Launched)
	return ok && l.Library != ""
}

// byRanks marks a command that runs on several ranks.
const byRanks = "ranks"

// onRanks marks a command as one that runs on several ranks.
func onRanks(c *cobra.Command) *cobra.Command {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[byRanks] = "yes"
	return c
}

// withRanks puts the ranks into the context of a command.
//
// Errors: errUsage for several ranks of a command that runs on one.
func withRanks(root *cobra.Command, ranks *group.Launched, args []string) error {
	root.SetContext(context.WithValue(context.Background(), ranksKey{}, group.Group(ranks)))
	if ranks.Size() == 1 {
		return nil
	}
	c, _, err := root.Find(args)
	if err != nil || !c.HasParent() || c.HasSubCommands() || slices.Contains([]string{"help", "version", "exit-codes"}, c.Name()) || c.Annotations[byRanks] != "" {
		return nil // what is wrong with the line is said by the command
	}
	return fmt.Errorf("%w: %s runs as one process, and a launcher has started %d; start it without", errUsage, c.CommandPath(), ranks.Size())
}

// ownKeys are those that the ranks of a job may have different values of: what belongs to a machine.
var ownKeys = []string{"device", "threads", "data_dir"}

// local returns the pairs of a layer that belong to a machine, and the others.
func (l layer) local() (own, common []config.Pair) {
	for _, p := range l.pairs {
		if slices.Contains(ownKeys, p.Name) {
			own = append(own, p)
		} else {
			common = append(common, p)
		}
	}
	return own, common
}

// agree holds that all ranks were started in the same way, which words tell.
//
// Errors: config.ErrConfig, on all ranks, for another program or other words.
func agree(ranks group.Group, words ...string) error {
	if ranks.Size() == 1 {
		return nil
	}
	own, err := ownProgram()
	if err != nil {
		return err
	}
	all, err := group.Exchange(ranks, append([]string{thisBuild().String() + " " + own}, words...))
	if err != nil {
		return err
	}
	for rank, other := range all {
		if !slices.Equal(other, all[0]) {
			return fmt.Errorf("%w: %s; start all ranks with the same program and the same settings, but for device, threads and data_dir", config.ErrConfig, difference(rank, all[0], other))
		}
	}
	return nil
}

// words tell in which way a training was started, but for what belongs to a machine.
func (f *trainFlags) words(flags layer) []string {
	_, common := flags.local()
	words := []string{fmt.Sprintf("--config %q --resume %q", f.configs, f.resume)}
	for _, p := range common {
		words = append(words, fmt.Sprintf("%s = %v", p.Name, p.Value))
	}
	return words
}

// difference says in what a rank was started in another way than rank 0.
func difference(rank int, first, other []string) string {
	if first[0] != other[0] {
		return fmt.Sprintf("rank %d runs another program than rank 0: %s, not %s", rank, other[0], first[0])
	}
	for i := range max(len(first), len(other)) {
		switch {
		case i >= len(other):
			return fmt.Sprintf("rank %d was started without %s", rank, first[i])
		case i >= len(first):
			return fmt.Sprintf("rank %d was started with %s, rank 0 was not", rank, other[i])
		case first[i] != other[i]:
			return fmt.Sprintf("rank %d was started with %s, rank 0 with %s", rank, other[i], first[i])
		}
	}
	return fmt.Sprintf("rank %d was started in another way than rank 0", rank)
}

// ownProgram returns a hash of the file of this program.
var ownProgram = sync.OnceValues(func() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(path)
	sum := sha256.Sum256(content)
	return fmt.Sprintf("(file %x)", sum[:4]), err
})

// order is what rank 0 tells the others of a run.
type order struct {
	Settings []byte            // config.toml
	Files    map[string][]byte // by key that names one: other ranks may have others, or not see the run directory
	State    []byte            // checkpoint to go on from
}

// whole reports whether batches are taken as a whole, so that no ranks divide them: what learns carries a state from one to the
// next, or changes while it runs.
func (s *settings) whole() bool { return s.opt.Stateful || s.layers != nil && s.layers.Local() }

// lead tells the other ranks what is trained: the settings, and where the run goes on.
func (s *settings) lead(ranks group.Group, state *rundir.State) (err error) {
	s.ranks = ranks
	s.opt.Divide(launched(ranks) && !s.whole() || s.run.DryRunRanks > 1)
	if ranks.Size() == 1 {
		return nil
	}
	o, err := s.order()
	if err != nil {
		return err
	}
	if state != nil {
		if o.State, err = rundir.Encode(state); err != nil {
			return err
		}
	}
	_, err = group.Exchange(ranks, o)
	return err
}

// order returns what other ranks are told of the settings.
func (s *settings) order() (o *order, err error) {
	o = &order{}
	if o.Settings, err = s.file(); err != nil {
		return nil, err
	}
	o.Files, err = s.namedFiles()
	return o, err
}

// ordered hears what rank 0 tells with lead.
func ordered(ranks group.Group) (*order, error) {
	all, err := group.Exchange[*order](ranks, nil)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// follow trains as a rank behind the first, which decides all and keeps the run directory.
func follow(ctx context.Context, ranks group.Group, flags layer) error {
	o, err := ordered(ranks)
	if err != nil {
		return err
	}
	j, err := o.open(ranks, flags)
	if err != nil {
		return err
	}
	defer j.close()
	if err := ready(ranks); err != nil {
		return err
	}
	r, err := engine.Ranks(ctx, []*engine.Session{j.session}, nil, nil)
	if err == nil && r.Outcome == engine.Cancelled {
		err = errAsked
	}
	return errors.Join(err, r.Cause)
}

// ready waits until all ranks can begin, and only then is a run directory made or changed.
//
// Errors: *group.Left where one cannot.
func ready(ranks group.Group) error { return ranks.Sum(nil, nil) }

// settings resolves those of an order, with the keys of this machine. Remove deletes the copies of files that they name.
func (o *order) settings(flags layer) (s *settings, remove func() error, err error) {
	pairs, err := config.Decode(bytes.NewReader(o.Settings))
	if err != nil {
		return nil, nil, err
	}
	own, _ := flags.local()
	if s, err = resolve(layer{name: "settings of rank 0", pairs: pairs, whole: true}, layer{pairs: own}); err != nil {
		return nil, nil, err
	}
	if len(o.Files) == 0 {
		return s, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "galvani")
	if err != nil {
		return nil, nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	for key, content := range o.Files {
		err = cmp.Or(err, os.WriteFile(filepath.Join(dir, copyName(key)), content, 0o600))
	}
	if err = cmp.Or(err, s.takeCopies(dir)); err != nil {
		return nil, nil, cmp.Or(err, remove())
	}
	return s, remove, nil
}

// open makes the job of an order.
func (o *order) open(ranks group.Group, flags layer) (*job, error) {
	s, remove, err := o.settings(flags)
	if err != nil {
		return nil, err
	}
	defer remove() // what is left of them is in nobody's way
	s.ranks = ranks
	j, err := s.open()
	if err != nil {
		return nil, err
	}
	if o.State == nil {
		err = j.initialise(quietDisplay{})
	} else {
		var state *rundir.State
		if state, err = rundir.Decode(o.State, "checkpoint of rank 0"); err == nil {
			err = j.session.Restore(state)
		}
	}
	if err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}
