// Package monitor keeps the monitor of Go's runtime from the cores that compute.
//
// The monitor is a thread that takes a processor of the scheduler away from a call into C that lasts. It looks every 20 to
// 70 µs for some milliseconds of each such call, and where all cores compute, each look stops one of them: an
// interrupt of a timer, which a virtual machine makes dear, and two switches of context. A scan of 6 ms on two
// cores lost a sixth of its time so (bench/NOTES-cpu.md).
//
// On Linux each thread has a slack, by which the kernel may end its sleeps later, 50 µs as a rule, and a new thread gets
// that of the thread that makes it. The monitor is the first thread that the runtime makes. So the linker sends the
// calls by which the runtime makes threads to slack_linux.c, which gives the first of them a slack of 10 ms, as long as the
// monitor sleeps by itself when nothing happens, and all others the usual one, those that the monitor makes, too.
//
// After 10 ms the monitor takes the processor all the same. Where no other is idle it hands it to a thread that looks for
// work: that thread waits for a core, and a worker whose call ends meanwhile finds no processor to go on with. So the
// scheduler has one processor more than there are cores to use. GOMAXPROCS at the start of the program is the number
// of cores; Cores tells it, and Use changes it.
//
// It imports nothing of the project, and every package may import it: kernels/cpu, whose calls last, and who asks for Cores.
package monitor
