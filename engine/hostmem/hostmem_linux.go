package hostmem

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// There returns the least of what the machine has free, what the control groups of the process
// leave, and what its limits of address space and data (ulimit -v and -d) leave; false where nothing
// of it can be read.
func There() (Room, bool) {
	s := system{proc: "/proc", cgroup: "/sys/fs/cgroup", limit: func(resource int) (uint64, bool) {
		var r syscall.Rlimit
		err := syscall.Getrlimit(resource, &r)
		return uint64(r.Cur), err == nil
	}}
	return least(s.rooms())
}

// threads is what the Go runtime, the C library and their threads take besides.
const threads = 64 << 20

// system is where the kernel tells of memory.
type system struct {
	proc, cgroup string
	limit        func(resource int) (uint64, bool)
}

func (s system) rooms() []Room {
	var all []Room
	if free, ok := s.field(filepath.Join(s.proc, "meminfo"), "MemAvailable:"); ok {
		swap, _ := s.field(filepath.Join(s.proc, "meminfo"), "SwapFree:")
		all = append(all, Room{free + swap, "free memory of the machine", threads})
	}
	for _, l := range []struct {
		resource    int
		used, words string
	}{{syscall.RLIMIT_AS, "VmSize:", "the limit of address space, ulimit -v"}, {syscall.RLIMIT_DATA, "VmData:", "the limit of data, ulimit -d"}} {
		most, ok := s.limit(l.resource)
		used, known := s.field(filepath.Join(s.proc, "self", "status"), l.used)
		if ok && known && most <= math.MaxInt64 {
			left := max(0, int64(most)-used)
			all = append(all, Room{left, l.words, left / 2})
		}
	}
	return append(all, s.groups()...)
}

// field returns a number of kB in a file of lines "Name: 123 kB", in bytes.
func (s system) field(path, name string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// group is how a version of control groups names things.
type group struct {
	folder              string // below the mount point
	most, used, cleared string // files, and the field of memory.stat that the kernel takes back
}

// groups returns what the control groups leave: that of the process and all above it.
func (s system) groups() []Room {
	text, err := os.ReadFile(filepath.Join(s.proc, "self", "cgroup"))
	if err != nil {
		return nil
	}
	var all []Room
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(parts) != 3 {
			continue
		}
		g := group{"", "memory.max", "memory.current", "inactive_file"}
		if parts[1] != "" {
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			g = group{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
		}
		// In a container the path may be that outside; the root of the mount is then the group.
		for path := filepath.Clean("/" + parts[2]); ; path = filepath.Dir(path) {
			if r, ok := s.room(filepath.Join(s.cgroup, g.folder, path), g); ok {
				all = append(all, r)
			}
			if path == "/" {
				break
			}
		}
	}
	return all
}

// room returns what one control group leaves, false for one without a limit.
func (s system) room(dir string, g group) (Room, bool) {
	most, ok := number(filepath.Join(dir, g.most))
	used, known := number(filepath.Join(dir, g.used))
	const unlimited = 1 << 60 // version 1 writes the largest number of pages
	if !ok || !known || most >= unlimited {
		return Room{}, false
	}
	text, _ := os.ReadFile(filepath.Join(dir, "memory.stat"))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == g.cleared {
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				used -= n
			}
		}
	}
	return Room{most - used, "the memory limit of the control group (container or job)", threads}, true
}

// number reads a file that holds one number; "max" is none.
func number(path string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
