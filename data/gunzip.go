package data

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// errTrailing marks bytes behind a gzip stream that are neither another member nor padding.
var errTrailing = errors.New("other bytes follow the gzip stream")

// gunzip reads all members of a gzip stream, one after the other, and takes zero bytes behind them
// for padding, as gzip does: tapes and some servers fill up blocks with them.
type gunzip struct {
	from   *bufio.Reader
	member *gzip.Reader
}

// newGunzip reads the header of the first member.
func newGunzip(from *bufio.Reader) (*gunzip, error) {
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gunzip{from, z}, nil
}

// Read implements io.Reader.
func (g *gunzip) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the next member. It returns io.EOF where there is none.
func (g *gunzip) next() error {
	head, err := g.from.Peek(2)
	if len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		if err := g.member.Reset(g.from); err != nil {
			return err
		}
		g.member.Multistream(false)
		return nil
	}
	if err != nil && err != io.EOF {
		return err
	}
	for {
		b, err := g.from.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return errTrailing
		}
	}
}
