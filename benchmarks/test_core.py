"""Loss and gradients of an MLP: ours, the peers, and the matrix products alone."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.guard import ratio
from benchmarks.nets import NETS, Net
from benchmarks.peers import PEERS, Missing
from benchmarks.rounds import interleave

QUICK = [net for net in NETS if net.hidden == "relu" and net.sizes[0] < 1024]
LARGE = [net for net in NETS if net not in QUICK]


def _nets() -> list[Any]:
    return [pytest.param(net, id=f"{net.name}, {net.dtype}") for net in QUICK + LARGE]


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("net", _nets())
def test_loss_and_gradients(benchmark: Any, net: Net, peer: str, all_sizes: bool) -> None:
    """One forward and one backward pass."""
    if net in LARGE and not all_sizes:
        pytest.skip("with --all-sizes")
    try:
        call = PEERS[peer](net)
    except Missing as reason:
        pytest.skip(str(reason))
    benchmark.group = f"{net.name}, {net.dtype}"
    benchmark.extra_info["peer"] = peer
    call()
    benchmark.pedantic(call, rounds=7, iterations=max(1, 400 // net.batch // max(net.sizes)), warmup_rounds=2)


@pytest.mark.parametrize("net", [p for p in _nets() if not p.values[0].tiny])
def test_ratio_to_the_floor(net: Net, all_sizes: bool, ratios: dict[str, float]) -> None:
    """Interleaved with the floor; held against the recorded ratio at the end of the run."""
    if net in LARGE and not all_sizes:
        pytest.skip("with --all-sizes")
    samples = interleave({name: PEERS[name](net) for name in ("ours", "floor")}, rounds=7, seconds=0.01)
    ratios[f"{net.name}, {net.dtype}"] = ratio(samples)
    assert ratio(samples) > 0
