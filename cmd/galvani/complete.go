package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"galvani/data"
	"galvani/engine/rundir"
	"galvani/kernels"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// choices are the values of flags that are known by the name of the flag, wherever it is. Keys of a
// run with a list of values of their own, such as --optimizer, bring it along.
var choices = map[string]func() []string{
	"model": modelNames, "models": modelNames, "task": data.Names, "tasks": data.Names,
	"device": deviceChoices, "devices": func() []string { return []string{"cpu", "cuda", "cuda:0"} },
	"to":         func() []string { return exportNames },
	"backend":    func() []string { return wordsOf("backend") }, // of commands that are given a run, too
	"precision":  func() []string { return kernels.Precisions },
	"checkpoint": func() []string { return []string{"best", "last"} },
	"units":      func() []string { return []string{"all", "E", "I"} },
	"input":      func() []string { return []string{"zero", "mean"} },
	"graph":      func() []string { return []string{"ring", "tree", "none"} },
	"resume":     func() []string { return append([]string{"auto"}, runNames(defaultRunKeys().RunsDir)...) },
}

// withFiles are flags of choices that take the name of a file or a folder, too.
var withFiles = []string{"checkpoint", "input", "resume", "graph"}

// folders are the flags that name a folder.
var folders = []string{"data-dir", "runs-dir", "plot", "results"}

// wordsOf returns the values that a key of a run may have.
func wordsOf(name string) []string {
	s, err := resolve()
	if err != nil {
		return nil
	}
	k, err := s.Lookup(name)
	if err != nil {
		return nil
	}
	return k.OneOf
}

func deviceChoices() []string { return []string{"auto", "cpu", "cuda", "cuda:0"} }

// choose returns what the key may be.
func (f *textFlag) choose() []string { return f.choices }

// complete gives a command and those below it what the shell needs to complete a line: runs where
// the argument is one, and for the value of a flag words where they are known, nothing where it is a
// number, otherwise files.
func complete(c *cobra.Command) {
	for _, sub := range c.Commands() {
		complete(sub)
	}
	switch {
	case c.ValidArgsFunction != nil:
	case strings.Contains(c.Use+" ", " RUN "):
		c.ValidArgsFunction = completeRun
	default:
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if _, has := c.GetFlagCompletionFunc(f.Name); has {
			return
		}
		if complete := completion(f); complete != nil {
			if err := c.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
				panic(err) // the flag is there, and has none yet
			}
		}
	})
}

// completion returns how to complete the value of a flag; nil for files.
func completion(f *pflag.Flag) cobra.CompletionFunc {
	kind := f.Value.Type()
	names := choices[f.Name]
	if own, ok := f.Value.(interface{ choose() []string }); ok && len(own.choose()) > 0 {
		names = own.choose
	}
	switch {
	case names != nil:
		directive := cobra.ShellCompDirectiveNoFileComp
		if slices.Contains(withFiles, f.Name) {
			directive = cobra.ShellCompDirectiveDefault
		}
		return completeWords(names, isList(kind), directive)
	case slices.Contains(folders, f.Name):
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	case kind == "bool":
		return completeWords(func() []string { return []string{"true", "false"} }, false, cobra.ShellCompDirectiveNoFileComp)
	case !strings.HasPrefix(kind, "string"):
		return cobra.NoFileCompletions
	}
	return nil
}

// isList reports whether a kind of flag takes several values with commas between.
func isList(kind string) bool {
	return strings.HasSuffix(kind, "s") || strings.HasSuffix(kind, "Slice")
}

// completeWords completes a word from a list; of a flag that takes a list, the word behind the last
// comma, from those that are not there yet.
func completeWords(names func() []string, list bool, directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if !list {
			return names(), directive
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		have := strings.Split(before, ",")
		var words []string
		for _, n := range names() {
			if !slices.Contains(have, n) {
				words = append(words, before+n)
			}
		}
		return words, directive | cobra.ShellCompDirectiveNoSpace
	}
}

// completeNames completes the one argument of a command from a list.
func completeNames(names func() []string) cobra.CompletionFunc {
	return completeFirst(names, cobra.ShellCompDirectiveNoFileComp)
}

// completeNamesOrFile does so with names or the path of a file.
func completeNamesOrFile(names func() []string) cobra.CompletionFunc {
	return completeFirst(names, cobra.ShellCompDirectiveDefault)
}

// completeFirst completes the first argument and no other.
func completeFirst(names func() []string, directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(), directive
	}
}

// completeRun completes the one argument of a command with the runs in the folder of runs, the
// newest first; where there are none, with files.
func completeRun(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	root := defaultRunKeys().RunsDir
	if i := strings.LastIndexByte(typed, filepath.Separator); i >= 0 {
		root = typed[:i+1]
	}
	return runNames(root), cobra.ShellCompDirectiveDefault | cobra.ShellCompDirectiveKeepOrder
}

// runNames lists the runs in a folder, the newest first.
func runNames(root string) []string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range slices.Backward(entries) {
		dir := filepath.Join(root, e.Name())
		if _, err := rundir.View(dir); e.IsDir() && err == nil {
			names = append(names, dir)
		}
	}
	return names
}

// offer makes a flag complete from a list of its own.
func offer(c *cobra.Command, flag string, names func() []string) {
	list := isList(c.Flags().Lookup(flag).Value.Type())
	if err := c.RegisterFlagCompletionFunc(flag, completeWords(names, list, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is not there
	}
}
