package devices

// GPU describes an NVIDIA GPU.
type GPU struct {
	Index   int    `json:"index"`
	Name    string `json:"name"`
	Compute string `json:"compute"` // compute capability, e.g. "9.0"
	Memory  int64  `json:"memory"`  // bytes
	Driver  string `json:"driver"`  // CUDA version of the driver, e.g. "12.2"
}
