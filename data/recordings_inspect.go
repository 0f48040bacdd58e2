package data

import "fmt"

// inspectBytes is how much of a collection Open reads: enough for all of a small one and for a
// second's work at most.
const inspectBytes = 16 << 20

// inspect checks the size or the first line of every recording, and the whole of the first ones. It
// returns a remark about events after the last step, empty where there are none.
func (s *recordings) inspect(half string) (note string, err error) {
	for _, f := range s.files {
		if isTable(f.path) {
			err = checkEventHead(f.path)
		} else {
			err = checkAddressSize(f.bytes, f.path)
		}
		if err != nil {
			return "", err
		}
	}
	x, lengths := make([]float32, s.task.T*s.task.I), make([]float32, s.task.T)
	events, late, files := 0, 0, 0
	for left := int64(inspectBytes); files < len(s.files) && left > 0; files++ {
		left -= s.files[files].bytes + int64(len(x)) // clearing x takes time too
		found, err := s.Events(files)
		if err != nil {
			return "", err
		}
		after, err := s.steps(x, lengths, files, found)
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
