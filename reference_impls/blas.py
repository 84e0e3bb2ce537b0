"""Which kernel multiplies NumPy's matrices, and whether this processor could do better.

OpenBLAS picks its kernel by the processor's model, and a model that it does not know gets one written for
older processors, at up to twice the cost. ``python -m reference_impls.blas`` names the kernel in use, times
every better candidate in a child process, and prints the one variable to set. Nothing changes in this
process or its environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"
# OpenBLAS's names for its x86-64 kernels from slow to fast, with the processor flags that each needs. A
# kernel is only ever tried where all its flags are there: a missing instruction would end the process.
KERNELS = {
    "Prescott": {"pni"},
    "Nehalem": {"sse4_2"},
    "Sandybridge": {"avx"},
    "Haswell": {"avx2", "fma"},
    "Zen": {"avx2", "fma"},  # Haswell's kernel under another name
    "SkylakeX": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
    "Cooperlake": {"avx512f", "avx512vl", "avx512_bf16"},
    "SapphireRapids": {"avx512f", "avx512vl", "avx512_bf16", "amx_tile"},
}
GAIN = 1.05  # below this, noise
_MEASURE = """
import time
import numpy as np
for dtype in (np.float64, np.float32):
    a = np.random.default_rng(0).standard_normal((768, 768)).astype(dtype)
    out = np.empty_like(a)
    seconds = []
    for _ in range(12):
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        seconds.append(time.perf_counter() - start)
    print(sorted(seconds)[3])
"""


def kernel_in_use() -> str | None:
    """OpenBLAS's name for its kernel in this process; None with another BLAS, or without threadpoolctl."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return None
    import numpy  # noqa: F401  its BLAS must be loaded to be seen

    found = [info for info in threadpool_info() if info["internal_api"] == "openblas"]
    return str(found[0]["architecture"]) if found else None


def processor_flags(cpuinfo: str | None = None) -> set[str]:
    """The processor's instruction sets, by the names that Linux gives them; empty on other systems."""
    if cpuinfo is None:
        path = Path("/proc/cpuinfo")
        cpuinfo = path.read_text() if path.exists() else ""
    lines = [line for line in cpuinfo.splitlines() if line.startswith("flags")]
    return set(lines[0].split(":", 1)[1].split()) if lines else set()


def candidates(kernel: str | None, flags: set[str]) -> list[str]:
    """Kernels for newer processors than ``kernel`` that a processor with these flags can run."""
    names = list(KERNELS)
    if kernel not in names:
        return []
    needs = KERNELS[kernel]
    return [
        name for name in names[names.index(kernel) + 1 :] if KERNELS[name] <= flags and KERNELS[name] != needs
    ]


def seconds_of_products(kernel: str | None = None) -> tuple[float, float]:
    """Seconds for one product of 768 x 768 matrices in float64 and float32, in a child with this kernel.

    On one thread; ``kernel`` None leaves the choice to OpenBLAS.

    Raises
    ------
    subprocess.CalledProcessError
        If the child fails, as it would under a kernel that the processor cannot run.
    """
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    environment |= {"OPENBLAS_NUM_THREADS": "1"} | ({} if kernel is None else {VARIABLE: kernel})
    command = [sys.executable, "-c", _MEASURE]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    double, single = map(float, run.stdout.split())
    return double, single


def headline() -> str:
    """One line: the kernel in use, and a hint where the processor has instructions that it leaves idle."""
    kernel = kernel_in_use()
    if kernel is None:
        return 'BLAS kernel: not known (OpenBLAS only, and pip install "gradcheck[peers]" for threadpoolctl)'
    better = candidates(kernel, processor_flags())
    hint = f"; this processor could run {better[0]}: python -m reference_impls.blas" if better else ""
    return f"BLAS kernel: OpenBLAS {kernel}{hint}"


def main() -> None:
    """Print the kernel in use, what the better candidates gain, and the variable to set."""
    print(headline())
    now = kernel_in_use()
    if now is None:
        return
    better = candidates(now, processor_flags())
    if not better:
        print("Nothing to gain: it is the fastest kernel that this processor can run.")
        return
    base = seconds_of_products(now)
    gains = {}
    for name in better:
        speeds = seconds_of_products(name)
        double, single = (before / after for before, after in zip(base, speeds, strict=True))
        print(f"{name}: matrix products {double:.2f} times as fast in float64, {single:.2f} in float32")
        gains[name] = min(double, single)
    best = max(gains, key=lambda name: gains[name])
    if gains[best] > GAIN:
        print("Set this before Python starts; products with one row may not gain, so time your own code:")
        print(f"export {VARIABLE}={best}")


if __name__ == "__main__":
    main()
