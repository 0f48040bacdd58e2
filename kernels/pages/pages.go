package pages

import "unsafe"

// large is the size of a large page on x86-64 and, mostly, on arm64.
const large = 2 << 20

// number is what arrays of memory without pointers are made of.
type number interface {
	~float32 | ~float64 | ~int | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Make returns n zeros. An array of a large page or more lies in such pages where the system grants them, which takes
// up to two pages more than its size.
func Make[T number](n int) []T {
	x := make([]T, n)
	if bytes := uintptr(n) * unsafe.Sizeof(*new(T)); bytes >= large {
		from := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
		first, end := from&^(large-1), (from+bytes+large-1)&^(large-1)
		advise(first, end-first)
	}
	return x
}
