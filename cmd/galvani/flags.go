package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/setting"
	"galvani/models"
	"galvani/models/layered"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// textFlag is a flag whose text is read later, when model and task have said which key it is.
type textFlag struct {
	key, kind string
	choices   []string // that some owner of the key takes, empty for any text
	text      string
	given     *[]config.Pair // in the order of the command line
}

func (f *textFlag) String() string { return f.text }
func (f *textFlag) Type() string   { return f.kind }

func (f *textFlag) Set(s string) error {
	f.text = s
	*f.given = append(*f.given, config.Pair{Name: f.key, Value: config.Text(s)})
	return nil
}

// allow adds what another owner of the key takes.
func (f *textFlag) allow(more []string) {
	for _, s := range more {
		if !slices.Contains(f.choices, s) {
			f.choices = append(f.choices, s)
		}
	}
}

// decimal is a flag for a whole number, which may begin with zeros.
type decimal struct{ pflag.Value }

func (d decimal) Set(s string) error { return d.Value.Set(setting.Decimal(s)) }

// decimals makes the whole numbers of a command and of those below it decimal.
func decimals(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if t := f.Value.Type(); t == "int" || t == "uint64" {
			if _, read := f.Value.(*textFlag); !read { // later
				f.Value = decimal{f.Value}
			}
		}
	})
	for _, sub := range c.Commands() {
		decimals(sub)
	}
}

// variant is one meaning of a flag and the models or tasks that share it.
type variant struct {
	help, def string
	owners    []string
}

// section is a group of flags under one heading of the help.
type section struct {
	title string
	flags *pflag.FlagSet
}

// addSettings gives the command a flag for every key of the program: the command's own, those
// of training and wiring, and the union over all models and all tasks. It returns the list that the flags
// given on the command line go to.
func addSettings(c *cobra.Command, own *pflag.FlagSet) (*[]config.Pair, error) {
	given := &[]config.Pair{}
	run, size, wiring, opt := defaultRunKeys(), defaultCellKeys(), models.NewWiring(), engine.DefaultOptions()
	cells, tasks := map[string]any{"recurrent cells": &size}, map[string]any{}
	for _, e := range models.All() {
		cells[e.Name] = e.New()
	}
	for _, e := range layered.All() {
		cells[e.Name] = e.New()
	}
	for _, e := range data.All() {
		tasks[e.Name] = e.New()
	}
	sections := []section{{"Command", own}}
	for _, part := range []struct {
		title  string
		owners map[string]any
	}{
		{"Run", map[string]any{"": &run}},
		{"Training", map[string]any{"": &opt}},
		{"Model", cells},
		{"Wiring", map[string]any{"": &wiring}},
		{"Task", tasks},
	} {
		flags, err := keyFlags(part.owners, given)
		if err != nil {
			return nil, err
		}
		sections = append(sections, section{part.title, flags})
	}
	for _, s := range sections {
		c.Flags().AddFlagSet(s.flags)
	}
	c.SetUsageFunc(func(c *cobra.Command) error { return sectionUsage(c, sections) })
	return given, nil
}

// keyFlags makes the flags for the union of the keys of several owners.
func keyFlags(owners map[string]any, given *[]config.Pair) (*pflag.FlagSet, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	variants := map[string][]variant{}
	names := make([]string, 0, len(owners))
	for name := range owners {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, owner := range names {
		keys, err := setting.Keys(owner, owners[owner])
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			variants[k.Flag()] = addVariant(variants[k.Flag()], k)
			if f := flags.Lookup(k.Flag()); f != nil {
				f.Value.(*textFlag).allow(k.OneOf)
				continue
			}
			f := flags.VarPF(&textFlag{key: k.Name, kind: k.Type(), choices: slices.Clone(k.OneOf), given: given}, k.Flag(), "", "")
			if k.Type() == "bool" {
				f.NoOptDefVal = "true"
			}
		}
	}
	flags.VisitAll(func(f *pflag.Flag) { f.Usage = usage(variants[f.Name]) })
	return flags, nil
}

func addVariant(list []variant, k setting.Key) []variant {
	for i, v := range list {
		if v.help == k.Help() && v.def == k.String() {
			list[i].owners = append(v.owners, k.Owner)
			return list
		}
	}
	return append(list, variant{k.Help(), k.String(), []string{k.Owner}})
}

// usage writes the meanings of a flag; backquotes would name its value.
func usage(list []variant) string {
	parts := make([]string, len(list))
	for i, v := range list {
		var notes []string
		if owner := strings.Join(v.owners, ", "); owner != "" {
			notes = append(notes, owner)
		}
		if v.def != "" {
			notes = append(notes, "default "+v.def)
		}
		parts[i] = v.help
		if len(notes) > 0 {
			parts[i] += " {" + strings.Join(notes, ": ") + "}"
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "`", "'")
}

// sectionUsage prints the usage of a command with its flags under headings.
func sectionUsage(c *cobra.Command, sections []section) error {
	w := c.OutOrStderr()
	width := 100
	if columns, ok := terminal(w); ok {
		width = max(60, columns)
	}
	if _, err := fmt.Fprintf(w, "Usage:\n  %s\n", c.UseLine()); err != nil {
		return err
	}
	for _, s := range sections {
		if _, err := fmt.Fprintf(w, "\n%s:\n%s", s.title, s.flags.FlagUsagesWrapped(width)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\nEvery key is also a line of a TOML file for --config, with '_' for '-'.\n")
	return err
}

// flagsOnly refuses what stands alone on a line of settings, and says with which flag it is meant, where that is clear.
func flagsOnly(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word, flag := args[0], ""
	key, value, pair := strings.Cut(word, "=")
	switch {
	case slices.Contains(data.Names(), word):
		flag = "--task " + word
	case slices.Contains(modelNames(), word):
		flag = "--model " + word
	case strings.HasSuffix(word, ".toml"):
		flag = "--config " + word
	case pair && c.Flags().Lookup(strings.ReplaceAll(key, "_", "-")) != nil:
		flag = "--" + strings.ReplaceAll(key, "_", "-") + " " + value
	default:
		return exactArgs()(c, args)
	}
	return fmt.Errorf("%w: unexpected argument %q; is %s meant?", errUsage, word, flag)
}
