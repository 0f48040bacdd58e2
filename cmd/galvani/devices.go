package main

import (
	"runtime"

	"galvani/kernels"

	"github.com/spf13/cobra"
)

// deviceReport is one line of devices.
type deviceReport struct {
	Device  string `json:"device"`
	Backend string `json:"backend"`
	Usable  bool   `json:"usable"`
	Name    string `json:"name,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func newDevices() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "devices", Short: "Say where networks can run here", Args: exactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			list := findDevices()
			return report(c, asJSON, list, func(p *printer) {
				rows := make([][]string, len(list))
				for i, d := range list {
					usable := "no"
					if d.Usable {
						usable = "yes"
					}
					rows[i] = []string{d.Device, d.Backend, usable, d.Name + d.Reason}
				}
				p.table([]string{"DEVICE", "BACKEND", "USABLE", "WHAT"}, rows)
			})
		}}
	jsonFlag(c, &asJSON)
	return c
}

func findDevices() []deviceReport {
	scan := deviceReport{Device: "cpu", Backend: "scan"}
	if dev, err := kernels.OpenCPU(0); err != nil {
		scan.Reason = err.Error()
	} else {
		scan.Usable, scan.Name = true, dev.Name()
		if err := dev.Close(); err != nil {
			scan.Usable, scan.Reason = false, err.Error()
		}
	}
	return []deviceReport{
		scan,
		{Device: "cpu", Backend: "graph", Usable: true, Name: "Gorgonia on " + runtime.GOARCH},
		{Device: "cuda", Backend: "scan", Reason: noCUDA},
	}
}
