"""The checked arguments of f as one flat vector: which leaves, what they are called, where they lie."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.foreign import foreign_array, holds_floats
from gradcheck.ask.trees import Floats
from gradcheck.ask.whose import is_open

MAX_BLOCKS = 8  # names spelled out in an error before "..."


@dataclass(frozen=True)
class Slot:
    """One floating-point leaf of the checked arguments and its place in the flat vector."""

    path: str
    argnum: int
    keys: trees.Path  # from the tuple of arguments: (argnum, key, key, ...)
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    stop: int
    scalar: type | None  # Python float or NumPy scalar type, None for an array

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.stop - self.start


@dataclass(frozen=True)
class Point:
    """Where a derivative is checked.

    Attributes
    ----------
    args
        The arguments: copies of the caller's arrays, never handed to anybody without copying what is checked.
    argnums
        Positions of the checked arguments.
    names
        The name of every argument.
    slots
        The floating-point leaves of the checked arguments.
    x
        Their entries, float64, shape (P,).
    """

    args: tuple[Any, ...]
    argnums: tuple[int, ...]
    names: tuple[str, ...]
    slots: tuple[Slot, ...]
    x: Floats

    def place(self, x: Floats, native: bool = False) -> tuple[Any, ...]:
        """The arguments with the checked leaves taken from ``x``: views of it, float64.

        ``native`` rounds each leaf to its own dtype instead (a copy).
        """
        pieces = {
            slot.keys: _dressed(x[slot.start : slot.stop].reshape(slot.shape), slot, native)
            for slot in self.slots
        }
        return tuple(
            trees.map_leaves(lambda path, leaf: pieces.get(path, leaf), arg, (number,))
            if number in self.argnums
            else arg
            for number, arg in enumerate(self.args)
        )

    def fresh(self, x: Floats) -> tuple[Any, ...]:
        """The arguments at ``x``, each leaf in its own dtype, every array a copy."""
        pieces = {
            slot.keys: _dressed(x[slot.start : slot.stop].reshape(slot.shape), slot, native=True)
            for slot in self.slots
        }

        def taken(path: trees.Path, leaf: Any) -> Any:
            return pieces[path] if path in pieces else trees.copied_leaf(leaf)

        return tuple(trees.map_leaves(taken, arg, (number,)) for number, arg in enumerate(self.args))

    def copied(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """``args`` with every array copied, for a function that is suspected of writing into them."""
        return tuple(map(trees.copied, args))

    def doubled(self) -> Point:
        """The same point with every floating-point array in double precision, data included."""
        return replace(
            self, args=tuple(trees.map_leaves(lambda _, leaf: _double(leaf), arg) for arg in self.args)
        )

    def moved(self, x: Floats) -> Point:
        """The same arguments at another point, each leaf in its own dtype."""
        args = self.place(x, native=True)
        flat = [np.asarray(_at(args, slot.keys), dtype=np.float64).ravel() for slot in self.slots]
        return Point(args, self.argnums, self.names, self.slots, np.concatenate(flat))


class NoEntries(ValueError):
    """What is to be checked holds no entries."""


def _dressed(piece: Floats, slot: Slot, native: bool) -> Any:
    if slot.scalar is float:
        return float(piece)
    if slot.scalar is not None:
        return (slot.dtype.type if native else np.float64)(piece)
    return piece.astype(slot.dtype) if native else piece


def _double(leaf: Any) -> Any:
    small = isinstance(leaf, np.ndarray | np.generic) and leaf.dtype in (np.float32, np.float16)
    return leaf.astype(np.float64) if small else leaf


def _at(tree: Any, keys: trees.Path) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def point(
    function: Callable[..., Any],
    args: Sequence[Any],
    argnums: int | Sequence[int] | None,
    labels: tuple[str, ...] | None = None,
) -> Point:
    """Copy the arguments and lay the checked ones out as a vector.

    They are called by ``labels``, one an argument, or else as ``function`` calls its parameters.

    Raises
    ------
    TypeError
        ``argnums`` is no int or ints, or a chosen argument holds no floating-point leaf.
    ValueError
        ``argnums`` is out of range or repeats itself; nothing floating-point to check; an argument contains itself.
    NoEntries
        The checked leaves hold no entries at all.
    """
    names = labels or argument_names(function, len(args))
    for name, arg in zip(names, args, strict=True):
        trees.must_end(f"argument {name!r}", arg)
    copies = tuple(map(trees.copied, args))
    chosen = _chosen(copies, names, argnums)
    slots: list[Slot] = []
    pieces: list[Floats] = []
    start = 0
    for number in chosen:
        for path, leaf in trees.leaves(copies[number]):
            if not trees.is_floating(leaf):
                continue
            if isinstance(leaf, np.matrix | np.ma.MaskedArray):
                raise TypeError(
                    f"argument {trees.name(names[number], path)!r} is a {type(leaf).__name__}, which has arithmetic of "
                    "its own; pass a plain array (np.asarray(x), with masked entries filled)"
                )
            value = np.asarray(leaf)
            scalar = None if isinstance(leaf, np.ndarray) else float if type(leaf) is float else type(leaf)
            label = trees.name(names[number], path)
            slots.append(
                Slot(
                    label,
                    number,
                    (number, *path),
                    value.shape,
                    value.dtype,
                    start,
                    start + value.size,
                    scalar,
                )
            )
            pieces.append(value.astype(np.float64, copy=False).ravel())
            start += value.size
    if start == 0:
        empty = ", ".join(slot.path for slot in slots)
        raise NoEntries(
            f"nothing to check: {empty} hold(s) no entries (size 0); "
            "pass an argument with at least one entry, or leave the check out"
        )
    return Point(copies, chosen, names, tuple(slots), np.concatenate(pieces))


def argument_names(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """The names of ``count`` positional arguments as ``function`` spells them; ``args[2]`` for ``*args``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # builtins and ufuncs without a signature
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    return tuple([*names, *(f"{variadic}[{number - len(names)}]" for number in range(len(names), count))])


