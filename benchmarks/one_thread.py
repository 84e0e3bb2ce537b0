"""Importing this before NumPy keeps its products of matrices, and torch's, on one thread where nothing else is set."""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What libraries read, when they are loaded, for how many threads to use."""

for _variable in VARIABLES:
    os.environ.setdefault(_variable, "1")
