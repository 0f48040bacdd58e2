package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// errStalled marks a mirror that went silent.
var errStalled = errors.New("the mirror stopped sending")

// get appends to the file at path part what is still missing of the file at url. What came
// before an error stays on disk for the next attempt.
//
// Errors: of the file system as they are (isSystem), errHash if the file grows beyond its
// limit; everything else is the mirror's.
func get(ctx context.Context, url, part string, f Download, opt FetchOptions) (err error) {
	have := fileSize(part)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(opt.Stall, func() { cancel(errStalled) })
	defer watch.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := opt.Client.Do(req)
	if err != nil {
		return cause(ctx, err)
	}
	defer resp.Body.Close()

	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	switch {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
	case resp.StatusCode == http.StatusOK:
		have = 0
		flags |= os.O_TRUNC
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		return nil // nothing is missing; the hash will tell
	default:
		return fmt.Errorf("the mirror answers %s", resp.Status)
	}
	file, err := os.OpenFile(part, flags, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()

	total := int64(-1)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	chunk := make([]byte, 1<<16)
	for {
		if max(have, total) > f.Limit {
			return fmt.Errorf("%w: it has more than %d bytes", errHash, f.Limit)
		}
		opt.Progress(Progress{File: f.Name, URL: url, Done: have, Total: total})
		n, readErr := resp.Body.Read(chunk)
		watch.Reset(opt.Stall)
		if _, err := file.Write(chunk[:n]); err != nil {
			return err
		}
		have += int64(n)
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return cause(ctx, readErr)
		}
	}
	opt.Progress(Progress{File: f.Name, URL: url, Done: have, Total: total})
	return file.Sync()
}

// cause returns why the context ended, or else err.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}