def floating_argnums(args: Sequence[Any]) -> tuple[int, ...]:
    """The arguments that hold at least one floating-point leaf."""
    return tuple(
        number
        for number, arg in enumerate(args)
        if any(trees.is_floating(leaf) for _, leaf in trees.leaves(arg))
    )


def is_list_of_numbers(arg: Any) -> bool:
    """Whether it is what people mean as an array: a list of numbers, or of such lists."""
    return (
        isinstance(arg, list | tuple)
        and bool(arg)
        and all(isinstance(part, int | float) or is_list_of_numbers(part) for part in arg)
    )


def _chosen(
    args: tuple[Any, ...], names: tuple[str, ...], argnums: int | Sequence[int] | None
) -> tuple[int, ...]:
    floating = floating_argnums(args)
    if argnums is None:
        _nothing_unseen(args, names)
        if floating:
            return floating
        what = ", ".join(
            f"{name}: {describe(arg)}" for name, arg in list(zip(names, args, strict=True))[:MAX_BLOCKS]
        )
        _no_complex(args, tuple(map(repr, names)))
        raise TypeError(
            f"no floating-point argument to differentiate with respect to (got {what or 'no arguments'}); "
            "pass floating-point arrays, for example "
            + ("numpy.array(x, dtype=float)" if any(map(is_list_of_numbers, args)) else "x.astype(float)")
        )
    numbers = (
        (argnums,) if isinstance(argnums, int | np.integer) and not isinstance(argnums, bool) else argnums
    )
    if not isinstance(numbers, tuple | list) or not all(
        isinstance(number, int | np.integer) and not isinstance(number, bool) for number in numbers
    ):
        raise TypeError(f"argnums must be an int or a tuple of ints, got argnums={argnums!r}")
    wrapped = tuple(int(number) + len(args) if number < 0 else int(number) for number in numbers)
    if not wrapped:
        raise ValueError("argnums is empty: name at least one argument to check")
    if any(not 0 <= number < len(args) for number in wrapped):
        raise ValueError(
            f"argnums={argnums!r} is out of range: f was given {len(args)} argument(s), 0 to {len(args) - 1}"
        )
    if len(set(wrapped)) < len(wrapped):
        raise ValueError(f"argnums={argnums!r} names an argument twice")
    for number in wrapped:
        if number not in floating:
            _no_complex((args[number],), (f"{names[number]!r} (argnums {number})",))
            known = foreign_array(args[number], names[number])
            if known is not None and holds_floats(args[number]):
                what, plain = known
                raise TypeError(
                    f"argument {names[number]!r} (argnums {number}) is {what}; pass a plain array, {plain}"
                )
            raise TypeError(
                f"argument {names[number]!r} (argnums {number}) is {describe(args[number])}: a derivative needs "
                "floating-point entries; pass it as floats, for example x.astype(float)"
            )
    return wrapped


