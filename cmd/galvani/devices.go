package main

import (
	"fmt"
	"runtime"

	"galvani/engine/hostmem"
	"galvani/engine/rundir"
	"galvani/kernels/devices"

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
	var asJSON, ranks bool
	var network string
	c := &cobra.Command{Use: "devices", Short: "Say where networks can run here", Args: exactArgs(),
		Long: `Say where networks can run here. Started by mpirun or srun, --ranks says it of each rank, what memory of
it a training takes, whether the MPI library takes device pointers, and what ranks gain. Where it does,
gradients go from GPU to GPU, otherwise through host memory. GALVANI_MPI_DEVICE_POINTERS=yes or no
takes the place of what the library says: some say yes and cannot, or say nothing and can.`,
		Example: "  galvani devices\n  mpirun -n 2 galvani devices --ranks",
		RunE: func(c *cobra.Command, _ []string) error {
			if ranks {
				return reportRanks(c, asJSON, network)
			}
			if network != "" {
				return fmt.Errorf("%w: --config is the network of --ranks, which is not given", errUsage)
			}
			list := findDevices()
			return report(c, asJSON, list, func(p *printer) {
				tabulate(p, list, []string{"DEVICE", "BACKEND", "USABLE", "WHAT"}, func(d deviceReport) []string {
					return []string{d.Device, d.Backend, yes(d.Usable), d.Name + d.Reason}
				})
			})
		}}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&ranks, "ranks", false, "say where each rank of a job that mpirun or srun has started would train, what memory that takes, and what ranks gain")
	c.Flags().StringVar(&network, "config", "", "TOML `file` with settings of galvani train, for the prediction of --ranks")
	return onRanks(c)
}

func findDevices() []deviceReport {
	scan := deviceReport{Device: "cpu", Backend: "scan"}
	if dev, err := devices.OpenCPU(0); err != nil {
		scan.Reason = message(err)
	} else {
		scan.Usable, scan.Name = true, fmt.Sprintf("%s, %d cores, %s", rundir.CPU(), runtime.NumCPU(), dev.Name())
		if half, ok := dev.(interface{ HasBF16() bool }); ok && half.HasBF16() {
			scan.Name += ", has --precision bf16"
		}
		if err := dev.Close(); err != nil {
			scan.Usable, scan.Reason = false, message(err)
		}
	}
	list := []deviceReport{scan, {Device: "cpu", Backend: "graph", Usable: true, Name: "Gorgonia on " + runtime.GOARCH}}
	gpus, err := devices.GPUs()
	if err != nil {
		return append(list, deviceReport{Device: "cuda", Backend: "scan", Reason: reason(err)})
	}
	for _, g := range gpus {
		d := deviceReport{Device: fmt.Sprintf("cuda:%d", g.Index), Backend: "scan"}
		what := fmt.Sprintf("%s, compute %s, %s, driver for CUDA %s", g.Name, g.Compute, hostmem.Text(g.Memory), g.Driver)
		if dev, err := devices.OpenCUDA(g.Index, ""); err != nil {
			d.Reason = what + ": " + reason(err)
		} else if err := dev.Close(); err != nil {
			d.Reason = what + ": " + reason(err)
		} else {
			d.Usable, d.Name = true, what
		}
		list = append(list, d)
	}
	return list
}
