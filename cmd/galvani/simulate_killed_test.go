//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"
)

// TestSimulationKilled kills simulations 10 times (GALVANI_TEST_KILLS) at random moments, each some time after its
// first save, and lets them go on each time. In the end spikes, and weights that change, are those of one that was
// left alone.
func TestSimulationKilled(t *testing.T) {
	needsCPU(t)
	for network, settings := range map[string][]string{"balanced": {"--n", "50", "--r-x", "40"}, "vogels": {"--n", "100"}} {
		t.Run(network, func(t *testing.T) { killedAgainAndAgain(t, network, settings) })
	}
}

func killedAgainAndAgain(t *testing.T, network string, settings []string) {
	t.Parallel()
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("GALVANI_TEST_KILLS")); err == nil {
		kills = n
	}
	file := filepath.Join(t.TempDir(), "run")
	rng := rand.New(rand.NewPCG(5, 6))
	line := []string{"simulate", network, "--for", "1h", "--save-every", "1ms", "--threads", "1"}
	for k := range kills {
		more := []string{"--resume", file}
		if k == 0 {
			more = append([]string{"--save", file}, settings...)
		}
		before, _ := os.Stat(file) // there is none before the first
		c := program(args(line, more...)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { c.Wait(); close(ended) }() // the way it ended is looked at
		for waits := true; waits; {
			select {
			case <-ended:
				t.Fatalf("kill %d: the simulation ended by itself: %v", k, c.ProcessState)
			case <-time.After(time.Millisecond):
				now, err := os.Stat(file)
				waits = err != nil || before != nil && os.SameFile(before, now)
			}
		}
		time.Sleep(time.Duration(rng.IntN(15_000)) * time.Microsecond)
		c.Process.Kill() // it has not ended
		<-ended
	}
	saved, _, err := readSaved(file)
	if err != nil {
		t.Fatal(err)
	}
	length := fmt.Sprintf("%gms", float64(saved.state.Step)*0.1+50)
	again := []string{network, "--for", length}
	got, want := simulatedNetwork(t, args(again, "--resume", file)...), simulatedNetwork(t, args(again, settings...)...)
	if got.SHA256 != want.SHA256 || !reflect.DeepEqual(got.Weights, want.Weights) || want.Populations["e"].Spikes == 0 || got.Milliseconds != want.Milliseconds {
		t.Errorf("after %d kills and %s: %+v, want %+v", kills, length, got.Populations, want.Populations)
	}
}