def _no_complex(args: tuple[Any, ...], names: tuple[str, ...]) -> None:
    for name, arg in zip(names, args, strict=True):
        if any(np.iscomplexobj(leaf) for _, leaf in trees.leaves(arg)):
            raise TypeError(
                f"argument {name} is {describe(arg)}; complex numbers are not supported: make f a function of the real "
                "and the imaginary part, and check the derivatives by both"
            )


def _nothing_unseen(args: tuple[Any, ...], names: tuple[str, ...]) -> None:
    """Raise where an object would be passed over that holds what f may be differentiated by."""
    for name, arg in zip(names, args, strict=True):
        for path, leaf in trees.leaves(arg):
            known = foreign_array(leaf, trees.name(name, path))
            if known is not None and holds_floats(leaf):
                what, plain = known
                raise TypeError(
                    f"argument {trees.name(name, path)!r} is {what}, which would not be checked: pass {plain}, or say "
                    "with argnums= which arguments to check"
                )
            held = [key for key, value in _attributes(leaf).items() if _holds_floats(value)]
            if held:
                raise TypeError(
                    f"argument {trees.name(name, path)!r} is a {type(leaf).__name__} that holds floating-point arrays "
                    f"({', '.join(held[:MAX_BLOCKS])}), which would not be checked: pass them in a dict "
                    f"(vars({name})), or say with argnums= which arguments to check"
                )


def _attributes(leaf: Any) -> dict[str, Any]:
    if not is_open(leaf) or callable(leaf) or hasattr(leaf, "__array__"):
        return {}
    slots = {name: getattr(leaf, name, None) for name in getattr(type(leaf), "__slots__", ())}
    return {**slots, **getattr(leaf, "__dict__", {})}


def _holds_floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def describe(value: Any) -> str:
    """What a value is, in a few words: ``float64 array of shape (3, 2)``."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    if isinstance(value, np.generic):
        return f"{value.dtype} scalar"
    if isinstance(value, tuple | list):
        inner = ", ".join(describe(child) for child in value[:MAX_BLOCKS])
        more = ", ..." if len(value) > MAX_BLOCKS else ""
        return (
            f"{type(value).__name__} of {len(value)} ({inner}{more})"
            if value
            else f"empty {type(value).__name__}"
        )
    if isinstance(value, dict):
        return f"dict with keys {list(value)[:MAX_BLOCKS]}"
    return "None" if value is None else f"{type(value).__name__}"


def step_scale(x: Floats, slots: tuple[Slot, ...]) -> Floats:
    """How far each entry may be expected to move: its own size; where it is 0, a tenth of its leaf's rms or 1."""
    scale = np.abs(x)
    for slot in slots:
        part = scale[slot.start : slot.stop]
        if part.size and not part.all():
            typical = float(np.sqrt(np.mean(np.square(part / (part.max() or 1.0))))) * float(part.max())
            part[part == 0.0] = 0.1 * typical if typical > 0.0 else 1.0
    return scale


def beside(x: Floats, slots: tuple[Slot, ...]) -> Floats:
    """A point so near that f is the same kind of function there, so far that what cancels at ``x`` shows its size."""
    return x + 0.01 * step_scale(x, slots)


def index_of(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an entry of an array of this shape, by its position in C order."""
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
