package rundir_test

import (
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"

	"galvani/engine/rundir"
)

func TestAppendRows(t *testing.T) {
	r := create(t)
	rows, err := r.Metrics()
	must(t, err)
	if rows != nil {
		t.Errorf("rows %v before the first", rows)
	}
	must(t, r.Append(day, 1, map[string]float64{"loss": 0.5, "accuracy": 1e-9, "a \"b\"": -3}))
	must(t, r.Append(day, 2, map[string]float64{"loss": math.NaN(), "norm": math.Inf(1)}))
	must(t, r.Append(day, 3, nil))
	b, err := r.Read("metrics.jsonl")
	must(t, err)
	want := strings.ReplaceAll(`{"step":1,AT,"a \"b\"":-3,"accuracy":1e-9,"loss":0.5}
{"step":2,AT,"loss":null,"norm":null}
{"step":3,AT}
`, "AT", fmt.Sprintf(`"time":%d.000`, day.Unix()))
	if string(b) != want {
		t.Errorf("got\n%swant\n%s", b, want)
	}
	rows, err = r.Metrics()
	must(t, err)
	if len(rows) != 3 || rows[0].Step != 1 || rows[1].Time != float64(day.Unix()) || rows[0].Values["accuracy"] != 1e-9 ||
		!math.IsNaN(rows[1].Values["loss"]) || len(rows[2].Values) != 0 {
		t.Errorf("read %v", rows)
	}
	for _, name := range []string{"step", "time"} {
		wantError(t, r.Append(day, 4, map[string]float64{name: 1}), rundir.ErrInvalid)
	}
}

func TestTruncate(t *testing.T) {
	r := create(t)
	must(t, r.Truncate(5))
	for step := range int64(10) {
		must(t, r.Append(day, step, map[string]float64{"loss": float64(step)}))
	}
	must(t, r.Truncate(6))
	must(t, r.Append(day, 7, map[string]float64{"loss": 70}))
	rows, err := r.Metrics()
	must(t, err)
	if len(rows) != 8 || rows[6].Step != 6 || rows[7].Values["loss"] != 70 {
		t.Errorf("rows after truncating to step 6 and one more: %v", rows)
	}
}

// TestTornMetrics cuts the file at every length, and blanks its end as a power cut does.
func TestTornMetrics(t *testing.T) {
	disk, r := inMemory(t)
	for step := range int64(3) {
		must(t, r.Append(day, step, map[string]float64{"loss": 0.25}))
	}
	all, err := r.Read("metrics.jsonl")
	must(t, err)
	for n := range len(all) {
		for _, tail := range []string{"", strings.Repeat("\x00", len(all)-n)} {
			overwrite(t, disk, r.Dir()+"/metrics.jsonl", []byte(string(all[:n])+tail))
			kept := strings.Count(string(all[:n]), "\n")
			rows, err := r.Metrics()
			must(t, err)
			if len(rows) != kept {
				t.Fatalf("%d rows of the first %d bytes, want %d", len(rows), n, kept)
			}
			must(t, r.Truncate(9))
			must(t, r.Append(day, 9, nil))
			rows, err = r.Metrics()
			must(t, err)
			if len(rows) != kept+1 || rows[kept].Step != 9 {
				t.Fatalf("after %d bytes and repair: rows %v, want %d and step 9", n, rows, kept)
			}
		}
	}
}

func TestBadMetrics(t *testing.T) {
	r := create(t)
	for _, bad := range []string{"x", "{}", `{"step":1.5}`, `{"step":null}`, `{"step":1,"a":"b"}`, `[1]`, ""} {
		must(t, r.Write("metrics.jsonl", fmt.Appendf(nil, "{\"step\":0}\n%s\n{\"step\":2}\n", bad)))
		_, err := r.Metrics()
		wantError(t, err, rundir.ErrCorrupt, "metrics.jsonl", "line 2")
	}
}

// TestAppendAfterFault goes on after half a row has been written.
func TestAppendAfterFault(t *testing.T) {
	disk, r := inMemory(t)
	must(t, r.Append(day, 1, nil))
	for _, file := range []string{"metrics.jsonl", "events"} {
		disk.Before = func(call, name string) error {
			if call == "Write" && strings.Contains(name, file) {
				return syscall.ENOSPC
			}
			return nil
		}
		wantError(t, r.Append(day, 2, nil), rundir.ErrIO, file, "no space left on device; free some space")
		disk.Before = nil
		must(t, r.Truncate(1))
		must(t, r.Append(day, 2, nil))
		rows, err := r.Metrics()
		must(t, err)
		if len(rows) != 2 || rows[1].Step != 2 {
			t.Errorf("rows %v, want steps 1 and 2", rows)
		}
	}
}
