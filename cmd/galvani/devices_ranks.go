package main

import (
	"os"
	"strconv"

	"galvani/engine/group"

	"github.com/spf13/cobra"
)

// rankReport is one line of devices --ranks.
type rankReport struct {
	Rank   int    `json:"rank"`
	Host   string `json:"host"`
	Local  int    `json:"local"` // among the ranks of the host
	Device string `json:"device"`
	MPI    string `json:"mpi,omitempty"`
}

// ranksReport is what devices --ranks tells.
type ranksReport struct {
	Ranks    []rankReport `json:"ranks"`
	Training *gain        `json:"training"`
}

// reportRanks reports on rank 0 where each rank of the job runs and what it takes for --device auto, and what
// training gains on ranks.
func reportRanks(c *cobra.Command, asJSON bool, network string) error {
	ranks := ranksOf(c.Context())
	var layers []layer
	if network != "" {
		file, err := readLayer(network)
		if err != nil {
			return err
		}
		layers = append(layers, file)
	}
	own, err := ownRank(ranks)
	if err != nil {
		return err
	}
	all, err := group.Exchange(ranks, own)
	if err != nil {
		return err
	}
	r := ranksReport{Ranks: all}
	if r.Training, err = predictGain(ranks, layers); err != nil {
		return err
	}
	return report(c, asJSON, r, func(p *printer) {
		tabulate(p, r.Ranks, []string{"RANK", "HOST", "LOCAL", "DEVICE", "MPI"}, func(r rankReport) []string {
			return []string{strconv.Itoa(r.Rank), r.Host, strconv.Itoa(r.Local), r.Device, r.MPI}
		})
		p.gain(r.Training)
	})
}

// ownRank opens the device of this rank and says what it is.
func ownRank(ranks group.Group) (r rankReport, err error) {
	near := localityOf(ranks)
	if r.Host, err = os.Hostname(); err != nil {
		return r, err
	}
	p, err := choosePlace(defaultRunKeys(), near)
	if err != nil {
		return r, err
	}
	r.Rank, r.Local, r.Device = ranks.Rank(), near.rank, p.String()
	if l, ok := ranks.(*group.Launched); ok {
		r.MPI = l.Library
	}
	return r, p.close()
}
