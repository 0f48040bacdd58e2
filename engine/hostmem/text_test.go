package hostmem

import "testing"

func TestText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 12: "12 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 30: "3.0 GiB", 80 << 30: "80.0 GiB",
		5 << 40: "5.0 TiB"} {
		if got := Text(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
