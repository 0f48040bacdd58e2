// Package monitor keeps the monitor of Go's runtime from the cores that compute.
//
// The monitor is a thread that takes a processor of the scheduler away from a call into C that lasts. It looks every 20 µs
// for some milliseconds of each such call, and where all cores compute, each look stops one of them: an
// interrupt of a timer, which a virtual machine makes dear, and two switches of context. A scan of 6 ms on two
// cores lost a sixth of its time so (bench/NOTES-cpu.md).
//
// On Linux each thread has a slack, by which the kernel may end its sleeps later, 50 µs as a rule, and a new thread gets
// that of the thread that makes it. So before the runtime begins, the slack of the first thread is set to 10 ms, as
// long as the monitor sleeps by itself when nothing happens; the monitor gets it; then the first thread takes its own back.
// Goroutines that wait for a processor while all of them are in C get one up to 10 ms later than
// before. A thread that the monitor makes has its slack, and Prompt takes it away.
//
// It is a leaf: it imports nothing of the project, and every package may import it.
package monitor
