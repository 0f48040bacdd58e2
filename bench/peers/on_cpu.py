"""What frameworks share that compute on the CPU in one number format."""


class OnCPU:
    """What peers.py asks of a framework; one has its title, and its name with a version."""

    peers, forms, cuda = [], [], False
    numbers = "float64"

    def __init__(self, threads, device, precision):
        if device != "cpu" or precision != "fp32":
            raise ValueError(f"{self.title} computes on the CPU in {self.numbers} here")
        self.threads = threads or 1

    def wait(self, out):
        """Everything has been computed when it returns."""

    def memory(self):
        """Returns the bytes of a GPU in use: none."""
        return 0
