"""What a kind is: a family of right derivations, drawn by seed, and how they are spoilt."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gradcheck
from gradcheck import Report


@dataclass(frozen=True)
class Sample:
    """One derivation: which check, f, the claim, the arguments, and the exact derivative where that is known.

    ``exact`` is that of the function as mathematics, at these data and arguments, in long double.
    """

    check: str
    f: Callable[..., Any]
    claim: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: int | tuple[int, ...] | None = None
    exact: Callable[..., Any] | None = None

    def report(self, seed: int = 0, **options: Any) -> Report:
        """What the library says of it."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if self.check == "layer":
                return gradcheck.check_layer(
                    (self.f, self.claim), *self.args, seed=seed, raise_on_failure=False, **options
                )
            check = getattr(gradcheck, f"check_{self.check}")
            return check(
                self.f,
                self.claim,
                *self.args,
                argnums=self.argnums,
                seed=seed,
                raise_on_failure=False,
                **options,
            )


@dataclass(frozen=True)
class Kind:
    """A family of right derivations.

    Attributes
    ----------
    name
        ``family/what``.
    precision
        The class its figures belong to: "f64", "f32", "f32 inside", "jax 32 bit", "f16", "bf16", "f8".
    draw
        The right derivation of a seed.
    shows
        Whether a wrong twin can be told from it at all: not where all of the truth is zero, or lost in rounding.
    """

    name: str
    precision: str
    draw: Callable[[int], Sample]
    shows: bool = True


def scaled(sample: Sample, factor: float) -> Sample:
    """The claim times a factor, in its own dtype."""
    return _spoilt(sample, lambda array: array * array.dtype.type(factor))


def one_entry(sample: Sample, factor: float) -> Sample:
    """The entry of the claim that is largest in its first answer, times a factor in every one."""
    places: list[int] = []

    def spoil(array: np.ndarray) -> np.ndarray:
        array = np.array(array)
        if array.size:
            places.append(int(np.argmax(np.abs(array.astype(float)))))
            array.reshape(-1)[places[0]] *= array.dtype.type(factor)
        return array

    return _spoilt(sample, spoil)


def _spoilt(sample: Sample, spoil: Callable[[np.ndarray], np.ndarray]) -> Sample:
    def leaf(value: Any) -> Any:
        return spoil(np.asarray(value))[()]

    def claim(*args: Any) -> Any:
        result = sample.claim(*args)
        if isinstance(result, tuple):
            return (leaf(result[0]), *result[1:])
        return leaf(result)

    return replace(sample, claim=claim)
