package kernels

// CUDAOptions says how to compute on an NVIDIA GPU.
type CUDAOptions struct {
	// Precision of the products: fp32, tf32 or bf16; empty is fp32. States, gradients and
	// parameters are float32 with each.
	Precision string
}

// Precisions are the values of CUDAOptions.Precision.
var Precisions = []string{"fp32", "tf32", "bf16"}

// GPU describes an NVIDIA GPU.
type GPU struct {
	Index   int    `json:"index"`
	Name    string `json:"name"`
	Compute string `json:"compute"` // compute capability, e.g. "9.0"
	Memory  int64  `json:"memory"`  // bytes
	Driver  string `json:"driver"`  // CUDA version of the driver, e.g. "12.2"
}
