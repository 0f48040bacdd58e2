package main

import (
	"errors"
	"fmt"
	"strings"

	"galvani/engine/setting"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootDoc = `Galvani trains and simulates neural systems that come from biophysics.

  galvani train                                  the charged RNN on the looming task
  galvani train --model lstm --task adding       another cell, another task
  galvani simulate hh --current "step 10 5:50"   a neuron with ion channels
  galvani simulate balanced --n 5000             a network of spiking neurons
  galvani models list                            what there is; tasks, rules, neurons, networks likewise
`

// commandGroups are the headings under which the help of galvani lists its commands.
var commandGroups = []struct {
	title    string
	commands func() []*cobra.Command
}{
	{"Train", func() []*cobra.Command {
		return []*cobra.Command{newTrain(), newSweep(), newRuns(), newEval(), newGradcheck()}
	}},
	{"Look at a run", func() []*cobra.Command {
		return []*cobra.Command{newReport(), newWatch(), newAnalyse(), newPerturb(), newFixedpoints(), newTrace(), newExport()}
	}},
	{"Simulate", func() []*cobra.Command {
		return []*cobra.Command{newSimulate(), newTheory(), newFit(), newCorrespond()}
	}},
	{"What there is", func() []*cobra.Command {
		return []*cobra.Command{newModels(), newTasks(), newRules(), newNeurons(), newNetworks(), newData()}
	}},
	{"Measure", func() []*cobra.Command {
		return []*cobra.Command{newExperiment(), newBench(), newDevices()}
	}},
}

// newRoot builds the command tree for a line. The networks and neurons that are built in are files, whose settings are
// flags; to read them takes half of the time in which the program starts, so only lines that name one of their groups have them.
func newRoot(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:           "galvani",
		Short:         "Train and simulate neural systems from biophysics",
		Long:          rootDoc,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		Version:       thisBuild().String(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	for _, g := range commandGroups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range g.commands() {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(newVersion(), newExitCodes())
	if simulator(args) >= 0 {
		addBuiltin(root)
	}
	withFile(root, args)
	complete(root)
	decimals(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error { // of a command or a topic
				if c, rest, err := root.Find(args); err != nil || len(rest) > 0 && !c.HasSubCommands() {
					return fmt.Errorf("%w: there is no help on %q; try: galvani --help", errUsage, strings.Join(args, " "))
				} else if len(rest) > 0 {
					return noSuchCommand(c, rest)
				}
				return nil
			}
		case "completion":
			c.Args, c.RunE = noSuchCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	return root
}

// newGroup makes a command that only holds others.
func newGroup(use, short string, sub ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	group.AddCommand(sub...)
	return group
}

// noSuchCommand refuses arguments of a command that only holds others.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	return fmt.Errorf("%w: %s; try: %s --help", errUsage, setting.Unknown("command", args[0], known), c.CommandPath())
}

// exactArgs wants one argument for each name, e.g. "RUN".
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%w: %s needs %s; try: %s --help", errUsage, c.CommandPath(), names[len(args)], c.CommandPath())
		case len(args) > len(names):
			return fmt.Errorf("%w: unexpected argument %q; try: %s --help", errUsage, args[len(names)], c.CommandPath())
		}
		return nil
	}
}

// wanted says what flags of a type take.
var wanted = map[string]string{"int": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number", "bool": "true or false",
	"duration": "a time with its unit, such as 500ms or 2s"}

// flagError turns pflag's errors into one line that names the nearest flag.
func flagError(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 { // the flag belongs to what it takes for a command
		if err := c.Args(c, words[:1]); err != nil {
			return err
		}
	}
	if bad := (*pflag.InvalidValueError)(nil); errors.As(err, &bad) {
		f := bad.GetFlag()
		if want, known := wanted[strings.TrimSuffix(f.Value.Type(), "Slice")]; known {
			return fmt.Errorf("%w: --%s is %q, want %s; try: %s --help", errUsage, f.Name, setting.Shorten(bad.GetValue()), want, c.CommandPath())
		}
	}
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return fmt.Errorf("%w: %w; try: %s --help", errUsage, err, c.CommandPath())
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return fmt.Errorf("%w: %s; try: %s --help", errUsage, setting.Unknown("flag", "--"+name, known), c.CommandPath())
}
