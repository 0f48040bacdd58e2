"""NumPy: no cells, but the matrix product of the BLAS that it was built with."""

import numpy as np

from on_cpu import OnCPU


class Framework(OnCPU):
    """NumPy on the CPU."""

    title, numbers = "NumPy", "fp32"

    def __init__(self, threads, device, precision):
        super().__init__(threads, device, precision)
        blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
        self.name = f"numpy {np.__version__} ({blas.get('name', 'blas')})"

    def product(self, size):
        """Returns a square matrix product."""
        rng = np.random.default_rng(1)
        a, b = (rng.uniform(-1, 1, (size, size)).astype(np.float32) for _ in range(2))
        c = np.empty_like(a)
        return lambda: np.matmul(a, b, out=c)
