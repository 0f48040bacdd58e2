package rundir

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const statusName = "status.json"

// Phase says where a run stands.
type Phase string

// The phases of a run.
const (
	Running   Phase = "running"
	Stopped   Phase = "stopped" // on request, may be resumed
	Completed Phase = "completed"
	Failed    Phase = "failed"
	// Killed is in no file: Status gives it to a run whose file says running and whose process is
	// gone, by kill -9, a second signal or the end of the machine.
	Killed Phase = "killed"
)

// Status is the content of status.json.
type Status struct {
	Phase  Phase     `json:"phase"`
	Reason string    `json:"reason,omitempty"`
	Step   int64     `json:"step"`
	Time   time.Time `json:"time"`
	// The process that trains, and its machine; set by SetStatus while the phase is Running.
	PID  int    `json:"pid,omitempty"`
	Host string `json:"host,omitempty"`
}

// String says the phase, and why.
func (s Status) String() string {
	if s.Reason == "" {
		return string(s.Phase)
	}
	return string(s.Phase) + ": " + s.Reason
}

// SetStatus replaces status.json.
func (r *Run) SetStatus(s Status) error {
	if s.Phase == Running {
		s.PID = os.Getpid()
		s.Host, _ = os.Hostname() // without a name it is left out
		r.started = true
	}
	return r.writeJSON(statusName, s)
}

// Status reads status.json and tells a run whose process is gone from one that goes on, by the
// lock, which ends with its process. Where the lock of another machine cannot be seen from here,
// the phase stays Running and the reason says so.
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
	if s.Phase == Running && !r.started {
		r.judge(&s)
	}
	return s, nil
}

// judge finds out what became of a run that says running.
func (r *Run) judge(s *Status) {
	if r.lock == nil { // otherwise this process has taken the lock of the one that is gone
		held, err := r.fs.Held(r.path(lockName))
		switch here, _ := os.Hostname(); {
		case held:
			return
		case err != nil || s.Host != "" && s.Host != here:
			s.Reason = fmt.Sprintf("as process %d of host %s; from here it cannot be told whether it still does", s.PID, s.Host)
			return
		}
	}
	s.Phase = Killed
	s.Reason = "its process is gone without a word: kill -9, a second signal, or the end of the machine"
}

func (r *Run) writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("rundir: %s: %w: %w", name, ErrInvalid, err)
	}
	return r.Write(name, append(b, '\n'))
}
