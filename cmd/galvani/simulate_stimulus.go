package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine/chart"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
)

// seen is what an eye is shown that drives a neuron, and what the neuron tells of it.
type seen struct {
	Kind      string  `json:"kind"`
	LOverV    float64 `json:"l_over_v_ms"`
	Collision float64 `json:"collision_ms"`
	Coherence float64 `json:"coherence_percent"`
	Spacing   float64 `json:"facet_spacing_deg"`
	Events    int     `json:"events"` // of facets
	// Peak is when the firing rate is greatest and PeakHz how great it is, missing without spikes and of a sweep.
	Peak   *float64 `json:"peak_ms,omitempty"`
	PeakHz *float64 `json:"peak_hz,omitempty"`
	// Before is the time from the peak to the collision, and Angle the angular size of the object at the peak,
	// both missing for a translation.
	Before *float64 `json:"peak_before_collision_ms,omitempty"`
	Angle  *float64 `json:"angle_at_peak_deg,omitempty"`
}

const (
	// rateWidth is the standard deviation in ms of the Gaussian that spikes are spread by to a rate.
	rateWidth = 20
	// afterwards is how many ms a stimulus is followed beyond the collision where --for is not given.
	afterwards = 500
)

func (f *neuronFlags) addStimulus(c *cobra.Command) {
	flags, s := c.Flags(), &f.seen
	flags.StringVar(&s.Kind, "stimulus", "", "what the facets of the neuron see, `KIND`: "+strings.Join(data.Shows(), ", "))
	flags.Float64Var(&s.LOverV, "l-over-v", 40, "half-size of the object over its speed (ms)")
	flags.Float64Var(&s.Collision, "collision", 2000, "when the object meets the eye (ms), or leaves it in a recession")
	flags.Float64Var(&s.Coherence, "coherence", 100, "facets that keep their place (%)")
	flags.Float64Var(&s.Spacing, "facet-spacing", 1.6, "between facets (deg)")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of what is left to chance: jitter, weights, noise")
	flags.BoolVar(&f.noise, "noise", true, "events without a cause, where the neuron has an input of noise")
	if err := c.RegisterFlagCompletionFunc("stimulus", cobra.FixedCompletions(data.Shows(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // of a flag that is not there
	}
}

// settle refuses flags of a stimulus that is not asked for, and sets the time that it takes.
func (s *seen) settle(c *cobra.Command, n *neurons.Neuron, length *time.Duration) error {
	if s.Kind == "" {
		for _, name := range []string{"l-over-v", "collision", "coherence", "facet-spacing"} {
			if c.Flags().Changed(name) {
				return fmt.Errorf("%w: --%s belongs to a stimulus; add one, such as --stimulus loom", config.ErrConfig, name)
			}
		}
		return nil
	}
	if n.View() == 0 {
		return fmt.Errorf("%w: --stimulus: neuron %s sees nothing; add an [[input]] with facets to its file, as lgmd and lgmd-rake have", config.ErrConfig, n.Name)
	}
	if !(s.Coherence >= 0 && s.Coherence <= 100) {
		return fmt.Errorf("%w: --coherence is %v, want 0 to 100 %%", config.ErrConfig, s.Coherence)
	}
	if s.Kind == "scrambled" {
		if c.Flags().Changed("coherence") && s.Coherence != 0 {
			return fmt.Errorf("%w: --coherence is %v, and of a scrambled loom no facet keeps its place; leave it out, or take --stimulus loom", config.ErrConfig, s.Coherence)
		}
		s.Coherence = 0
	}
	if !(s.Collision > 0 && s.Collision <= 1e6) {
		return fmt.Errorf("%w: --collision is %v ms, want more than 0 and at most 1e6", config.ErrConfig, s.Collision)
	}
	if !c.Flags().Changed("for") {
		*length = time.Duration((s.Collision + afterwards) * float64(time.Millisecond))
	}
	return nil
}

// show adds what the facets of the neuron report.
func (s *seen) show(n *neurons.Neuron, in *neurons.Stimulus, ms float64, seed uint64) error {
	if s.Kind == "" {
		return nil
	}
	if !(s.Collision >= 0 && s.Collision <= ms) {
		return fmt.Errorf("%w: --collision is %g ms, want 0 to the time that is simulated, %g ms; give another one, or a longer --for", config.ErrConfig, s.Collision, ms)
	}
	sight, err := data.Eye{Half: n.View(), Spacing: s.Spacing}.See(
		data.Show{Kind: s.Kind, L: s.LOverV, Contact: s.Collision, Duration: ms, Coherence: s.Coherence / 100}, seed)
	if err != nil {
		return fmt.Errorf("%w: --stimulus: %w", config.ErrConfig, err)
	}
	s.Events = len(sight.At)
	n.See(in, sight.X, sight.Y, sight.At, sight.Speed, seed)
	return nil
}

// judge finds the peak of the firing rate.
func (s *seen) judge(spikes []float64) {
	ms, hz := analysis.PeakRate(spikes, rateWidth)
	if hz == 0 {
		return
	}
	if s.Peak, s.PeakHz = &ms, &hz; s.Kind == "translate" {
		return
	}
	before, angle := s.Collision-ms, s.angle(ms)
	s.Before, s.Angle = &before, &angle
}

// angle returns the angular size of the object in deg at a time: that of an approach grows up to the
// collision, that of a recession shrinks from it.
func (s *seen) angle(ms float64) float64 {
	tau := s.Collision - ms
	if s.Kind == "recede" {
		tau = -tau
	}
	return data.AngularSize(s.LOverV, max(0, tau)) * 180 / math.Pi
}

// text says what was seen and when the rate peaked.
func (s *seen) text() string {
	text := fmt.Sprintf("stimulus %s, %d events of facets %g deg apart", s.Kind, s.Events, s.Spacing)
	if s.Kind != "translate" {
		text += fmt.Sprintf(", l/|v| = %g ms, collision at %g ms, coherence %g %%", s.LOverV, s.Collision, s.Coherence)
	}
	if s.Peak == nil {
		return text
	}
	text += fmt.Sprintf("; the firing rate (σ = %d ms) peaks with %.1f Hz at %.1f ms", rateWidth, *s.PeakHz, *s.Peak)
	if s.Before == nil {
		return text
	}
	when := "before"
	if *s.Before < 0 {
		when = "after"
	}
	return text + fmt.Sprintf(", %.1f ms %s the collision, when the object subtends %.1f deg", math.Abs(*s.Before), when, *s.Angle)
}

// panels are the angular size, where there is one, above a trace, and the firing rate below.
func (s *seen) panels(trace chart.Lines, spikes []float64, ms float64) chart.Stack {
	const points = 1000
	rate := chart.Lines{XLabel: trace.XLabel, YLabel: "rate (Hz)"}
	size := chart.Lines{Title: trace.Title, Subtitle: s.text(), YLabel: "angular size (deg)"}
	r, a := chart.Series{Hue: 7}, chart.Series{Hue: 7}
	for k := range points + 1 {
		x := ms * float64(k) / points
		r.X, r.Y = append(r.X, x), append(r.Y, analysis.Rate(spikes, rateWidth, x))
		a.X, a.Y = append(a.X, x), append(a.Y, s.angle(x))
	}
	rate.Series, size.Series = []chart.Series{r}, []chart.Series{a}
	if s.Kind == "translate" {
		trace.Subtitle, trace.XLabel = s.text(), ""
		return chart.Stack{trace, rate}
	}
	trace.Title, trace.Subtitle, trace.XLabel = "", "", ""
	return chart.Stack{size, trace, rate}
}
