package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"galvani/engine/chart"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/models/circuits"
	"galvani/models/rates"
)

// write leaves the spikes and their picture, and the weights that changed.
func (f *simulateFlags) write(net *circuits.Blueprint, cfg *kernels.Circuit, changed learned, did *saved) error {
	if f.out == "" {
		return nil
	}
	if rates.Of(cfg) {
		return errors.Join(f.writeVoltages(cfg, did.v, "-unit-rates.csv"), f.writeWeights(net, changed, did))
	}
	err := writeFile(f.out+".csv", func(w io.Writer) error {
		if _, err := fmt.Fprintln(w, "time_ms,population,unit"); err != nil {
			return err
		}
		for _, s := range did.spikes {
			if _, err := fmt.Fprintf(w, "%s,%s,%d\n", msText(float64(s.Step)*f.step), cfg.Populations[s.Population].Name, s.Unit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := writeFile(f.out+".npz", func(w io.Writer) error { return npz.Write(w, f.spikeArrays(cfg, did.spikes)) }); err != nil {
		return err
	}
	if err := f.writeVoltages(cfg, did.v, "-voltages.csv"); err != nil {
		return err
	}
	if err := f.writeWeights(net, changed, did); err != nil {
		return err
	}
	if err := writeChart(f.out, raster(cfg, did.spikes, f.step)); !errors.Is(err, chart.ErrEmpty) { // without a spike
		return err
	}
	return nil
}

// spikeArrays returns the times and the units of the spikes of each population.
func (f *simulateFlags) spikeArrays(cfg *kernels.Circuit, spikes []kernels.Spike) (all []safetensors.Tensor) {
	times, units := make([][]float64, len(cfg.Populations)), make([][]int32, len(cfg.Populations))
	for _, s := range spikes {
		times[s.Population], units[s.Population] = append(times[s.Population], float64(s.Step)*f.step), append(units[s.Population], int32(s.Unit))
	}
	for k, p := range cfg.Populations {
		if !p.Unrecorded {
			all = append(all, safetensors.Float64(p.Name+".time_ms", []int{len(times[k])}, times[k]), safetensors.Int32(p.Name+".unit", []int{len(units[k])}, units[k]))
		}
	}
	return all
}

// writeVoltages writes V of the units that are recorded, of rate units their rate, after each step.
func (f *simulateFlags) writeVoltages(cfg *kernels.Circuit, v [][]float32, ending string) error {
	if len(v) == 0 {
		return nil
	}
	unit := "mv"
	if rates.Of(cfg) {
		unit = "hz"
	}
	var names []string
	for _, p := range cfg.Probes {
		names = append(names, fmt.Sprintf("%s_%d_%s", cfg.Populations[p.Population].Name, p.Unit, unit))
	}
	return writeFile(f.out+ending, func(w io.Writer) error {
		return writeCourses(w, names, func(n int) float64 { return float64(n+1) * f.step }, v)
	})
}

// msText writes a time in ms, also the last of a long simulation to the step, without what a product of floats leaves
// behind the last digit.
func msText(ms float64) string { return strconv.FormatFloat(ms, 'g', 12, 64) }

// msOf returns the time of some steps in ms, as msText writes it.
func msOf(steps, step float64) float64 {
	ms, _ := strconv.ParseFloat(msText(steps*step), 64) // which has just been written
	return ms
}

// writeCourses writes numbers of the same times, in ms, as a table with a column for each course.
func writeCourses[F kernels.Float](w io.Writer, names []string, time func(n int) float64, courses [][]F) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "time_ms")
	for _, name := range names {
		fmt.Fprint(b, ",", name)
	}
	for n := range courses[0] {
		fmt.Fprint(b, "\n", msText(time(n)))
		for _, course := range courses {
			fmt.Fprintf(b, ",%.6g", course[n])
		}
	}
	fmt.Fprintln(b)
	return b.Flush() // which returns the first error of all
}

const (
	rasterUnits  = 60    // units of a population that are drawn
	rasterSpikes = 20000 // spikes that are drawn
)

// raster draws the spikes of the first units of each population, one population above the other.
func raster(cfg *kernels.Circuit, spikes []kernels.Spike, step float64) chart.Lines {
	c := chart.Lines{Title: fmt.Sprintf("Spikes of the first %d units of each population", rasterUnits), XLabel: "time (ms)", YLabel: "unit"}
	base := 0
	bases, series := make([]int, len(cfg.Populations)), make([]int, len(cfg.Populations))
	for k, p := range cfg.Populations {
		if p.Unrecorded {
			continue
		}
		bases[k], series[k] = base, len(c.Series)
		base += min(p.N, rasterUnits)
		c.Series = append(c.Series, chart.Series{Name: p.Name, Scatter: true, Small: true})
	}
	drawn := 0
	for _, s := range spikes {
		if s.Unit >= rasterUnits {
			continue
		}
		if drawn++; drawn > rasterSpikes {
			c.Note = fmt.Sprintf("The first %d of these spikes, up to %s ms.", rasterSpikes, msText(float64(s.Step)*step))
			break
		}
		line := &c.Series[series[s.Population]]
		line.X, line.Y = append(line.X, float64(s.Step)*step), append(line.Y, float64(bases[s.Population]+int(s.Unit)))
	}
	return c
}
