"""Speed, cost and accuracy beside the peers; in one thread, unless the environment says otherwise."""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""By these BLAS knows, when NumPy is loaded, how many threads it may use."""

for _variable in THREADS:
    os.environ.setdefault(_variable, "1")
