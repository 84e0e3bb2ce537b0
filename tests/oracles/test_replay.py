"""The tape replayed with random rounding: the spread holds the error of autograd's answer, and ties stay ties."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from gradcheck.judge.rounding import FACTOR
from gradcheck.oracles.tracing import trace
from gradcheck.oracles.tracing.replay import OtherPiece, rolled_outputs, rolled_pullbacks


def spread(f, x, runs=4):
    """The gradient of a scalar f and the largest deviation of some replays."""
    tape = trace(f, (x,), [(0,)])
    one = [np.ones(())]
    (gradient,) = tape.pullback(one)
    generator = np.random.default_rng(0)
    found = [rolled_pullbacks(tape, [one], generator)[0][0] for _ in range(runs)]
    return gradient, np.max([np.abs(run - gradient) for run in found], axis=0)


FUNCTIONS = {
    "saturated": (lambda x: np.sum(np.tanh(x)), lambda x: [1 - mpmath.tanh(v) ** 2 for v in x]),
    "cancelling": (
        lambda x: np.sum((x + 1e6) ** 2 - x**2 - 1e12),
        lambda x: [2 * mpmath.mpf(1e6) for _ in x],
    ),
    "log-sum-exp": (
        lambda x: np.log(np.sum(np.exp(x))),
        lambda x: [mpmath.exp(v) / sum(mpmath.exp(w) for w in x) for v in x],
    ),
    "product": (
        lambda x: np.prod(x),
        lambda x: [mpmath.fprod(x) / v for v in x],
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_spread_holds_the_error(name) -> None:
    f, exact = FUNCTIONS[name]
    held = []
    for seed in range(40):
        x = np.random.default_rng(seed).normal(size=6) * (4.0 if name == "saturated" else 1.0)
        gradient, deviation = spread(f, x)
        with mpmath.workdps(50):
            truth = [
                float(mpmath.mpf(float(g)) - t)
                for g, t in zip(gradient, exact([mpmath.mpf(v) for v in x]), strict=True)
            ]
        held += list(np.abs(truth) <= FACTOR * deviation + 2.0**-52 * np.abs(gradient))

    assert np.mean(held) >= 0.995


def test_a_bias_before_a_batch_norm_is_zero_to_rounding() -> None:
    X, T = np.random.default_rng(1).normal(size=(2, 12, 4))

    def f(b):
        z = X + b
        return np.sum((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5) * T)

    gradient, deviation = spread(f, np.ones(4))

    assert np.all(np.abs(gradient) <= FACTOR * deviation)
    assert np.all(deviation < 1e-12)


def test_the_user_s_function_is_not_called() -> None:
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.sin(x) ** 2)

    spread(f, np.ones(3))

    assert len(calls) == 1


@pytest.mark.parametrize(
    "f",
    [
        np.max,
        lambda x: np.sum(np.maximum(x[0], x[1])),
        lambda x: np.sum(np.abs(x - x[0])),
        lambda x: np.sort(x)[1],
    ],
)
def test_ties_of_the_point_stay_ties(f) -> None:
    gradient, deviation = spread(f, np.array([1.3, 1.3, 0.2]))

    assert np.all(deviation <= 1e-15 * np.abs(gradient).max())


def test_a_replay_at_another_piece_is_no_rounding() -> None:
    def f(x):
        return np.abs(np.sum(x * 3.0) - 3.0 * np.sum(x))

    tape = trace(f, (np.array([0.1, 0.2, 0.3]),), [(0,)])
    generator = np.random.default_rng(0)
    with pytest.raises(OtherPiece):
        for _ in range(50):
            rolled_pullbacks(tape, [[np.ones(())]], generator)


def test_outputs_spread_as_their_terms_do() -> None:
    x = np.array([1e8, 1.0, -1e8])
    tape = trace(lambda x: np.sum(x * np.array([1.0, 1e-3, 1.0])), (x,), [(0,)])
    runs = [rolled_outputs(tape, np.random.default_rng(seed))[0] for seed in range(6)]

    assert 1e-9 < np.ptp(runs) < 1e-6
