"""What a table was measured on, in one line."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from reference_impls.blas import processor_flags


def machine() -> str:
    """Processor, cores, and whether it has AVX-512."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    widest = "AVX-512" if "avx512f" in processor_flags(cpuinfo) else "no AVX-512"
    return f"{models[0] if models else platform.machine()}, {len(models) or os.cpu_count()} cores, {widest}"
