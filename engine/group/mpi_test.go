//go:build (mpi || mpich) && linux

package group

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"galvani/engine/group/grouptest"
)

// asRank makes the test binary behave as one rank that checks what it gets.
const asRank = "GALVANI_TEST_AS_RANK"

func TestMain(m *testing.M) {
	if os.Getenv(asRank) == "" {
		os.Exit(m.Run())
	}
	if err := beRank(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// TestMPI lets processes check sums, broadcasts, what is gathered and Go's signals.
func TestMPI(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4} {
		if out, err := grouptest.Launch(n, []string{asRank + "=1"}, os.Args[0]).CombinedOutput(); err != nil {
			t.Errorf("%d ranks: %v\n%s", n, err, out)
		}
	}
	if grouptest.WithoutMemory == "" {
		return
	}
	for _, n := range []int{2, 4} {
		if out, err := grouptest.Launch(n, []string{asRank + "=1", grouptest.WithoutMemory}, os.Args[0]).CombinedOutput(); err != nil {
			t.Errorf("%d ranks without memory that all see: %v\n%s", n, err, out)
		}
	}
}

// beRank checks all calls as one of the ranks that mpirun has started.
func beRank() error {
	l, err := Open(func(error) int { return 64 })
	if err != nil {
		return err
	}
	if l.Library == "" || l.Size() < 1 || l.Rank() >= l.Size() {
		return fmt.Errorf("rank %d of %d by %q", l.Rank(), l.Size(), l.Library)
	}
	if rank, n := l.Local(); rank != l.Rank() || n != l.Size() {
		return fmt.Errorf("rank %d of %d is %d of %d on the only machine", l.Rank(), l.Size(), rank, n)
	}
	for _, check := range []func(*Launched) error{checkSums, checkSlowDevice, checkBytes, checkSignals, checkLeaving} {
		if err := check(l); err != nil {
			return fmt.Errorf("rank %d: %w", l.Rank(), err)
		}
	}
	return l.process.close()
}

// checkSums holds sums to those of a dry run, which TestSumOrder checks. Those of ranks on one machine go through memory
// where they are short or the ranks share cores.
func checkSums(l *Launched) error {
	if near, want := int(l.process.at.near), l.Size() > 1 && (grouptest.WithoutMemory == "" || !slices.Contains(os.Environ(), grouptest.WithoutMemory)); near > 0 != want {
		return fmt.Errorf("%d peers are reached through memory", near)
	}
	for _, n := range []int{1, short, short + 1, 100_003, 300_001, 2_000_003} {
		want := make([][]float32, l.Size())
		onRanks(l.Size(), func(g Group) {
			want[g.Rank()] = long(n, g.Rank())
			g.Sum(want[g.Rank()], nil)
		})
		for way, sum := range []func(Group, []float32, []float64) error{Group.Sum, sumOnHost} {
			x, y := long(n, l.Rank()), []float64{1, float64(l.Rank())}
			switch err := sum(l, x, y); {
			case way == 1 && l.Size() == 3 && errors.Is(err, ErrShares): // on all ranks alike
				l.Group.(*ranks).over = nil
			case err != nil:
				return err
			case !slices.Equal(x, want[l.Rank()]) || y[0] != float64(l.Size()):
				return fmt.Errorf("the sum of %d numbers is not that of a dry run, or %v is not the number of ranks", n, y[0])
			}
		}
	}
	return nil
}

// checkSlowDevice lets the device of rank 0 take longer for its addition than a rank may be silent. The rank lives.
func checkSlowDevice(l *Launched) error {
	if l.Size() != 2 || l.process.at.any_thread == 0 || slices.Contains(os.Environ(), grouptest.WithoutMemory) {
		return nil
	}
	x, room := long(short+1, l.Rank()), make([]float32, short+1)
	return l.SumOn(x, room, nil, func(lo, hi int) error {
		if l.Rank() == 0 {
			time.Sleep(silence + 2*time.Second)
		}
		Add(x[lo:hi], room[lo:hi])
		return nil
	})
}

func checkBytes(l *Launched) error {
	x := []float64{float64(l.Rank()), 7}
	if err := l.Bcast(x); err != nil || x[0] != 0 {
		return fmt.Errorf("heard %v (%v)", x, err)
	}
	all, err := l.Gather(bytes.Repeat([]byte{byte(l.Rank())}, 100_000*l.Rank()))
	if err != nil {
		return err
	}
	for r, b := range all {
		if len(b) != 100_000*r || bytes.Count(b, []byte{byte(r)}) != len(b) {
			return fmt.Errorf("%d bytes of rank %d", len(b), r)
		}
	}
	return nil
}

// checkSignals holds that Go's signals are as they were: a handler that does not run on the alternate
// stack would end the program, a fault has to become a panic, and a signal has to be heard.
func checkSignals(l *Launched) error {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGUSR1)
	var action struct {
		handler         uintptr
		flags, restorer uint64
		mask            uint64
	}
	const onStack = 0x08000000
	for s := 1; s < 32; s++ {
		if _, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0); e != 0 {
			return e
		}
		if action.handler > 1 && action.flags&onStack == 0 {
			return fmt.Errorf("MPI handles %v on the stack of a goroutine", syscall.Signal(s))
		}
	}
	fault := func() (err error) {
		defer func() { err, _ = recover().(error) }()
		var nothing *int
		return fmt.Errorf("read %d where nothing is", *nothing)
	}()
	if fault == nil || !strings.Contains(fault.Error(), "nil pointer") {
		return fmt.Errorf("a fault became %v, want a panic", fault)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		return err
	}
	<-heard
	return l.Sum(nil, nil)
}

func checkLeaving(l *Launched) error {
	if l.Size() == 1 {
		return nil
	}
	var err error
	switch l.Rank() {
	case 1:
		l.Abort(errors.New("no more"))
		err = l.Sum(nil, nil)
	case 2:
		err = l.Bcast(nil)
	default: // what these have sent is in nobody's way
		err = l.Sum(make([]float32, 300_001), nil)
	}
	var left *Left
	if !errors.As(err, &left) || left.Rank != 1 || left.Text != "no more" || left.Code != 64 {
		return fmt.Errorf("%v, want that rank 1 has left with code 64", err)
	}
	return nil
}
