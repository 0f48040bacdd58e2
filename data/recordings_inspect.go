package data

import "fmt"

// inspectBytes is how much of a collection Open reads: enough for all of a small one and for a
// second's work at most.
const inspectBytes = 16 << 20

// inspect checks the size or the first line of every recording, and the whole of the first ones. It
// returns a remark about events after the last step, empty where there are none.
func (s *recordings) inspect(half string) (note string, err error) {
	for _, r := range s.files {
		if isTable(r.path) {
			err = checkEventHead(r.path)
		} else {
			err = checkAddressSize(r.bytes, r.path)
		}
		if err != nil {
			return "", err
		}
	}
	scratch := NewBatch(s.task, 1)
	events, late, files := 0, 0, 0
	for left := int64(inspectBytes); files < len(s.files) && left > 0; files++ {
		left -= s.files[files].bytes + int64(len(scratch.X)) // clearing the frames takes time too
		found, err := s.Events(files)
		if err != nil {
			return "", err
		}
		after, err := s.steps(scratch.column(0), files, found)
		if err != nil {
			return "", err
		}
		events, late = events+len(found), late+after
	}
	if late == 0 {
		return "", nil
	}
	of := ""
	if files < len(s.files) {
		of = fmt.Sprintf("the first %d of ", files)
	}
	return fmt.Sprintf("%d of %d events in %s%d %s recordings come after the last step, which ends at %v ms, and are left out; set steps or step_ms higher to take them in",
		late, events, of, len(s.files), half, float64(s.task.T)*s.stepMs), nil
}
