"""Tests of pytest over shapes and precisions that are written as words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from gradcheck.dimensions.drawing import lengths_of, point_of
from gradcheck.dimensions.shape import ANY, Shape, names, shape_of

__tracebackhide__ = True  # pytest shows the line where it was asked for


def shapes(*, dtype: Any = "float64", seed: int = 0, **given: Any) -> Any:
    """Give a test arrays of these shapes, once for every choice of the lengths and precisions.

    ::

        @gradcheck.shapes(X="n d", W="d h", n=[1, 3, 8], d=[1, 4], dtype=["float64", "float32"])
        def test_linear(X, W):
            gradcheck.check_vjp(linear, linear_vjp, X, W)

    runs it twelve times. ``-k "n3 and float32"`` chooses among them.

    Parameters
    ----------
    dtype
        The precision of arrays of floats, or several to try.
    seed
        Of the entries, which are random.
    given
        ``X="n d"`` gives the test an argument ``X``: equal names are equal lengths; as for `explore`, also ``"3 4*h"``,
        ``"... d"`` for two axes before d, ``"int n < v"`` for indices below v, ``"bool n"`` for a mask and ``""`` for a
        number. ``n=3`` or ``n=[1, 3]`` is how long an axis is; one that is not given gets a small length that no other
        has.

    Raises
    ------
    TypeError, ValueError
        A shape is none, a length is none or of no axis, a precision is none.
    """
    import pytest

    parsed = {name: shape_of(name, text) for name, text in given.items() if isinstance(text, str)}
    if not parsed:
        raise TypeError(
            'shapes() takes a shape for each argument of the test, as in shapes(X="n d", n=[1, 3])'
        )
    lengths = {name: _lengths(name, value, parsed) for name, value in given.items() if name not in parsed}
    several = dtype if isinstance(dtype, list | tuple) else [dtype]
    precisions = [precision_of(one, "shapes() got dtype=") for one in several]
    points = [
        pytest.param(*_point(parsed, dims, one, seed), id=_id(dims, one))
        for dims, one in product(_choices(lengths), precisions)
    ]
    return pytest.mark.parametrize(tuple(parsed), points)


def _lengths(name: str, value: Any, shapes: Mapping[str, Shape]) -> list[int]:
    known = [axis for axis in names(shapes) if axis != ANY]
    if name not in known:
        raise ValueError(
            f"shapes() got {name}={value!r}, and no shape has an axis {name}; the axes are {', '.join(known) or 'none'}"
        )
    chosen = [value] if isinstance(value, int) else value
    whole = isinstance(chosen, Sequence) and all(type(one) is int and one >= 0 for one in chosen)
    if not (whole and chosen):
        raise TypeError(f"shapes() got {name}={value!r}; write a length or several, as in {name}=[1, 3]")
    return list(dict.fromkeys(chosen))


def precision_of(dtype: Any, got: str) -> str:
    """The name of a precision of floats.

    Raises
    ------
    ValueError
        It is none; the message begins with what we ``got``.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(bool)
    if found.kind != "f":
        raise ValueError(f"{got}{dtype!r}, which is no precision of floats, as float64 and float32 are")
    return str(found.name)


def _choices(lengths: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    for chosen in product(*lengths.values()):
        yield dict(zip(lengths, chosen, strict=True))


def _point(shapes: Mapping[str, Shape], dims: Mapping[str, int], dtype: str, seed: int) -> list[Any]:
    generator = np.random.default_rng(seed)
    drawn = point_of(shapes, lengths_of(shapes, dims, generator), generator, dtype)
    return list(drawn.values())


def _id(dims: Mapping[str, int], dtype: str) -> str:
    return "-".join([*(f"{name}{length}" for name, length in dims.items()), dtype])
