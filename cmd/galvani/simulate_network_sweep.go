package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/setting"

	"github.com/spf13/pflag"
)

// networkSweep is what simulate --sweep of a network tells: one simulation for each value of a setting.
type networkSweep struct {
	Network string       `json:"network"`
	Setting string       `json:"setting"`
	Values  []float64    `json:"values"`
	Runs    []simulation `json:"runs"`
}

// parseNetworkSweep reads NAME=LO:HI:COUNT, where NAME is a setting of the network.
func parseNetworkSweep(text string, keys []setting.Key) (s networkSweep, key setting.Key, err error) {
	name, list, _ := strings.Cut(text, "=")
	if s.Values, err = sweepValues(text, list); err != nil {
		return s, key, err
	}
	var known []string
	for _, k := range keys {
		if s.Setting = strings.ReplaceAll(name, "-", "_"); k.Name != s.Setting {
			known = append(known, k.Name)
			continue
		}
		for i, v := range s.Values {
			if _, whole := k.Value().(int); whole {
				s.Values[i] = math.Round(v)
			}
		}
		return s, k, nil
	}
	return s, key, fmt.Errorf("%w: --sweep has an %s", config.ErrConfig, setting.Unknown("setting", name, known))
}

// sweptOnce refuses a setting that is in --sweep and given besides.
func (f *simulateFlags) sweptOnce(flags *pflag.FlagSet) error {
	name, _, _ := strings.Cut(f.sweep, "=")
	if flag := flags.Lookup(strings.ReplaceAll(name, "_", "-")); flag != nil && flag.Changed {
		return fmt.Errorf("%w: --%s is in --sweep and given besides; leave one out", config.ErrConfig, flag.Name)
	}
	return nil
}

// sweepNetwork simulates the network for each value, one after the other.
func (f *simulateFlags) sweepNetwork(ctx context.Context, keys []setting.Key, r simulation, settings func() map[string]any, stderr io.Writer) (s networkSweep, err error) {
	if f.save != "" || f.resume != "" {
		return s, fmt.Errorf("%w: --sweep makes many simulations, and --save and --resume are of one; leave them out", config.ErrConfig)
	}
	s, key, err := parseNetworkSweep(f.sweep, keys)
	if err != nil {
		return s, err
	}
	s.Network = r.Network
	for _, v := range s.Values { // all of them before the first takes its time
		if err := key.Parse(strconv.FormatFloat(v, 'f', -1, 64)); err != nil {
			return s, fmt.Errorf("%w: --sweep: %w", config.ErrConfig, err)
		}
	}
	out := f.out
	f.out = ""
	for _, v := range s.Values {
		if err := key.Parse(strconv.FormatFloat(v, 'f', -1, 64)); err != nil {
			return s, fmt.Errorf("%w: --sweep: %w", config.ErrConfig, err)
		}
		one := r
		one.Settings = settings()
		if err := f.simulate(ctx, &saved{}, &one, stderr); err != nil {
			return s, err
		}
		s.Runs = append(s.Runs, one)
	}
	return s, s.write(out)
}

// write leaves the rates as a table, and as a picture against the setting.
func (s networkSweep) write(out string) error {
	if out == "" {
		return nil
	}
	names := s.Runs[0].names
	err := writeFile(out+".csv", func(w io.Writer) error {
		b := bufio.NewWriter(w)
		b.WriteString(s.Setting)
		for _, name := range names {
			fmt.Fprintf(b, ",%s_hz,%[1]s_cv", name)
		}
		for i, v := range s.Values {
			fmt.Fprintf(b, "\n%.9g", v)
			for _, name := range names {
				fmt.Fprintf(b, ",%.6g,%s", s.Runs[i].Populations[name].RateHz, cvText(s.Runs[i].Populations[name], ""))
			}
		}
		b.WriteString("\n")
		return b.Flush()
	})
	if err != nil {
		return err
	}
	c := chart.Lines{Title: fmt.Sprintf("Rates of %s against %s", s.Network, s.Setting), XLabel: s.Setting, YLabel: "rate (Hz)",
		Subtitle: fmt.Sprintf("%g ms each", s.Runs[0].Milliseconds)}
	for _, name := range names {
		line := chart.Series{Name: name, X: slices.Clone(s.Values)}
		for _, r := range s.Runs {
			line.Y = append(line.Y, r.Populations[name].RateHz)
		}
		c.Series = append(c.Series, line)
	}
	return writeChart(out, c)
}

// cvText writes how regular a population is, otherwise where that is not known.
func cvText(p analysis.Spiking, otherwise string) string {
	if p.CV == nil {
		return otherwise
	}
	return fmt.Sprintf("%.2f", *p.CV)
}

func (p *printer) networkSweep(s networkSweep) {
	first := s.Runs[0]
	p.title("%s, %d networks, seed %d, %v ms each in steps of %v ms", s.Network, len(s.Values), first.Seed, first.Milliseconds, first.StepMs)
	header := []string{s.Setting}
	for _, name := range first.names {
		header = append(header, name+" Hz", name+" CV")
	}
	rows := make([][]string, len(s.Values))
	for i, v := range s.Values {
		rows[i] = []string{fmt.Sprintf("%.5g", v)}
		for _, name := range first.names {
			q := s.Runs[i].Populations[name]
			rows[i] = append(rows[i], fmt.Sprintf("%.3f", q.RateHz), cvText(q, "-"))
		}
	}
	p.table(header, rows)
}
