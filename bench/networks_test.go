package bench

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"galvani/kernels/devices/devicetest"
)

// TestNetworkThreads wants networks on all threads beside themselves on one in one run, and none of them where there is one.
func TestNetworkThreads(t *testing.T) {
	devicetest.CPU(t, 2)
	for _, n := range []int{2, 1} {
		var found []Row
		err := RunNetworks(context.Background(), Config{Threads: n, Quick: true, Only: regexp.MustCompile(threads + "$"), Log: t.Logf,
			Each: func(r Row) error { found = append(found, r); return nil }}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			if len(found) > 0 {
				t.Errorf("%d rows of one thread", len(found))
			}
			continue
		}
		if len(found) != 2 {
			t.Fatalf("%d rows, want coba and balanced", len(found))
		}
		for _, r := range found {
			if r.What != threads || r.Reference == nil || !(r.Subject.Median > 0) || !(r.Reference.Median > 0) ||
				r.Ratio == nil || r.Ratio.Kind != SpeedUp || !strings.HasPrefix(r.Reference.Name, oneThread) || !strings.Contains(r.Note, "on 2 threads and on one") {
				t.Errorf("row %+v", r)
			}
		}
	}
}
