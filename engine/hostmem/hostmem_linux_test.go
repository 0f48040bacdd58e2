package hostmem

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// kernel writes the files of a machine.
func kernel(t *testing.T, files map[string]string) system {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return system{proc: filepath.Join(dir, "proc"), cgroup: filepath.Join(dir, "cgroup"),
		limit: func(int) (uint64, bool) { return math.MaxUint64, true }}
}

const meminfo = "MemTotal: 4096 kB\nMemFree: 10 kB\nMemAvailable: 2097152 kB\nSwapFree: 1048576 kB\n"

// TestTheLeastBounds holds which limit counts, and how much of it is left.
func TestTheLeastBounds(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		limit map[int]uint64
		want  int64
		words string
	}{
		"machine": {map[string]string{"proc/meminfo": meminfo}, nil, 3 << 30, "free memory"},
		"group": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"cgroup/a/memory.max": "1000000\n", "cgroup/a/memory.current": "700000\n", "cgroup/a/memory.stat": "file 5\ninactive_file 100000\n",
			"cgroup/a/b/memory.max": "max\n", "cgroup/a/b/memory.current": "600000\n"}, nil, 400000, "control group"},
		"container": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/elsewhere\n",
			"cgroup/memory.max": "1000000\n", "cgroup/memory.current": "900000\n"}, nil, 100000, "control group"},
		"version 1": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:cpu:/\n5:hugetlb,memory:/job\n",
			"cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "cgroup/memory/memory.usage_in_bytes": "5\n",
			"cgroup/memory/job/memory.limit_in_bytes": "500000\n", "cgroup/memory/job/memory.usage_in_bytes": "300000\n",
			"cgroup/memory/job/memory.stat": "inactive_file 7\ntotal_inactive_file 1000\n"}, nil, 201000, "control group"},
		"ulimit -v": {map[string]string{"proc/meminfo": meminfo, "proc/self/status": "VmPeak: 9 kB\nVmSize: 512 kB\nVmData: 3 kB\n"},
			map[int]uint64{syscall.RLIMIT_AS: 1 << 20}, 512 << 10, "ulimit -v"},
		"ulimit -d": {map[string]string{"proc/self/status": "VmSize: 512 kB\nVmData: 24 kB\n"},
			map[int]uint64{syscall.RLIMIT_DATA: 1 << 20}, 1000 << 10, "ulimit -d"},
		"nothing left": {map[string]string{"proc/self/status": "VmSize: 4096 kB\n"},
			map[int]uint64{syscall.RLIMIT_AS: 1 << 20}, 0, "ulimit -v"},
	} {
		s := kernel(t, tt.files)
		if tt.limit != nil {
			s.limit = func(resource int) (uint64, bool) { n, ok := tt.limit[resource]; return n, ok }
		}
		r, ok := least(s.rooms())
		if r.Usable() < 0 || r.Usable() > r.Bytes {
			t.Errorf("%s: %d of %d bytes can be planned with", name, r.Usable(), r.Bytes)
		}
		if !ok || r.Bytes != tt.want || !strings.Contains(r.Limit, tt.words) {
			t.Errorf("%s: %+v %t, want %d bytes by %q", name, r, ok, tt.want, tt.words)
		}
	}
	if r, ok := least(kernel(t, nil).rooms()); ok {
		t.Errorf("a machine that tells nothing gives %+v", r)
	}
}

// TestThere reads this machine.
func TestThere(t *testing.T) {
	if r, ok := There(); !ok || r.Bytes <= 0 || r.Limit == "" {
		t.Errorf("%+v %t, want some memory", r, ok)
	}
}

// TestAmong divides a room between processes.
func TestAmong(t *testing.T) {
	r := Room{Bytes: 100, Limit: "free memory", Reserve: 20}
	if r.Among(1) != r || r.Among(4) != (Room{25, "free memory for each of 4 ranks", 5}) {
		t.Errorf("got %+v and %+v", r.Among(1), r.Among(4))
	}
}
