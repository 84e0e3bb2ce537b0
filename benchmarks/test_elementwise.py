"""Element-wise kernels, forward and backward, beside a memory copy."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.kernels import CONTENDERS, ENTRIES, KERNELS
from benchmarks.peers import Missing


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel(benchmark: Any, kernel: str, dtype: str, contender: str, all_sizes: bool) -> None:
    """1e6 entries with ``--all-sizes``, else 1e5."""
    entries = ENTRIES if all_sizes else ENTRIES // 10
    try:
        call = CONTENDERS[contender](kernel, dtype, entries)
    except Missing as reason:
        pytest.skip(str(reason))
    benchmark.group = f"{kernel}, {dtype}, {entries:,} entries"
    benchmark.extra_info["peer"] = contender
    benchmark.pedantic(call, rounds=7, warmup_rounds=2)
