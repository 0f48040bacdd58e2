"""NumPy: no cells, but the matrix product of the BLAS that it was built with."""

import numpy as np


class Framework:
    """What peers.py asks of a framework."""

    peers, forms, cuda = [], [], False

    def __init__(self, threads, device, precision):
        if device != "cpu" or precision != "fp32":
            raise ValueError("NumPy computes on the CPU in fp32 here")
        self.threads = threads
        blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
        self.name = f"numpy {np.__version__} ({blas.get('name', 'blas')})"

    def wait(self, out):
        """Everything has been computed when it returns."""

    def memory(self):
        """Returns the bytes of a GPU in use: none."""
        return 0

    def product(self, size):
        """Returns a square matrix product."""
        rng = np.random.default_rng(1)
        a, b = (rng.uniform(-1, 1, (size, size)).astype(np.float32) for _ in range(2))
        c = np.empty_like(a)
        return lambda: np.matmul(a, b, out=c)
