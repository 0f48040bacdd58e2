package pages

import "syscall"

// hugePage is MADV_HUGEPAGE of madvise(2).
const hugePage = 14

// advise asks for large pages in a range. A kernel without them refuses, and nothing is lost.
func advise(from, bytes uintptr) { syscall.Syscall(syscall.SYS_MADVISE, from, bytes, hugePage) }
