package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine/hostmem"

	"github.com/spf13/cobra"
)

func newData() *cobra.Command {
	return newGroup("data", "The data sets: list, download, turn into events", newDataList(), newDataFetch(), newDataEvents())
}

// collectionReport is one line of data list.
type collectionReport struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Folder string `json:"folder"`
	There  bool   `json:"there"` // the folder exists; train checks what is in it
}

func newDataList() *cobra.Command {
	var dataDir string
	c := reporting(&cobra.Command{Use: "list", Short: "List the data sets that can be downloaded", Args: exactArgs()},
		func(*cobra.Command, []string) (list []collectionReport, err error) {
			dir, err := mustDataFolder(dataDir)
			if err != nil {
				return nil, err
			}
			for _, d := range data.Collections() {
				r := collectionReport{Name: d.Name, Doc: d.Doc, Folder: filepath.Join(dir, d.Name)}
				_, err := os.Stat(r.Folder)
				r.There = err == nil
				list = append(list, r)
			}
			return list, nil
		},
		func(p *printer, list []collectionReport) {
			tabulate(p, list, []string{"NAME", "THERE", "FOLDER", "WHAT"}, func(r collectionReport) []string {
				return []string{r.Name, yes(r.There), r.Folder, r.Doc}
			})
		})
	dataDirFlag(c, &dataDir)
	return c
}

func newDataFetch() *cobra.Command {
	var dataDir string
	c := &cobra.Command{Use: "fetch NAME", Short: "Download a data set, or the rest of it, and check it",
		Args: exactArgs("NAME"), ValidArgsFunction: completeNames(data.CollectionNames),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := mustDataFolder(dataDir)
			if err != nil {
				return err
			}
			set, err := data.LookupCollection(args[0])
			if err != nil {
				return fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
			ctx, cancel := interruptible(c.Context())
			defer cancel()
			show := newDownloads(c.ErrOrStderr())
			err = set.Fetch(ctx, dir, data.FetchOptions{Progress: show.update})
			show.end()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "%s is in %s\n", set.Name, filepath.Join(dir, set.Name))
			return err
		}}
	dataDirFlag(c, &dataDir)
	return c
}

// downloads shows how far each file is: a bar on a terminal, otherwise a line now and then.
type downloads struct {
	w    io.Writer
	bar  *bar // nil where there is no terminal
	file string
	last data.Progress
	next time.Time // of a plain line
}

func newDownloads(w io.Writer) *downloads {
	d := &downloads{w: w}
	if redrawn(w) {
		d.bar = newBar(w)
	}
	return d
}

func (d *downloads) update(p data.Progress) {
	fresh := d.file != p.File
	if fresh {
		d.end()
	}
	d.file, d.last = p.File, p
	if d.bar != nil {
		share := -1.0
		if p.Total > 0 {
			share = float64(p.Done) / float64(p.Total)
		}
		d.bar.draw(share, p.File, hostmem.Text(p.Done))
		return
	}
	if now := time.Now(); fresh || now.After(d.next) {
		d.next = now.Add(lineEvery)
		fmt.Fprintf(d.w, "%s: %.1f MB from %s\n", p.File, float64(p.Done)/1e6, p.URL)
	}
}

// end leaves a line for the file that was fetched last.
func (d *downloads) end() {
	if d.bar != nil && d.file != "" {
		d.bar.clear()
		fmt.Fprintf(d.w, "%s: %s\n", d.file, hostmem.Text(d.last.Done))
	}
}
