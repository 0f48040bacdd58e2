package main

import (
	"encoding/json"
	"testing"
)

// TestDevicesRanks asks a process alone, which is the only rank.
func TestDevicesRanks(t *testing.T) {
	var list []rankReport
	out := galvani(t, "devices", "--ranks", "--json").ok(t).stdout
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0].Host == "" || list[0].Device == "" || list[0].MPI != "" {
		t.Errorf("%s (%v), want one rank with host and device", out, err)
	}
}
