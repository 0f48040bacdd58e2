package rundir

import (
	"encoding/json"
	"fmt"
	"time"
)

const statusName = "status.json"

// Phase says where a run stands.
type Phase string

// The phases of a run. A run that says running while nobody holds its lock was killed.
const (
	Running   Phase = "running"
	Stopped   Phase = "stopped" // on request, may be resumed
	Completed Phase = "completed"
	Failed    Phase = "failed"
)

// Status is the content of status.json.
type Status struct {
	Phase  Phase     `json:"phase"`
	Reason string    `json:"reason,omitempty"`
	Step   int64     `json:"step"`
	Time   time.Time `json:"time"`
}

// SetStatus replaces status.json.
func (r *Run) SetStatus(s Status) error { return r.writeJSON(statusName, s) }

// Status reads status.json.
//
// Errors: ErrCorrupt, ErrIO.
func (r *Run) Status() (Status, error) {
	var s Status
	b, err := r.Read(statusName)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("rundir: %s: %w: %w", r.path(statusName), ErrCorrupt, err)
	}
	return s, nil
}

func (r *Run) writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("rundir: %s: %w: %w", name, ErrInvalid, err)
	}
	return r.Write(name, append(b, '\n'))
}
