package charged

import (
	"strings"
	"testing"

	"galvani/bench/experiment/exptest"
)

// TestRest holds the parts of the claim that are sure even of a few networks: linear ones come back
// with a difference of averages, and none does in the negative control.
func TestRest(t *testing.T) {
	o := exptest.Quickly(t, "rest")
	for _, r := range o.Tables[0].Rows {
		switch {
		case strings.HasSuffix(r[0], "γ_max 0") && !strings.HasPrefix(r[2], "100 "):
			t.Errorf("without channels back: %v", r)
		case !strings.HasPrefix(r[0], "ema_diff") && !strings.HasPrefix(r[2], "0 "):
			t.Errorf("negative control back: %v", r)
		}
	}
}
