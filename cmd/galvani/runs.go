package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

// runReport is what runs tells of one run.
type runReport struct {
	Run    string       `json:"run"`
	Phase  rundir.Phase `json:"phase"`
	Reason string       `json:"reason,omitempty"`
	// Step of the newest checkpoint, from which --resume goes on; null without one.
	Checkpoint *int64    `json:"checkpoint"`
	Time       time.Time `json:"time"` // since when it is in this phase
}

const runsDoc = `List the runs of a folder and where they stand: running, stopped on request, completed, failed,
or killed, if the process is gone without a word. All but those that are running can be
resumed from the step of their checkpoint.

  galvani runs                      the runs in runs/, as galvani runs list
  galvani runs show RUN             one of them, with settings and metrics
  galvani runs compare              all of them, by the settings in which they differ
  galvani runs export RUN           its metrics as CSV`

// newRuns lists the runs, also without the word list.
func newRuns() *cobra.Command {
	group, list := newRunsList("runs"), newRunsList("list")
	group.Args = noSuchCommand
	group.AddCommand(list, newRunsShow(), newRunsCompare(), newRunsExport())
	return group
}

func newRunsList(use string) *cobra.Command {
	var dir *string
	c := reporting(&cobra.Command{Use: use, Short: "List the runs and where they stand", Long: runsDoc, Args: exactArgs()},
		func(*cobra.Command, []string) ([]runReport, error) { return listRuns(*dir) },
		func(p *printer, list []runReport) {
			tabulate(p, list, []string{"RUN", "PHASE", "CHECKPOINT", "SINCE", "WHY"}, runReport.row)
		})
	dir = runsDirFlag(c)
	return c
}

func (r runReport) row() []string {
	checkpoint, since := "none", ""
	if r.Checkpoint != nil {
		checkpoint = fmt.Sprintf("step %d", *r.Checkpoint)
	}
	if !r.Time.IsZero() {
		since = r.Time.Local().Format(time.DateTime)
	}
	return []string{r.Run, string(r.Phase), checkpoint, since, r.Reason}
}

// listRuns looks at every run directory of a folder.
func listRuns(dir string) ([]runReport, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, missingInput(err)
	}
	list := []runReport{}
	for _, e := range entries {
		run, err := rundir.View(filepath.Join(dir, e.Name()))
		if errors.Is(err, rundir.ErrNotRun) || err != nil && !e.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, lookAt(run))
	}
	return list, nil
}

// lookAt says where a run stands. What cannot be read is said in its place.
func lookAt(run *rundir.Run) runReport {
	r := runReport{Run: run.Dir(), Phase: "unknown"}
	if s, err := run.Status(); err != nil {
		r.Reason = err.Error()
	} else {
		r.Phase, r.Reason, r.Time = s.Phase, s.Reason, s.Time
	}
	if step, err := run.Newest(); err == nil {
		r.Checkpoint = &step
	}
	return r
}
