"""Work in a copy of the process: what it returns comes back, what it does stays inside, and it always ends."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import gradcheck
from gradcheck.explain.blame.apart import Alive, TooLong, apart, no_longer_than
from tests.blame.programs import made

SEEN: list[int] = []


def test_what_it_returns_comes_back_and_what_it_changes_does_not() -> None:
    def work(alive: Alive) -> Any:
        alive()
        SEEN.append(1)
        return {"seen": list(SEEN)}

    assert apart(work, 5.0, 5.0) == {"seen": [1]}
    assert SEEN == []


def test_what_does_not_start_is_given_up_soon_and_what_does_not_end_later() -> None:
    def hangs(alive: Alive) -> None:
        time.sleep(60.0)

    def starts(alive: Alive) -> None:
        alive()
        time.sleep(60.0)

    begun = time.monotonic()
    assert apart(hangs, 0.2, 30.0) is None
    assert apart(starts, 30.0, 0.5) is None
    assert time.monotonic() - begun < 10.0


def test_files_and_processes_are_out_of_reach(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")

    def attempts(alive: Alive) -> list[str]:
        alive()
        return [_outcome(act) for act in (
            lambda: precious.write_text("spoilt"),
            lambda: precious.open("a"),
            precious.unlink,
            lambda: subprocess.run(["true"], check=False),
            lambda: precious.read_text(),
        )]  # fmt: skip

    assert apart(attempts, 5.0, 5.0) == ["PermissionError"] * 4 + ["done"]
    assert precious.read_text() == "precious"


def _outcome(act: Any) -> str:
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return "done"


def test_an_exception_comes_to_nothing() -> None:
    assert apart(lambda alive: 1 / 0, 5.0, 5.0) is None


def test_a_loop_that_catches_everything_is_interrupted() -> None:
    def work(alive: Alive) -> str:
        alive()
        with pytest.raises(TooLong), no_longer_than(0.05):
            while True:
                with suppress(Exception):
                    time.sleep(0.001)
        return "ended"

    assert apart(work, 5.0, 5.0) == "ended"


def test_what_waits_for_the_machine_is_not_interrupted() -> None:
    """On a busy machine a call that works for a millisecond may last for a tenth of a second."""

    def work(alive: Alive) -> str:
        alive()
        with no_longer_than(0.05):
            time.sleep(0.1)
        return "ended"

    assert apart(work, 5.0, 5.0) == "ended"


UNTIL = """
    import numpy as np
    from math import lgamma


    def digamma(x):
        h = 0.0
        while x < 20:
            h -= 1 / x
            x += 1
        return h + np.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)


    def loss(logk, y):
        k = np.exp(logk)
        return sum(lgamma(k) - lgamma(n + k) for n in y)


    def gradient(logk, y):
        k, dk = np.exp(logk), 0.0
        for n in y:
            dk += digamma(k) - digamma(n + k)
        return dk * k
"""


@pytest.mark.parametrize("slip", [("return dk * k", "return dk"), ("digamma(n + k)", "digamma(n - k)")])
def test_a_loop_that_comes_to_no_end_with_another_value_is_left(
    tmp_path: Path, slip: tuple[str, str]
) -> None:
    """An x that is turned negative before each comparison stays below 20; so may a term of a sum with another n."""
    module = made(tmp_path, UNTIL, slip)
    report = gradcheck.check_grad(
        module.loss, module.gradient, 0.3, [1.0, 2.0, 4.0], argnums=0, raise_on_failure=False
    )
    assert "came to no end" not in str(report) and report.blame and report.blame[0].proved
