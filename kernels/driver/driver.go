//go:build gpu

package driver

/*
#include <cuda.h>
#ifndef GALVANI_CUDA_H
#error "this cuda.h is a toolkit's: put kernels/driver/include before it (see Makefile)"
#endif
#include "stub/stub.h"
*/
import "C"

import (
	"fmt"

	"gorgonia.org/cu"
)

// Info describes a GPU.
type Info struct {
	Index        int    // its number in Open
	Name         string // "NVIDIA H100 80GB HBM3"
	Major, Minor int    // compute capability
	Memory       int64  // bytes in all
	SMs          int    // multiprocessors
	Shared       int    // most bytes of dynamic shared memory of a block, opted in
	Cluster      int    // most blocks of a cluster, 1 where there are none
}

// clusterBlocks is the largest cluster that every GPU of compute 9.0 and later runs.
const clusterBlocks = 8

// Compute returns the compute capability as one number: 90 for 9.0.
func (i Info) Compute() int { return 10*i.Major + i.Minor }

// Devices lists the GPUs. Where there is none its error is ErrUnavailable and says why.
func Devices() ([]Info, error) {
	if reason := C.GoString(C.galvani_cuda_reason()); reason != "" {
		return nil, fmt.Errorf("driver: %w: %s%s", ErrUnavailable, reason, supports())
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, check("cuDeviceGetCount", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("driver: %w: %s reports no device%s", ErrUnavailable, Library(), supports())
	}
	infos := make([]Info, n)
	for i := range infos {
		if infos[i], err = info(i); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

func info(index int) (Info, error) {
	i := Info{Index: index, Cluster: 1}
	dev, err := cu.GetDevice(index)
	if err != nil {
		return i, check("cuDeviceGet", err)
	}
	if i.Name, err = dev.Name(); err != nil {
		return i, check("cuDeviceGetName", err)
	}
	if i.Memory, err = dev.TotalMem(); err != nil {
		return i, check("cuDeviceTotalMem", err)
	}
	for _, a := range []struct {
		attr cu.DeviceAttribute
		to   *int
	}{
		{cu.ComputeCapabilityMajor, &i.Major},
		{cu.ComputeCapabilityMinor, &i.Minor},
		{cu.MultiprocessorCount, &i.SMs},
		{C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &i.Shared},
	} {
		if *a.to, err = dev.Attribute(a.attr); err != nil {
			return i, check("cuDeviceGetAttribute", err)
		}
	}
	if i.Major >= 9 {
		i.Cluster = clusterBlocks
	}
	return i, nil
}

// Version returns the CUDA version that the driver supports, "12.2", or "" without a driver.
func Version() string {
	var v C.int
	if C.cuDriverGetVersion(&v) != C.CUDA_SUCCESS {
		return ""
	}
	return fmt.Sprintf("%d.%d", v/1000, v%1000/10)
}

// supports adds the driver's version to a message, if there is a driver.
func supports() string {
	if v := Version(); v != "" {
		return " (driver for CUDA " + v + ")"
	}
	return ""
}

// Library returns the path of the driver's library, or the name of the one that was not found.
func Library() string { return C.GoString(C.galvani_cuda_library()) }
