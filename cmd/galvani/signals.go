package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// interruptible returns a context that the first signal to stop cancels, so that the run can
// save its state: SIGINT, SIGTERM, and where the system has them the warnings of polite (a
// terminal that hangs up, a batch system near its limit) and those of also.
//
// A second SIGINT or SIGTERM ends the program at once, with code 128 + signal. No other signal
// does: a session that ends sends SIGTERM and SIGHUP together.
func interruptible(parent context.Context, also ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	urgent, warnings := make(chan os.Signal, 2), make(chan os.Signal, 2)
	signal.Notify(urgent, os.Interrupt, syscall.SIGTERM)
	for _, s := range append(polite, also...) {
		if !signal.Ignored(s) { // nohup ignores SIGHUP
			signal.Notify(warnings, s)
		}
	}
	go func() {
		asked := false
		for {
			select {
			case s := <-urgent:
				if asked {
					os.Exit(128 + int(s.(syscall.Signal)))
				}
				asked = true
				cancel(fmt.Errorf("%w by %s", errStopped, s))
			case s := <-warnings:
				cancel(fmt.Errorf("%w by %s", errStopped, s))
			case <-parent.Done():
				return
			}
		}
	}()
	// Warnings stay caught: after a closed pipe, the last words would end the program.
	return ctx, func() {
		signal.Stop(urgent)
		cancel(nil)
	}
}
