"""The derivative's speed and evaluations on typical phi, and how often its bound holds on the hard battery."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.oracle_battery import cases, rescaled
from benchmarks.oracle_battery_peers import METHODS, ours
from benchmarks.oracle_battery_table import measure
from gradcheck.oracles.derivative import derivative

TYPICAL = {
    "smooth": math.exp,
    "fine scale": lambda t: math.sin(1 + 1e4 * t),
    "large offset": lambda t: 1e6 + math.sin(t),
    "float32 inside": lambda t: float(np.sin(np.float32(1 + t))),
    "kink at 0": abs,
    "kink beside 0": lambda t: abs(t - 1e-6) + math.sin(2 * t),
    "edge of the domain": lambda t: math.log(1e-6 + t),
}


@pytest.mark.parametrize("name", TYPICAL)
def test_derivative(benchmark, name):
    estimate = benchmark(derivative, TYPICAL[name])
    benchmark.extra_info |= {"evaluations": estimate.evaluations, "error": estimate.error}


@pytest.mark.parametrize("name", [name for name in METHODS if "step" not in name])
def test_each_method_on_a_smooth_function(benchmark, name):
    claim = benchmark(METHODS[name], lambda t: math.sin(1 + float(t)))
    benchmark.extra_info |= {"true error": abs(claim.value - math.cos(1)), "claimed": claim.error}


def test_accuracy_on_the_battery(benchmark):
    battery = cases() + rescaled(cases(), seed=2026, copies=1)

    def run():
        return [measure(ours, case) for case in battery]

    outcomes = benchmark.pedantic(run, rounds=1)
    held = sum(o.holds for o in outcomes) / len(outcomes)
    benchmark.extra_info |= {
        "cases": len(outcomes),
        "bound holds": held,
        "silently wrong": sum(o.silently_wrong for o in outcomes),
        "mean evaluations": sum(o.evaluations for o in outcomes) / len(outcomes),
    }
    assert held > 0.98
