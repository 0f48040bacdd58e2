package main

import (
	"os"
	"strconv"
	"strings"

	"galvani/engine/group"
	"galvani/engine/hostmem"
	"galvani/kernels"

	"github.com/spf13/cobra"
)

// rankReport is one line of devices --ranks.
type rankReport struct {
	Rank   int    `json:"rank"`
	Host   string `json:"host"`
	Local  int    `json:"local"` // among the ranks of the host
	Device string `json:"device"`
	MPI    string `json:"mpi,omitempty"`
	// DevicePointers tells whether the library takes addresses of a device's memory.
	DevicePointers bool       `json:"device_pointers"`
	Memory         rankMemory `json:"memory"`
}

// rankMemory is what the training takes of the memory of a rank, and what the rank has, in bytes; 0 where that is not known.
type rankMemory struct {
	Host       int64 `json:"host"`
	HostFree   int64 `json:"host_free,omitempty"`
	Device     int64 `json:"device,omitempty"`
	DeviceFree int64 `json:"device_free,omitempty"`
}

// memoryText writes memory of the host and of the device.
func memoryText(host, device int64) string {
	var list []string
	if host > 0 {
		list = append(list, hostmem.Text(host))
	}
	if device > 0 {
		list = append(list, hostmem.Text(device)+" of the device")
	}
	return strings.Join(list, ", ")
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
	s, remove, err := networkOfRanks(ranks, network)
	if err != nil {
		return err
	}
	defer remove() // copies that are in nobody's way
	own, err := ownRank(ranks)
	if err != nil {
		return err
	}
	r := ranksReport{}
	if r.Training, err = predictGain(ranks, s, &own); err != nil {
		return err
	}
	if r.Ranks, err = group.Exchange(ranks, own); err != nil {
		return err
	}
	return report(c, asJSON, r, func(p *printer) {
		tabulate(p, r.Ranks, []string{"RANK", "HOST", "LOCAL", "DEVICE", "TAKES", "HAS", "MPI"}, func(r rankReport) []string {
			library := r.MPI
			if r.DevicePointers {
				library += ", takes device pointers"
			}
			m := r.Memory
			return []string{strconv.Itoa(r.Rank), r.Host, strconv.Itoa(r.Local), r.Device, memoryText(m.Host, m.Device), memoryText(m.HostFree, m.DeviceFree), library}
		})
		p.gain(r.Training)
	})
}

// networkOfRanks returns the settings of a file of rank 0, which tells the others of them; those that are built in without one.
func networkOfRanks(ranks group.Group, file string) (s *settings, remove func() error, err error) {
	if ranks.Rank() > 0 {
		o, err := ordered(ranks)
		if err != nil {
			return nil, nil, err
		}
		return o.settings(layer{})
	}
	var layers []layer
	if file != "" {
		l, err := readLayer(file)
		if err != nil {
			return nil, nil, err
		}
		layers = append(layers, l)
	}
	if s, err = resolve(layers...); err == nil {
		err = s.lead(ranks, nil)
	}
	return s, func() error { return nil }, err
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
	if l, ok := ranks.(*group.Launched); ok && l.Library != "" {
		r.MPI, r.DevicePointers = l.Library, l.Direct()
	}
	if room, known := hostmem.There(); known {
		r.Memory.HostFree = room.Among(near.ranks).Usable()
	}
	if dev, ok := p.dev.(kernels.Resident); ok {
		r.Memory.DeviceFree = dev.Usage().Free
	}
	return r, p.close()
}
