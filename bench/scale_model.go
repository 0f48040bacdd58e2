package bench

import (
	"fmt"
	"math"
	"slices"

	"galvani/engine/chart"
)

// Interconnect is how fast ranks exchange: a message of n bytes takes Latency + n/Bandwidth.
type Interconnect struct {
	Name      string
	Latency   float64 // s
	Bandwidth float64 // bytes/s
}

// Interconnects are networks between machines, with the numbers of their data sheets and of a usual
// switch. They are assumed, not measured here.
var Interconnects = []Interconnect{{"100 Gbit/s, 2 µs", 2e-6, 12.5e9}, {"10 Gbit/s, 30 µs", 30e-6, 1.25e9}}

// SumTime is the time of a sum of bytes over n ranks by recursive halving and doubling: twice log₂n
// messages, and twice all bytes but those of the own part.
func (c Interconnect) SumTime(n, bytes int) float64 {
	return 2*math.Log2(float64(n))*c.Latency + 2*float64(n-1)/float64(n)*float64(bytes)/c.Bandwidth
}

// FitInterconnect returns the interconnect on which sums over n ranks take the times that were measured: of no bytes,
// and of so many.
func FitInterconnect(name string, n int, none float64, bytes int, full float64) Interconnect {
	c := Interconnect{Name: name, Latency: none / (2 * math.Log2(float64(n))), Bandwidth: math.Inf(1)}
	if full > none {
		c.Bandwidth = 2 * float64(n-1) / float64(n) * float64(bytes) / (full - none)
	}
	return c
}

// scaledBytes is the size of the gradient of a network of RunScale.
func scaledBytes(s Shape) int {
	_, net, err := bind(scaledModel, s)
	if err != nil {
		return 0
	}
	n := 0
	for _, p := range net.Specs() {
		if p.Learned {
			n += p.Len()
		}
	}
	return 4 * n
}

// efficiency is the share of the time on n ranks that one rank needs for its part of a batch that grows
// with the ranks. R has the time of an update on one rank as its reference.
func (c Interconnect) efficiency(r Row, n int) float64 {
	alone := r.Reference.Median
	return alone / (alone + c.SumTime(n, scaledBytes(r.Shape)))
}

// ScaleChart draws the efficiency on up to 1024 ranks that the rows of RunScale let expect, for each network
// and interconnect; false without rows on two ranks.
func ScaleChart(all []Row) (chart.Lines, bool) {
	c := chart.Lines{Title: "Efficiency of data-parallel training, predicted", XLabel: "ranks", YLabel: "time on one rank / time on n", LogX: true,
		Subtitle: fmt.Sprintf("%s, a batch of %d sequences for each rank, one thread each", scaledModel, scaled[0].B),
		Note: "From the time of an update on one rank. Latency and bandwidth of the networks are\n" +
			"assumed; sums and updates do not overlap; all ranks are equally fast."}
	for i, r := range slices.DeleteFunc(newestScale(all, caseScale), func(r Row) bool { return r.Ranks != 2 }) {
		for _, to := range Interconnects {
			s := chart.Series{Name: fmt.Sprintf("H=%d T=%d, %s", r.Shape.H, r.Shape.T, to.Name), Hue: i + 1, Dashed: to.Name != Interconnects[0].Name}
			for n := 1; n <= 1024; n *= 2 {
				s.X, s.Y = append(s.X, float64(n)), append(s.Y, to.efficiency(r, n))
			}
			c.Series = append(c.Series, s)
		}
	}
	return c, len(c.Series) > 0
}

// scaleTable tells the newest times of networks on ranks, beside what as many processes apart reach, and what they let
// expect of more.
func scaleTable(all []Row) string {
	var table [][]string
	list, apart := newestScale(all, caseScale), newestScale(all, caseApart)
	for _, r := range list {
		words := []string{fmt.Sprint(r.Ranks), fmt.Sprint(r.Shape.B), fmt.Sprint(r.Shape.H), fmt.Sprint(r.Shape.T)}
		words = append(words, fmt.Sprintf("%.4g ms", r.Reference.Median*1e3), fmt.Sprintf("%.4g ms", r.Subject.Median*1e3), fmt.Sprintf("%.2f×", r.Ratio.Value), aimOf(r), "-")
		for _, a := range apart {
			if a.Shape == r.Shape && a.Ranks == r.Ranks {
				words[len(words)-1] = fmt.Sprintf("%.2f×", a.Ratio.Value)
			}
		}
		for _, to := range Interconnects {
			share := "-"
			if r.Ranks == 2 {
				share = fmt.Sprintf("%.0f %%", 100*to.efficiency(r, 1024))
			}
			words = append(words, share)
		}
		table = append(table, words)
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown([]string{"ranks", "B", "H", "T", "one rank", "these", "speed-up", "aim", "as many processes apart", "1024 ranks at " + Interconnects[0].Name, "at " + Interconnects[1].Name}, table) + origin(list)
}

// sumTable tells the newest times of sums beside those of the library.
func sumTable(all []Row) string {
	var table [][]string
	list := newestScale(all, caseSum)
	for _, r := range list {
		table = append(table, []string{fmt.Sprint(r.Ranks), fmt.Sprintf("%d KiB", r.Bytes>>10), fmt.Sprintf("%.3g ms", r.Subject.Median*1e3),
			r.Reference.Name, fmt.Sprintf("%.3g ms", r.Reference.Median*1e3), fmt.Sprintf("%.2f", r.Ratio.Value), aimWord(r.Ratio)})
	}
	if len(table) == 0 {
		return noRows
	}
	return markdown([]string{"ranks", "bytes", "time", "against", "its time", "ratio", "aim"}, table) + origin(list)
}
