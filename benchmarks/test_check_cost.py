"""What a check of one MLP's gradient costs, in units of one loss and one gradient."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.checkers import CHECKERS, SIZES, network, parameters
from benchmarks.peers import Missing


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_check(benchmark: Any, sizes: tuple[int, ...], checker: str, all_sizes: bool) -> None:
    """Up to 998 parameters, and 1,000,120 with ``--all-sizes``."""
    net = network(sizes)
    if parameters(net) > 1_000 and not all_sizes:
        pytest.skip("with --all-sizes")
    if checker == "torch slow" and sizes != SIZES[0] and not all_sizes:
        pytest.skip("with --all-sizes")
    try:
        call = CHECKERS[checker](net)
        benchmark.group = f"check of {parameters(net):,} parameters"
        benchmark.extra_info["peer"] = checker
        benchmark.pedantic(call, rounds=3, warmup_rounds=1)
    except Missing as reason:
        pytest.skip(str(reason))
