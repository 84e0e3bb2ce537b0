"""Where an object keeps its arrays: attributes, dicts, lists, objects inside it, and what its methods hand out."""

from __future__ import annotations

import inspect
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask.whose import is_open

_LONG = 2048
"""A list of more plain numbers is data, not one parameter an entry."""

_MOST = 20_000
"""Objects that are looked into: a layer that leads to more of them leads out of itself (to a logger, a data base)."""


@dataclass(frozen=True)
class Attribute:
    """``value.name``."""

    name: str

    def of(self, value: Any) -> Any:
        """The attribute."""
        return getattr(value, self.name)

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True)
class Item:
    """``value[key]``."""

    key: Any

    def of(self, value: Any) -> Any:
        """The item."""
        return value[self.key]

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True)
class Call:
    """``value.name()``, a list of what it yields where it is a generator."""

    name: str

    def of(self, value: Any) -> Any:
        """What the method returns."""
        return _listed(getattr(value, self.name)())

    def __str__(self) -> str:
        return f".{self.name}()"


@dataclass(frozen=True)
class Property(Call):
    """``value.name``, which a property of this name returns."""

    def of(self, value: Any) -> Any:
        """What the property returns."""
        return _listed(getattr(value, self.name))

    def __str__(self) -> str:
        return f".{self.name}"


def _listed(given: Any) -> Any:
    return list(given) if inspect.isgenerator(given) or isinstance(given, map | zip | filter) else given


Step = Attribute | Item | Call

Place = tuple[Step, ...]
"""The steps from an object to one of its arrays."""


def is_handed_out(place: Place) -> bool:
    """Whether a method or property on the way makes what is there: another array cannot be put into it."""
    return any(isinstance(step, Call) for step in place)


def spelled(place: Place) -> str:
    """The place as Python has it: ``layers[0].grads['dW']``."""
    return "".join(map(str, place)).removeprefix(".")


_STEP = re.compile(r"\.?([A-Za-z_]\w*)(\(\))?|\[(-?\d+)\]|\[(['\"])(.*?)\4\]")


def place_of(text: str) -> Place:
    """The place that ``text`` spells.

    Raises
    ------
    ValueError
        It spells none.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text) or not text:
        found = _STEP.match(text, position)
        if found is None:
            raise ValueError(
                f"{text!r} names no place: write attributes, keys and indices, like layers[0].params['W']"
            )
        name, called, number, quote, key = found.groups()
        steps.append((Call if called else Attribute)(name) if name else Item(key if quote else int(number)))
        position = found.end()
    return tuple(steps)


def get(root: Any, place: Place) -> Any:
    """What is kept there.

    Raises
    ------
    AttributeError, LookupError, TypeError
        There is no such place.
    """
    for step in place:
        root = step.of(root)
    return root


def found(root: Any, place: Place) -> Any:
    """What is kept there, None where there is no such place."""
    try:
        return get(root, place)
    except (AttributeError, LookupError, TypeError):
        return None


def put(root: Any, place: Place, value: Any) -> None:
    """Keep ``value`` there; a tuple on the way is made anew."""
    way, last = place[:-1], place[-1]
    holder = get(root, way)
    if isinstance(last, Attribute):
        try:
            setattr(holder, last.name, value)
        except (AttributeError, TypeError):  # frozen, or a property above a field of the same name
            object.__setattr__(holder, last.name, value)
    elif isinstance(last, Item) and isinstance(holder, tuple):
        items = [*holder[: last.key], value, *holder[last.key + 1 :]]
        put(root, way, type(holder)(*items) if hasattr(holder, "_fields") else tuple(items))
    elif isinstance(last, Item):
        holder[last.key] = value


def put_as(root: Any, place: Place, value: Any) -> None:
    """Keep ``value`` there as an array of the class, and with the attributes, of the one that is there."""
    old = found(root, place)
    if type(value) is np.ndarray and isinstance(old, np.ndarray) and type(old) is not np.ndarray:
        value = value.view(type(old))
        vars(value).update(getattr(old, "__dict__", {}))
    put(root, place, value)


def arrays(root: Any, handed_out: Callable[[str], bool]) -> Iterator[tuple[Place, Any]]:
    """Every array and number that ``root`` keeps, the nearest first.

    Parameters
    ----------
    handed_out
        Whether a method or property of this name, of an object on the way, is asked for what it returns.
    """
    return ((place, value) for place, value in walk(root, handed_out) if _is_numeric(value))


def walk(root: Any, handed_out: Callable[[str], bool]) -> Iterator[tuple[Place, Any]]:
    """Everything that ``root`` leads to, the nearest first; see `arrays`."""
    queue: deque[tuple[Place, Any]] = deque([((), root)])
    seen: dict[tuple[int, bool], Any] = {}  # the objects too, lest another is made where one was
    while queue and len(seen) < _MOST:
        place, value = queue.popleft()
        yield place, value
        # what a method hands out is looked into where it is kept as well: there it can be set
        key = id(value), is_handed_out(place)
        if key not in seen:
            seen[key] = value
            queue.extend(((*place, step), child) for step, child in _children(value, handed_out))


def _children(value: Any, handed_out: Callable[[str], bool]) -> Iterator[tuple[Step, Any]]:
    if isinstance(value, dict):
        yield from ((Item(key), child) for key, child in value.items())
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            yield from ((Item(index), value[index]) for index in np.ndindex(value.shape))
        yield from ((Attribute(name), child) for name, child in getattr(value, "__dict__", {}).items())
    elif isinstance(value, list | tuple | deque) and not _is_data(value):
        yield from ((Item(number), child) for number, child in enumerate(value))
    if isinstance(value, np.ndarray | np.void):  # the fields of a structured array, or of one row of it
        yield from ((Item(name), value[name]) for name in value.dtype.names or ())
    if is_open(value):
        own = fields(value)
        yield from ((Attribute(name), child) for name, child in own.items())
        for name in filter(handed_out, dir(type(value))):
            step = _handing(name, inspect.getattr_static(value, name))
            if step is not None and name not in own:
                try:
                    yield step, step.of(value)
                except Exception:  # not ready before the first pass, or no such thing as its name says
                    continue


def _is_data(value: Sequence[Any]) -> bool:
    return len(value) > _LONG and all(isinstance(child, float | int) for child in value)


def _handing(name: str, member: Any) -> Call | None:
    """How a method or property is asked for what it hands out; None where it cannot be."""
    if isinstance(member, property):
        return Property(name)
    return Call(name) if inspect.isfunction(member) and _asks_nothing(member) else None


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "OV"
    return isinstance(value, np.floating | float | int) and not isinstance(value, bool)


def fields(value: Any) -> dict[str, Any]:
    """An object's own attributes, those in slots and its class's arrays, floats, flags and containers included."""
    own: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__[:-1]):
        own |= {
            name: child
            for name, child in vars(kind).items()
            if isinstance(child, np.ndarray | dict | list | float | bool) and not name.startswith("__")
        }
        slots = vars(kind).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot in ("__dict__", "__weakref__"):  # a place, but no attribute
                continue
            private = slot.startswith("__") and not slot.endswith("__")
            name = f"_{kind.__name__.lstrip('_')}{slot}" if private else slot
            if hasattr(value, name):
                own[name] = getattr(value, name)
    return own | getattr(value, "__dict__", {})


def _asks_nothing(method: Callable[..., Any]) -> bool:
    """Whether a method takes nothing but its object."""
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        for p in list(inspect.signature(method).parameters.values())[1:]
    )
