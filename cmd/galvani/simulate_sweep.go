package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/setting"
	"galvani/models/neurons"
)

// sweep is what simulate --sweep asks for and tells.
type sweep struct {
	Name     string      `json:"name"`
	Unit     string      `json:"unit"`
	Values   []float64   `json:"values"`  // in the unit
	Rates    []float64   `json:"rate_hz"` // of spikes over the whole time
	VEnd     [][]float64 `json:"v_end"`   // [values][places], mV
	traces   []*neurons.Trace
	numbers  []float64 // the values in the unit of the parameter
	duration float64   // ms
	own      float64   // largest of the neuron as it is
}

// mostSweep is the most neurons of a sweep, and mostSamples how many numbers their traces may have.
const (
	mostSweep   = 4096
	mostSamples = 1 << 27
)

// parseSweep reads NAME=LO:HI:COUNT.
func parseSweep(text string, n *neurons.Neuron, steps float64) (*sweep, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: --sweep %s", config.ErrConfig, fmt.Sprintf(format, args...))
	}
	name, list, _ := strings.Cut(text, "=")
	values, err := sweepValues(text, list)
	if err != nil {
		return nil, err
	}
	count := len(values)
	if samples := steps * float64(count*len(n.Records)); samples > mostSamples {
		return nil, bad("has %d neurons of %.4g steps, %.3g numbers in all; want at most %d, so take fewer values or a shorter --for", count, steps, samples, mostSamples)
	}
	if len(n.Numbers(name)) == 0 {
		return nil, bad("has an %s", setting.Unknown("quantity", name, n.Learnable()))
	}
	unit := n.Written(name)
	numbers := make([]float64, count)
	for i, v := range values {
		numbers[i] = unit.In(v)
	}
	if b := n.Bound(name); slices.Min(numbers) < b.Lo || slices.Max(numbers) > b.Hi {
		return nil, bad("takes %s from %g to %g %s, want %g to %g", name, values[0], values[count-1], unit.Unit, unit.Of(b.Lo), unit.Of(b.Hi))
	}
	return &sweep{Name: name, Unit: unit.Unit, Values: values, numbers: numbers, own: unit.Of(slices.Max(n.Numbers(name)))}, nil
}

// sweepValues reads the LO:HI:COUNT of a sweep, with text for what is wrong.
func sweepValues(text, list string) (values []float64, err error) {
	last := max(0, strings.LastIndex(list, ":"))
	lo, hi, ok := parseSpan(list[:last])
	count, err := strconv.Atoi(strings.TrimPrefix(list[last:], ":"))
	if !ok || err != nil {
		return nil, fmt.Errorf("%w: --sweep is %q, want NAME=LO:HI:COUNT with two numbers and a count", config.ErrConfig, setting.Shorten(text))
	}
	if count < 2 || count > mostSweep {
		return nil, fmt.Errorf("%w: --sweep has %d values, want 2 to %d", config.ErrConfig, count, mostSweep)
	}
	for i := range count {
		values = append(values, lo+(hi-lo)*float64(i)/float64(count-1))
	}
	return values, nil
}

// sum fills in what the traces show.
func (s *sweep) sum(n *neurons.Neuron, traces []*neurons.Trace) (spikes [][]float64) {
	s.traces = traces
	for _, t := range traces {
		times := n.Spikes(t)
		s.duration = float64(len(t.V[0])-1) * t.Dt
		spikes = append(spikes, times)
		s.Rates = append(s.Rates, float64(len(times))/s.duration*1000)
		s.VEnd = append(s.VEnd, t.End())
	}
	return spikes
}

// write leaves a table of the values, where files are asked for, and the rate against them as a picture.
func (s *sweep) write(f *neuronFlags, n *neurons.Neuron, r *neuronTrace) error {
	if f.out != "" {
		if err := s.table(f.out+".csv", r.Spikes); err != nil {
			return err
		}
	}
	return f.draw(r, func() picture {
		return chart.Lines{Title: fmt.Sprintf("Rate of %s against %s", n.Name, s.Name), XLabel: fmt.Sprintf("%s (%s)", s.Name, s.Unit), YLabel: "spikes per second (Hz)",
			Subtitle: fmt.Sprintf("%g ms each", s.duration), Series: []chart.Series{{Name: s.traces[0].Places[0], X: s.Values, Y: s.Rates}}}
	})
}

// table writes a row for each value.
func (s *sweep) table(file string, spikes [][]float64) error {
	return writeFile(file, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		b.WriteString("value,spikes,first_ms,rate_hz")
		for _, place := range s.traces[0].Places {
			fmt.Fprintf(b, ",v_end_%s_mv", place)
		}
		for i, v := range s.Values {
			fmt.Fprintf(b, "\n%.9g,%d,%s,%.6g", v, len(spikes[i]), firstOf(spikes[i]), s.Rates[i])
			for _, end := range s.VEnd[i] {
				fmt.Fprintf(b, ",%.9g", end)
			}
		}
		b.WriteString("\n")
		return b.Flush()
	})
}

// firstOf is the time of the first spike, empty for none.
func firstOf(times []float64) string {
	if len(times) == 0 {
		return ""
	}
	return fmt.Sprintf("%.4f", times[0])
}

func (p *printer) sweep(r neuronTrace) {
	s := r.Sweep
	p.title("%s, %d neurons of %g ms in steps of %g ms", r.Neuron, len(s.Values), r.Milliseconds, r.DtMs)
	p.line("%s, %s; %.3g s", r.Device, r.Precision, r.Seconds)
	rows := make([][]string, len(s.Values))
	for i, v := range s.Values {
		first := firstOf(r.Spikes[i])
		if first == "" {
			first = "-"
		}
		rows[i] = []string{fmt.Sprintf("%.5g", v), fmt.Sprint(len(r.Spikes[i])), first, fmt.Sprintf("%.4g", s.Rates[i]), fmt.Sprintf("%.4f", s.VEnd[i][0])}
	}
	p.table([]string{s.Name + " " + s.Unit, "SPIKES", "FIRST ms", "RATE Hz", "V AT THE END mV"}, rows)
	if most := slices.Max(s.Values); s.own > 0 && (most > 100*s.own || most > 0 && most < s.own/100) {
		p.paragraph("", fmt.Sprintf("%s is %.6g %s in %s, and the largest value %.3g times that", s.Name, s.own, s.Unit, r.Neuron, most/s.own))
	}
	p.notes("Assumed of the morphology", r.Notes)
	p.where(r)
}
