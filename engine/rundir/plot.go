package rundir

import (
	"path/filepath"

	"galvani/engine/chart"
)

// Plot draws a chart into plots/<name>.<format> for each format, which is one of chart.Formats.
//
// Errors: chart.ErrEmpty while there is nothing to draw, ErrInvalid, ErrIO.
func (r *Run) Plot(name string, c chart.Lines, formats ...string) error {
	for _, format := range formats {
		b, err := c.Render(format)
		if err != nil {
			return err
		}
		if err := r.Write(filepath.Join(plotDir, name+"."+format), b); err != nil {
			return err
		}
	}
	return nil
}
