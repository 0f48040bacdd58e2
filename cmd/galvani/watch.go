package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/rundir"

	"github.com/spf13/cobra"
)

const watchDoc = `Show a run in a browser while it trains: how it stands, its curves, its settings, and what runs where. The
page is served on this machine alone, at http://127.0.0.1:PORT/, is made anew from the files of the run each time that it
is asked for, and asks for itself every few seconds until the run ends. Ctrl-C ends; the run goes on.

  galvani watch runs/RUN
  ssh -L 8017:127.0.0.1:8017 HOST      and then the same, to look at a run on another machine

galvani report writes the page of a run that has ended, with what the test set says, as a file.`

const (
	usualPort    = 8017
	refreshEvery = 4                // seconds
	answerWithin = 20 * time.Second // one request
	mostRequest  = 1 << 16          // bytes of one
)

func newWatch() *cobra.Command {
	port := usualPort
	c := &cobra.Command{Use: "watch RUN", Short: "Show a run in a browser while it trains", Long: watchDoc, Args: exactArgs("RUN"),
		RunE: func(c *cobra.Command, args []string) error {
			if port < 0 || port > 65535 {
				return fmt.Errorf("%w: --port is %d, want 0 to 65535", errUsage, port)
			}
			if _, err := look(args[0]); err != nil {
				return err
			}
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%w: port %d is in use; name another with --port, 0 for one that is free", config.ErrConfig, port)
			}
			if err != nil {
				return err
			}
			ctx, cancel := interruptible(c.Context())
			defer cancel()
			fmt.Fprintf(c.ErrOrStderr(), "http://%s/ shows %s; Ctrl-C ends\n", l.Addr(), args[0])
			return serve(ctx, l, func() (livePage, error) { return lookLive(args[0]) })
		}}
	c.Flags().IntVar(&port, "port", port, "`number` of the port, 0 for one that is free")
	return c
}

// livePage is a page, and whether there will be another one.
type livePage struct {
	html []byte
	over bool
}

// serve answers requests with the page until ctx is done. It knows as much of HTTP as one page of this machine needs.
func serve(ctx context.Context, l net.Listener, page func() (livePage, error)) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		go func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(answerWithin))
			if r, ok := readRequest(io.LimitReader(conn, mostRequest)); ok {
				reply(conn, r, page)
			}
		}()
	}
}

// request is what is asked for.
type request struct{ method, path, host string }

// readRequest reads a request up to the end of its head; false for one that is not whole.
func readRequest(from io.Reader) (r request, ok bool) {
	lines := bufio.NewScanner(from)
	if lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 {
			r.method, r.path = words[0], words[1]
		}
	}
	for lines.Scan() && lines.Text() != "" {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.EqualFold(name, "host") {
			r.host = strings.TrimSpace(value)
		}
	}
	return r, r.method != "" && lines.Err() == nil
}

// reply writes the answer to a request. One that asks for another host comes from a page of a foreign site, to whose
// name this machine's address was given.
func reply(w io.Writer, r request, page func() (livePage, error)) {
	status, kind, more := http.StatusOK, "text/html; charset=utf-8", ""
	var p livePage
	host, _, err := net.SplitHostPort(r.host)
	switch {
	case err != nil || host != "127.0.0.1" && host != "localhost":
		status = http.StatusForbidden
	case r.path != "/":
		status = http.StatusNotFound
	case r.method != http.MethodGet && r.method != http.MethodHead:
		status = http.StatusMethodNotAllowed
	default:
		if p, err = page(); err != nil {
			status, p.html = http.StatusInternalServerError, []byte(message(err)+"\n")
		}
		if !p.over {
			more = fmt.Sprintf("Refresh: %d\r\n", refreshEvery)
		}
	}
	if status != http.StatusOK {
		kind = "text/plain; charset=utf-8"
	}
	fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%sCache-Control: no-store\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), kind, len(p.html), more)
	if r.method != http.MethodHead {
		w.Write(p.html)
	}
}

// lookLive returns the page of a run as it stands, from its files alone.
func lookLive(dir string) (l livePage, err error) {
	seen, err := look(dir)
	if err != nil {
		return l, err
	}
	run, err := rundir.View(dir)
	if err != nil {
		return l, err
	}
	rows, err := run.Metrics()
	if err != nil {
		return l, err
	}
	p := newPage(fmt.Sprintf("%s on %s", seen.Settings["model"], seen.Settings["task"]))
	p.note("%s: %s", filepath.Base(dir), rundir.Status{Phase: seen.Phase, Reason: seen.Reason})
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		p.note("Update %d, %s.", last.Step, time.UnixMilli(int64(1e3*last.Time)).Format(time.DateTime))
	}
	p.heading("Curves")
	accuracy := curves(rows, "accuracy")
	for i := range accuracy {
		accuracy[i] = percent(accuracy[i])
	}
	of := func(metric string, smooth int) []chart.Series {
		return []chart.Series{curve(rows, metric, metric, smooth)}
	}
	err = p.figures(func() error {
		more := measures(rows)
		for _, c := range []chart.Lines{
			{Title: "Loss", YLabel: "loss", LogY: true, Series: curves(rows, "loss")},
			{Title: "Accuracy", YLabel: "accuracy (%)", Series: accuracy},
			{Title: "Level of the curriculum", YLabel: "level", Series: of("level", 0)},
			more["angles"], more["hessian"], more["self-prediction"],
			{Title: "Gradient", YLabel: "norm before clipping", LogY: true, Series: of("grad_norm", smoothing)},
			{Title: "Learning rate", YLabel: "rate", Series: of("lr", 0)},
			{Title: "Speed", YLabel: "sequences per second", Series: of("sequences_per_second", smoothing)},
		} {
			c.XLabel = "update"
			if err := p.chart(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return l, err
	}
	p.metrics(seen)
	p.settings(seen)
	if err := p.place(run); err != nil {
		return l, err
	}
	return livePage{p.end(), seen.Phase != rundir.Running}, nil
}
