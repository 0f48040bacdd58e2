package hostmem

import "fmt"

// Room is memory that may still be taken, and what bounds it.
type Room struct {
	Bytes int64
	Limit string // in words, such as "free memory"
	// Reserve is what of it cannot be planned with. A limit of address space needs much: threads
	// reserve it without using it, and the Go runtime keeps what it has given back.
	Reserve int64
}

// Usable returns what can be planned with.
func (r Room) Usable() int64 { return max(0, r.Bytes-r.Reserve) }

// Among returns the part of one of n processes that share the room; of 0 or 1 all of it.
func (r Room) Among(n int) Room {
	if n > 1 {
		r.Bytes, r.Reserve, r.Limit = r.Bytes/int64(n), r.Reserve/int64(n), fmt.Sprintf("%s for each of %d ranks", r.Limit, n)
	}
	return r
}

// least returns the smallest of some rooms, false where there is none.
func least(rooms []Room) (Room, bool) {
	if len(rooms) == 0 {
		return Room{}, false
	}
	r := rooms[0]
	for _, o := range rooms[1:] {
		if o.Usable() < r.Usable() {
			r = o
		}
	}
	r.Bytes = max(0, r.Bytes)
	return r, true
}

// Text writes an amount of memory for people: 8.0 GiB.
func Text(bytes int64) string {
	v, unit := float64(bytes), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}
