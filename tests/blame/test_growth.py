"""Which axes are one length is found by calling f: those that have to grow together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcheck.explain.blame.growth import Growth, growths


def never() -> bool:
    return False


def found(f: Callable[..., Any], *args: Any, late: Callable[[], bool] = never) -> list[str]:
    """The ways in which lengths grow of arguments that are arrays of ones and whole numbers, as text."""
    shapes = [one if isinstance(one, int) else one.shape for one in args]

    def takes(growth: Growth) -> bool:
        made: list[Any] = [one if isinstance(one, int) else list(one.shape) for one in args]
        for number, axis in growth.places:
            if axis < 0:
                made[number] += growth.of(made[number])
            else:
                made[number][axis] += growth.of(made[number][axis])
        try:
            f(*(one if isinstance(one, int) else np.ones(one) for one in made))
        except ValueError:
            return False
        return True

    ways = growths(shapes, takes, takes, late)
    return sorted(" ".join(f"{'XWbk'[n]}{axis}" for n, axis in one.places) for one, *_ in ways)


def heads(X: Any, W: Any, b: Any, k: int) -> Any:
    return (X @ W + b).reshape(len(X), k, -1)


@pytest.mark.parametrize("length", [2, 3, 6])
def test_lengths_that_are_equal_by_accident_are_told_apart(length: int) -> None:
    X, W, b = (np.ones(shape) for shape in ((length, length), (length, length), length))
    assert found(lambda X, W, b: X @ W + b, X, W, b) == ["W1 b0", "X0", "X1 W0"]


def test_a_number_grows_with_what_is_several_times_as_long() -> None:
    """Four columns can be parted among four heads; nine columns of three heads are eighteen of six."""
    assert found(heads, np.ones((3, 5)), np.ones((5, 4)), np.ones(4), 2) == ["W1 b0", "X0", "X1 W0", "k-1"]
    of_nine = found(heads, np.ones((4, 5)), np.ones((5, 9)), np.ones(9), 3)
    assert of_nine == ["W1 b0", "W1 b0 k-1", "X0", "X1 W0"]


def test_when_it_is_late_all_of_one_length_grow_together() -> None:
    X, W, b = np.ones((3, 3)), np.ones((3, 3)), np.ones(3)
    assert found(lambda X, W, b: X @ W + b, X, W, b, late=lambda: True) == ["X0 X1 W0 W1 b0"]


def test_what_is_put_together_grows_with_its_parts() -> None:
    """Of 2 and 3 entries beside each other there are 5, and 3 of what slides over 5 in windows of 3."""
    beside = found(lambda X, W, b: np.r_[X, W] @ b, np.ones(2), np.ones(3), np.ones(5))
    assert beside == ["W0 b0", "X0 b0"]

    def sliding(X: Any, W: Any, b: Any) -> None:
        if len(b) != len(X) - len(W) + 1:
            raise ValueError

    assert found(sliding, np.ones(6), np.ones(3), np.ones(4)) == ["X0 W0", "X0 b0"]
