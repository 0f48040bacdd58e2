package main

import (
	"errors"
	"testing"

	"galvani/cmd/galvani/internal/config"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "4096": 4096, "8GiB": 8 << 30, " 1.5 KiB ": 1536, "500MB": 500e6, "7 B": 7} {
		if got, err := parseBytes("memory", text); err != nil || got != want {
			t.Errorf("%q gave %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"GiB", "-1GiB", "0", "8 gigs", "1e30TiB", "NaN", "0.1B"} {
		if got, err := parseBytes("memory", text); !errors.Is(err, config.ErrConfig) {
			t.Errorf("%q gave %d, %v, want an error", text, got, err)
		}
	}
}
