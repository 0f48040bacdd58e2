package main

import (
	"strings"
	"testing"
)

// TestEvalNoise measures a run with the noise of training: the same numbers again, others than without, and the graph
// close to the scan.
func TestEvalNoise(t *testing.T) {
	dir := trained(t, "--model", "rnn", "--rec-noise", "0.5", "--input-noise", "0.1")
	measured := func(more ...string) (string, evalReport) {
		var r evalReport
		o := galvani(t, args([]string{"eval", dir, "--json"}, more...)...).ok(t)
		o.tells(t, &r)
		return o.stdout, r
	}
	first, noisy := measured("--noise")
	again, _ := measured("--noise")
	_, quiet := measured()
	if first != again || !noisy.Noise || quiet.Noise || noisy.Test.Loss == quiet.Test.Loss {
		t.Errorf("with noise %s and %s, without %+v", first, again, quiet)
	}
	if _, graph := measured("--noise", "--backend", "graph"); graph.Test.Loss < 0.9999*noisy.Test.Loss || graph.Test.Loss > 1.0001*noisy.Test.Loss {
		t.Errorf("the graph has the loss %v, the scan %v", graph.Test.Loss, noisy.Test.Loss)
	}
	if o := galvani(t, "eval", dir, "--noise").ok(t); !strings.Contains(o.stdout, "noise       that of training") {
		t.Errorf("stdout %q does not tell of the noise", o.stdout)
	}
	galvani(t, "eval", copyOfRun(t), "--noise").refused(t, exitConfig, "rec_noise and input_noise are 0")
}
