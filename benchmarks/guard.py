"""Ours against its own recorded ratio to the floor: a line in the report where it has fallen behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median

RECORD = Path(__file__).with_name("ratios.json")
# One-thread ratios taken in interleaved rounds repeat within 5 %; twice that is more than noise.
SLACK = 1.10


def ratio(samples: Mapping[str, list[float]]) -> float:
    """Median over the rounds of ours / floor."""
    return median(ours / floor for ours, floor in zip(samples["ours"], samples["floor"], strict=True))


def recorded() -> dict[str, float]:
    """Ratio by the name of the net, as last recorded; empty where nothing was."""
    return json.loads(RECORD.read_text())["ours / floor"] if RECORD.exists() else {}


def record(ratios: Mapping[str, float], machine: str) -> None:
    """Keep these ratios as what later runs are held against."""
    rounded = {name: round(value, 3) for name, value in sorted(ratios.items())}
    RECORD.write_text(json.dumps({"machine": machine, "ours / floor": rounded}, indent=2) + "\n")


def behind(ratios: Mapping[str, float]) -> list[str]:
    """A line for each net whose ratio is worse than recorded by more than `SLACK`."""
    before = recorded()
    return [
        f"{name}: {now:.2f} times the floor, {before[name]:.2f} when recorded"
        for name, now in ratios.items()
        if name in before and now > SLACK * before[name]
    ]
