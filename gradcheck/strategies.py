"""Hypothesis strategies for arrays and points, simplest first: small axes, round numbers, plain memory.

Needs Hypothesis: ``pip install "gradcheck[explore]"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from gradcheck.ask import trees as tree
from gradcheck.dimensions.shape import ANY, Shape, counted, names, shape_of

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover
    raise ImportError('gradcheck.strategies needs Hypothesis: pip install "gradcheck[explore]"') from error

VALUES = ("round", "general", "ties", "zeros", "ones", "tiny", "huge", "mixed")
"""How entries are drawn: quarters, normal, few distinct, ..., over eight orders of magnitude."""

LAYOUTS = ("C", "Fortran", "strided", "reversed", "read-only", "broadcast")
"""How arrays lie in memory."""

_ENTRIES = 48
"""Entries that are drawn one by one, to shrink each; more come from a seed."""

_LARGE = (17, 33)
"""Lengths that code which works in blocks treats in several."""


def arrays(
    shape: int | tuple[int, ...],
    dtype: Any = np.float64,
    values: str | None = None,
    gap: float = 0.0,
) -> st.SearchStrategy[np.ndarray]:
    """Arrays of floats.

    Parameters
    ----------
    values
        One of `VALUES`; None for any.
    gap
        Entries keep so far from 0 and from each other: away from the kinks of relu, abs and max.
    """
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    chosen = st.sampled_from(VALUES[:2] if gap else VALUES) if values is None else st.just(values)
    return chosen.flatmap(lambda kind: _entries(lengths, kind)).map(
        lambda array: _apart(array, gap).astype(dtype)
    )


@st.composite
def trees(
    draw: Any, shapes: Any, dtype: Any = np.float64, values: str | None = None, gap: float = 0.0
) -> Any:
    """Lists, tuples and dicts of arrays, as parameters are kept: ``trees({"W": "d h", "b": "h"})``.

    Parameters
    ----------
    shapes
        A tree of shapes as for `gradcheck.explore`: equal names are equal lengths, of 1 to 5. What is no string is
        passed on as it is.
    dtype, values, gap
        Of the arrays of floats, as for `arrays`; indices and masks have their own.

    Raises
    ------
    ValueError
        A shape is none.
    """
    parsed = {
        path: shape_of(tree.name("tree", path), text)
        for path, text in tree.leaves(shapes)
        if isinstance(text, str)
    }
    dims = draw(_dims(names({str(path): shape for path, shape in parsed.items()}), empty=False))

    def drawn(path: tree.Path, leaf: Any) -> Any:
        shape = parsed.get(path)
        if shape is None:
            return leaf
        if shape.kind == "float":
            array = draw(arrays(shape.lengths(dims), dtype, values, gap))
            return array if array.ndim else array[()]
        return draw(_argument(shape, dims, "float64", "general", "any"))

    return tree.map_leaves(drawn, shapes)


def _entries(shape: tuple[int, ...], kind: str) -> st.SearchStrategy[np.ndarray]:
    size = int(np.prod(shape))
    if kind in ("zeros", "ones"):
        return st.just(np.full(shape, float(kind == "ones")))
    if kind == "round" and size <= _ENTRIES:
        quarters = st.lists(st.integers(-8, 8), min_size=size, max_size=size)
        return quarters.map(lambda drawn: (np.array(drawn, dtype=np.float64) / 4.0).reshape(shape))
    return st.integers(0, 2**16).map(lambda seed: _drawn(shape, kind, seed))


def _drawn(shape: tuple[int, ...], kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(shape)
    if kind == "round":
        return np.asarray(np.round(4.0 * normal) / 4.0)
    if kind == "ties":
        return np.asarray(rng.integers(-1, 2, shape).astype(np.float64))
    scale = {"tiny": 1e-6, "huge": 1e3}.get(kind, 1.0)
    return np.asarray(normal * (10.0 ** rng.uniform(-4, 4, shape) if kind == "mixed" else scale))


def _apart(array: np.ndarray, gap: float) -> np.ndarray:
    """The same order of entries, each at least ``gap`` from 0 and from the next."""
    if not gap or not array.size:
        return array
    flat = array.ravel()
    order = np.argsort(flat, kind="stable")
    result = np.empty_like(flat)
    last = -np.inf
    for index in order:
        value = max(float(flat[index]), last + gap)
        if abs(value) < gap:
            value = gap if value >= 0.0 or last > -2.0 * gap else -gap
        result[index] = last = value
    return result.reshape(array.shape)


@dataclass(frozen=True)
class At:
    """A point that was drawn: the arguments, and what is special about it."""

    args: dict[str, Any]
    dims: dict[str, int]
    dtype: str
    values: str
    layout: str
    index: str = "any"


@st.composite
def points(
    draw: Any,
    shapes: Mapping[str, Any],
    dtypes: tuple[str, ...] = ("float64", "float32"),
    values: tuple[str, ...] = VALUES,
    layouts: tuple[str, ...] = LAYOUTS,
    empty: bool = True,
) -> At:
    """Points for a function of arguments with these shapes; what is no string is passed on as it is."""
    parsed = {name: shape_of(name, text) for name, text in shapes.items() if isinstance(text, str)}
    dims = draw(_dims(names(parsed), empty))
    dtype, kind = draw(st.sampled_from(dtypes)), draw(st.sampled_from(("round", "general", *values)))
    layout = draw(st.sampled_from(("C", *layouts)))
    index = draw(st.sampled_from(("any", "repeated", "missing")))
    args = {
        name: draw(_argument(parsed[name], dims, dtype, kind, index)) if name in parsed else given
        for name, given in shapes.items()
    }
    if layout == "broadcast":
        args |= {name: _one_row(args[name]) for name in parsed}
    return At(args, dims, dtype, kind, layout, index)


@st.composite
def _dims(draw: Any, named: tuple[str, ...], empty: bool) -> dict[str, int]:
    """Small axes; then, perhaps, all of them equal, or one of them long or empty."""
    if ANY in named:
        named = counted(named, draw(st.integers(0, 2)))
    dims = {name: draw(st.integers(1, 5)) for name in named}
    special = draw(st.sampled_from(("small", "small", "equal", "long", *(("empty",) if empty else ()))))
    if named and special in ("long", "empty"):
        dims[draw(st.sampled_from(named))] = draw(st.sampled_from(_LARGE)) if special == "long" else 0
    return dict.fromkeys(named, dims[named[0]]) if named and special == "equal" else dims


def _argument(
    shape: Shape, dims: Mapping[str, int], dtype: str, kind: str, index: str
) -> st.SearchStrategy[Any]:
    lengths = shape.lengths(dims)
    if shape.kind == "bool":
        return st.integers(0, 2**16).map(lambda seed: np.random.default_rng(seed).random(lengths) < 0.6)
    if shape.kind == "int":
        assert shape.below is not None
        most = shape.below.length(dims)
        return st.integers(0, 2**16).map(lambda seed: _indices(lengths, most, index, seed))
    if not lengths:
        scalar = float if dtype == "float64" else np.dtype(dtype).type
        return _entries((1,), kind).map(lambda drawn: scalar(drawn[0]))
    return _entries(lengths, kind).map(lambda drawn: drawn.astype(dtype))


def _one_row(value: Any) -> Any:
    """The first row of an array in the place of all."""
    return np.repeat(value[:1], len(value), axis=0) if isinstance(value, np.ndarray) and value.ndim else value


def _indices(lengths: tuple[int, ...], most: int, index: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if most == 0:
        return np.zeros((0,) * len(lengths), dtype=np.intp)
    most = max(1, most - 1) if index == "missing" else most
    drawn = rng.integers(0, most, lengths)
    if index == "repeated":
        drawn[...] = drawn // 2
    return np.asarray(drawn)


def taking(function: Callable[..., Any], layout: str, count: int) -> Callable[..., Any]:
    """``function``, given its last ``count`` arguments laid out in memory by ``layout``.

    What comes before them (a cotangent, tangents) is passed on as it is.
    """

    @wraps(function)
    def laid(*given: Any) -> Any:
        first = len(given) - count
        return function(
            *given[:first],
            *(
                laid_out(arg, layout) if type(arg) is np.ndarray and arg.ndim else arg
                for arg in given[first:]
            ),
        )

    return laid


def laid_out(array: np.ndarray, layout: str) -> np.ndarray:
    """The same entries, laid out otherwise; broadcast where all rows are equal."""
    if layout == "Fortran":
        return np.asfortranarray(array)
    if layout == "strided":
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
        return array
    if layout == "broadcast" and (array == array[:1]).all():
        return np.broadcast_to(array[:1].copy(), array.shape)
    return array
