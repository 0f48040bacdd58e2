package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"galvani/engine/chart"
	"galvani/kernels"
	"galvani/models/circuits"
)

// inputs returns the currents of the synapses of a population in mV, of one unit or the mean of all, and the constant ones. now is
// its state before a step.
func (s sampler) inputs(q circuits.Input, now kernels.PopulationState, step int64) []float64 {
	p := s.c.Populations[q.Population]
	first, last := 0, p.N
	if q.Unit >= 0 {
		first, last = q.Unit, q.Unit+1
	}
	all := make([]float64, len(p.Synapses)+1)
	for k := range p.Synapses {
		to, conductance := p.Reversal(k)
		for u := first; u < last; u++ {
			x := float64(now.Currents[k][u])
			if conductance {
				x *= to - float64(now.Planes[0][u])
			}
			all[k] += x / float64(last-first)
		}
	}
	for _, c := range s.c.Currents {
		if c.Population == q.Population && c.First <= step && step < c.Last {
			all[len(p.Synapses)] += c.Amplitude
		}
	}
	return all
}

// inputNames returns the names of the numbers of sampler.inputs.
func inputNames(p circuits.Population) []string {
	return append(append([]string{}, p.SynapseNames...), "constant")
}

// writeCurrents leaves the currents that were recorded, as a table and as a picture of each of them beside their sum.
func (f *simulateFlags) writeCurrents(net *circuits.Blueprint, currents [][]float64) error {
	if len(net.Inputs) == 0 {
		return nil
	}
	var charts chart.Stack
	err := writeFile(f.out+"-currents.csv", func(to io.Writer) error {
		b := bufio.NewWriter(to)
		fmt.Fprintln(b, "time_ms,population,unit,source,mv")
		for i, q := range net.Inputs {
			p := net.Populations[q.Population]
			unit, of := "mean", "mean of all units"
			if q.Unit >= 0 {
				unit, of = strconv.Itoa(q.Unit), fmt.Sprintf("unit %d", q.Unit)
			}
			names := append(inputNames(p), "sum")
			c := chart.Lines{Title: "Input to population " + p.Name, Subtitle: of, XLabel: "time (ms)", YLabel: "input (mV)"}
			for _, name := range names {
				c.Series = append(c.Series, chart.Series{Name: name})
			}
			width := len(names) - 1
			for k := range len(currents[i]) / width {
				time, sum := float64(int64(k)*q.Every)*f.step, 0.0
				for s, name := range names {
					x := sum
					if s < width {
						x = currents[i][k*width+s]
						sum += x
					}
					c.Series[s].X, c.Series[s].Y = append(c.Series[s].X, time), append(c.Series[s].Y, x)
					fmt.Fprintf(b, "%s,%s,%s,%s,%.6g\n", msText(time), p.Name, unit, name, x)
				}
			}
			charts = append(charts, c)
		}
		return b.Flush() // which returns the first error of all
	})
	if err != nil {
		return err
	}
	return writeChart(f.out+"-currents", charts)
}
