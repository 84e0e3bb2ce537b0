"""Trying what one point cannot show: other shapes, precisions, memory and values, down to the smallest that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from keyword import iskeyword
from typing import Any

from gradcheck.ask import trees
from gradcheck.dimensions.shape import shape_of
from gradcheck.dimensions.shaped import precision_of
from gradcheck.exploration.asked import Asked
from gradcheck.exploration.found import Exploration, ExplorationFailed
from gradcheck.exploration.search import Search
from gradcheck.findings import Verdict
from gradcheck.verify.case import CHECKS

__tracebackhide__ = True


def explore(
    f: Callable[..., Any],
    claim: Callable[..., Any],
    shapes: Mapping[str, Any],
    kind: str = "grad",
    *,
    argnums: int | tuple[int, ...] | None = None,
    allow: float | Mapping[str, float] | None = None,
    seconds: float = 20.0,
    most: int = 2000,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    empty: bool = True,
    seed: int = 0,
    raise_on_failure: bool = True,
) -> Exploration:
    """Check ``claim`` at points of many shapes, precisions, memory layouts and values.

    Parameters
    ----------
    f, claim
        As the check of this kind takes them.
    shapes
        What each argument is, in their order: ``{"W": "d h", "X": "n d"}``, where equal names are equal lengths;
        ``"3 4*h"``, ``"... d"`` for any axes before d, ``"int n < v"`` for indices below v, ``"bool n"`` for a mask,
        ``""`` for a number; what is no string is passed on as it is.
    kind
        "grad", "vjp", "jvp", "jacobian", "hessian", "hvp", or "layer" for forward and backward.
    argnums, allow
        As for the check; None for all arguments of floats, and for no deviation that is meant.
    seconds
        How long to look; a failure is shrunk for as long again at the most.
    most
        Points at the most.
    dtypes
        Precisions to try.
    empty
        Whether an axis may be empty, where f takes that.

    Raises
    ------
    ExplorationFailed
        A point fails.
    ImportError
        Hypothesis is not installed (``pip install "gradcheck[explore]"``).
    ValueError, TypeError
        ``kind``, a shape or a precision is none; an argument is a tree of strings.
    """
    if kind not in CHECKS:
        raise ValueError(f"kind={kind!r} is none of {', '.join(CHECKS)}")
    for name, function in (("f", f), ("claim", claim)):
        if not callable(function):
            raise TypeError(f"{name} must be callable, got {name}={function!r}")
    if not isinstance(shapes, Mapping) or not all(map(_is_name, shapes)):
        raise TypeError(
            f"shapes must map each argument's name to its shape, as in {{'X': 'n d'}}, got shapes={shapes!r}"
        )
    if isinstance(dtypes, str) or not dtypes:
        raise TypeError(f"dtypes must be a tuple of names, as in ('float64',), got dtypes={dtypes!r}")
    if not (isinstance(seconds, float | int) and seconds > 0 and isinstance(most, int) and most > 0):
        raise ValueError(
            f"seconds must be a positive number and most a whole one, got seconds={seconds!r}, most={most!r}"
        )
    for name, given in shapes.items():
        trees.must_end(f"shapes[{name!r}]", given)
        if isinstance(given, str):
            shape_of(name, given)  # what is no shape is said before anything is drawn
        elif (held := [leaf for _, leaf in trees.leaves(given)]) and all(
            isinstance(leaf, str) for leaf in held
        ):
            raise TypeError(
                f"shapes[{name!r}] = {given!r} holds strings alone. Are they shapes? explore draws arrays, so "
                "give each an argument of its own, and let f and claim make the tree of them; are they settings? Let f "
                "and claim have them from outside"
            )
    from gradcheck.strategies import points

    precisions = tuple(precision_of(one, "dtypes holds ") for one in dtypes)
    search = Search(Asked(f, claim, dict(shapes), kind, {"argnums": argnums, "allow": allow}), seconds)
    search.run(points(dict(shapes), dtypes=precisions, empty=empty), most, seed)
    found = search.found()
    if raise_on_failure and found.verdict is Verdict.FAIL:
        raise ExplorationFailed(found)
    return found


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not iskeyword(name)
