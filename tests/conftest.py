"""Of every process that runs tests: its matrix products take one core, for the other cores run tests of their own."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when NumPy is first imported, which is later
