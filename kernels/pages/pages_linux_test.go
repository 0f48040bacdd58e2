package pages

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// advised tells whether the mapping that holds an address may have large pages, as /proc/self/smaps says.
func advised(t *testing.T, at uintptr) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skipf("no maps of this process: %v", err)
	}
	inside, head := false, regexp.MustCompile(`^([0-9a-f]+)-([0-9a-f]+) `)
	for line := range strings.Lines(string(text)) {
		if m := head.FindStringSubmatch(line); m != nil {
			lo, _ := strconv.ParseUint(m[1], 16, 64)
			hi, _ := strconv.ParseUint(m[2], 16, 64)
			inside = uint64(at) >= lo && uint64(at) < hi
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return slices.Contains(strings.Fields(flags), "hg")
		}
	}
	t.Fatalf("no mapping holds %x", at)
	return false
}

func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, large/4 - 1, large / 4, 16 * large / 4} {
		x := Make[float32](n)
		if len(x) != n {
			t.Fatalf("Make(%d) has %d elements", n, len(x))
		}
		for i, v := range x {
			if v != 0 {
				t.Fatalf("Make(%d)[%d] is %g, want 0", n, i, v)
			}
			x[i] = 1
		}
	}
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this system has no large pages")
	}
	x := Make[float64](8 * large / 8)
	for _, i := range []int{0, len(x) / 2, len(x) - 1} {
		if !advised(t, uintptr(unsafe.Pointer(&x[i]))) {
			t.Errorf("element %d of %d is not where large pages are asked for", i, len(x))
		}
	}
}
