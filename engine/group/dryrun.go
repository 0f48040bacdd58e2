package group

import (
	"bytes"
	"fmt"
)

// DryRun returns n ranks that are goroutines of this process: the double of a run on n machines.
func DryRun(n int) []Group {
	pipes := make([][]chan []byte, n) // [from][to]
	for i := range pipes {
		pipes[i] = make([]chan []byte, n)
		for j := range pipes[i] {
			pipes[i][j] = make(chan []byte, 1)
		}
	}
	causes := make([]error, n)
	list := make([]Group, n)
	for i := range list {
		r := &ranks{link: &goroutine{n: i, pipes: pipes}, do: func(f func() error) error { return f() },
			cause: func(rank int) error { return causes[rank] }}
		// The code is asked for before the others hear, so that they see the cause.
		r.code = func(cause error) int { causes[i] = cause; return 0 }
		list[i] = r
	}
	return list
}

// goroutine is the link of a rank of a dry run.
type goroutine struct {
	n     int
	pipes [][]chan []byte
}

func (g *goroutine) rank() int               { return g.n }
func (g *goroutine) size() int               { return len(g.pipes) }
func (g *goroutine) local() (rank, size int) { return g.n, len(g.pipes) }

func (g *goroutine) near(int) bool { return true }

func (g *goroutine) swap(peer int, send, receive []byte) error {
	if len(send) > 0 {
		g.pipes[g.n][peer] <- bytes.Clone(send)
	}
	if len(receive) == 0 {
		return nil
	}
	came := <-g.pipes[peer][g.n]
	if copy(receive, came) < len(came) {
		return fmt.Errorf("group: rank %d sends %d bytes, want at most %d", peer, len(came), len(receive))
	}
	return nil
}

func (g *goroutine) direct() bool { return false }

func (g *goroutine) swapOn(peer int, send, receive []byte) error { return g.swap(peer, send, receive) }

func (g *goroutine) aside(f func() error) error { return f() }

func (g *goroutine) begin(peer int, head, other []byte, numbers []float32) error {
	if err := g.swap(peer, head, other); err != nil || len(numbers) == 0 {
		return err
	}
	g.pipes[g.n][peer] <- bytes.Clone(bytesOfAll(numbers))
	return nil
}

func (g *goroutine) end(peer int, _, sum []float32, n int) error {
	came := make([]float32, n)
	if err := g.swap(peer, nil, bytesOfAll(came)); err != nil || sum == nil {
		return err
	}
	Add(sum, came)
	return nil
}
