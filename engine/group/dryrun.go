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

func (g *goroutine) begin(peers []int, head, others []byte, x []float32, give []span) error {
	if err := g.swapAll(peers, func(int) []byte { return head }, func(k int) []byte {
		size := len(others) / len(peers)
		return others[k*size:][:size]
	}); err != nil {
		return err
	}
	return g.swapAll(peers, func(k int) []byte { return bytesOfAll(x[give[k].lo:give[k].hi]) }, nil)
}

func (g *goroutine) end(peers []int, _ []float32, _ []span, sum []float32, came []int) error {
	var all [together - 1][]float32
	for k, n := range came {
		all[k] = make([]float32, n)
	}
	if err := g.swapAll(peers, nil, func(k int) []byte { return bytesOfAll(all[k]) }); err != nil || sum == nil {
		return err
	}
	if len(peers) > 1 {
		Add(all[1], all[2])
	}
	for k := range (len(peers) + 1) / 2 {
		Add(sum, all[k])
	}
	return nil
}

func (g *goroutine) share(peers []int, x []float32, have span, want []span) error {
	return g.swapAll(peers, func(int) []byte { return bytesOfAll(x[have.lo:have.hi]) }, func(k int) []byte { return bytesOfAll(x[want[k].lo:want[k].hi]) })
}

// swapAll sends to each peer, and then receives from each.
func (g *goroutine) swapAll(peers []int, send, receive func(k int) []byte) error {
	for k, peer := range peers {
		if send != nil {
			_ = g.swap(peer, send(k), nil) // which only receiving fails
		}
	}
	for k, peer := range peers {
		if receive != nil {
			if err := g.swap(peer, nil, receive(k)); err != nil {
				return err
			}
		}
	}
	return nil
}
