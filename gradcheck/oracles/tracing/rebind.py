"""The user's function with its names bound to stand-ins, for the length of one trace.

A function's code is left as it is; what changes is a copy of the namespace in which its names are looked up.
Functions, objects and modules that it reaches by name are treated in the same way, so that helpers are traced
as well. The originals are never touched: objects are shadowed by copies, whose attributes of traced values end
with the trace.
"""

from __future__ import annotations

import builtins
import functools
import math
import sys
from collections import deque
from collections.abc import Callable, Mapping
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import autograd.numpy as anp
import numpy as np

from gradcheck.ask.whose import is_librarys
from gradcheck.oracles.tracing import standins
from gradcheck.oracles.tracing.array import Constant

_LIBRARIES = ("numpy", "scipy", "autograd", "gradcheck.oracles.tracing")
_TESTING = frozenset({"pytest", "_pytest", "pluggy", "xdist", "execnet", "hypothesis"})
"""What an assert in a test names, and all that hangs on it: a copy of a worker's channel would close the channel."""
_STANDARD = (sys.stdlib_module_names - {"__main__", "math"}) | _TESTING
_SIMPLE = (int, float, str, bytes, bool, type(None))
_PLAIN = frozenset(_SIMPLE)


class Rebinding:
    """One trace's view of the user's names.

    ``needs_boxes``: the code differentiates with autograd itself, which knows its own boxes only.
    """

    def __init__(self) -> None:
        self.needs_boxes = False
        self._made: dict[int, Any] = {}
        self._kept: list[Any] = []  # ids are good while their objects live
        self._spaces: dict[int, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {}
        self._containers: list[tuple[Any, dict[Any, Any], Any]] = []
        self._shadows: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = []
        self._cells: list[tuple[CellType, CellType]] = []

    def __call__(self, value: Any) -> Any:
        """``value`` as the traced function should see it; itself where nothing in it needs a stand-in."""
        if isinstance(value, _SIMPLE):
            return value
        if id(value) not in self._made:
            self._kept.append(value)
            self._made[id(value)] = value  # for cycles
            self._made[id(value)] = self._make(value)
        return self._made[id(value)]

    def write_back(self) -> None:
        """Hand numbers and strings that changed (counters, mostly) on to the originals, and let go of the stand-ins."""
        for original, before, after in [*self._spaces.values(), *self._shadows]:
            for name, new in after.items():
                # by type, not isinstance: a traced number says that it is a float
                if type(new) in _PLAIN and new is not before.get(name, new if name in before else self):
                    original[name] = new
        for container, seen, copy in self._containers:
            _hand_back(container, seen, copy)
        self._let_go()

    def _let_go(self) -> None:
        """Make what stands in for something what it stands for, for whoever kept it; then forget it."""
        for original, before, space in self._spaces.values():
            for name in before:
                space.pop(name, None)
            space.update({name: original[name] for name in before if name in original})
        for original, _, shadow in self._shadows:
            shadow.clear()
            shadow.update(original)
        for cell, copy in self._cells:
            copy.cell_contents = cell.cell_contents
        for container, _, copy in self._containers:
            copy.clear()
            copy.update(container) if isinstance(copy, dict) else copy.extend(container)
        self._made.clear()
        self._kept.clear()

    def _make(self, value: Any) -> Any:
        if id(value) in standins.by_object:
            return standins.by_object[id(value)]
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, ModuleType):
            return self._module(value)
        if standins.is_numpy_function(value):
            return standins.by_object.get(id(value)) or standins.front(value)
        if isinstance(value, MethodType):
            return MethodType(self(value.__func__), self(value.__self__))
        if isinstance(value, functools.partial):
            return functools.partial(self(value.func), *map(self, value.args), **self._dict(value.keywords))
        if isinstance(value, functools._lru_cache_wrapper):
            return self(value.__wrapped__)
        if isinstance(value, np.vectorize):
            return standins.Vectorize(self(value.pyfunc), value.otypes)
        if type(value) is np.ndarray and value.dtype.kind in "fciub":
            constant = value.view(Constant)
            constant.flags.writeable = False
            return constant
        if type(value) is tuple:
            items = tuple(self(item) for item in value)
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self, value))
        # what may be written into is copied: a traced value must not end in the user's own list or dict
        if type(value) in (list, deque):
            self._made[id(value)] = copy = value.copy()
            copy.clear()
            copy.extend([self(item) for item in value])
            self._containers.append((value, dict(enumerate(copy)), copy))
            return copy
        if type(value) is dict:
            self._made[id(value)] = copies = {}
            copies.update({key: self(item) for key, item in value.items()})
            self._containers.append((value, dict(copies), copies))
            return copies
        if isinstance(value, type):
            return self._subclass(value) if _is_plain(value) else value
        return self._shadow(value) if hasattr(value, "__dict__") and _is_plain(type(value)) else value

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        items = {key: self(item) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in value) else value

    def _module(self, module: ModuleType) -> Any:
        if module.__name__ in ("autograd.numpy", "autograd.numpy.linalg", "autograd.numpy.fft"):
            return self(getattr(np, module.__name__.removeprefix("autograd.numpy").strip("."), np))
        if module.__name__.split(".")[0] == "autograd":
            self.needs_boxes = True
        if module.__name__.startswith("numpy.random") or _is_standard(module.__name__):
            return module
        if module.__name__.startswith("scipy.special"):
            _know_scipy()
        return Names(module, self)

    def _function(self, function: FunctionType) -> Any:
        if function.__code__.co_filename.startswith(_AUTOGRAD):
            raw = getattr(function, "fun", None)
            if isinstance(raw, FunctionType) and not (raw.__module__ or "").startswith(_LIBRARIES):
                return self(raw)  # a primitive of the user's own: its rule is among the accused
            twin = getattr(np, function.__name__, None)
            if twin is None or getattr(anp, function.__name__, None) is not function:
                self.needs_boxes = True
                return function
            return self(twin)
        module = function.__module__ or ""
        if _is_users(module):
            return self._rebound(function)
        if module.startswith("scipy.special"):
            _know_scipy()
            return standins.by_object.get(id(function), function)
        is_numpys = not _is_standard(module) and standins.is_numpy_function(function)
        return standins.front(function) if is_numpys else function

    def _rebound(self, function: FunctionType) -> FunctionType:
        original, before, space = self._space(function.__globals__)
        cells = function.__closure__ or ()
        itself = next((cell for cell in cells if _holds(cell, function)), None)
        if itself is not None and id(itself) not in self._made:
            # or what it writes into its attributes were written into the original's
            self._kept.append(itself)
            self._made[id(itself)] = CellType(function)
        closure = tuple([self._cell(cell) for cell in cells])
        new = FunctionType(function.__code__, space, function.__name__, None, closure)
        self._made[id(function)] = new
        if itself is not None:
            self._made[id(itself)].cell_contents = new
            self._cells.append((itself, self._made[id(itself)]))
        if function.__kwdefaults__:
            new.__kwdefaults__ = self._dict(function.__kwdefaults__)
        if function.__defaults__:
            new.__defaults__ = self(function.__defaults__)
        new.__module__, new.__qualname__ = function.__module__, function.__qualname__
        if vars(function):  # its counter, its derivative
            vars(new).update({name: self(item) for name, item in vars(function).items()})
            self._shadows.append((vars(function), dict(vars(function)), vars(new)))
        for name in _names(function.__code__):
            if name in before:
                continue
            if name in original:
                before[name] = original[name]
                space[name] = self(original[name])
            elif (stand := self._builtin(getattr(builtins, name, None))) is not None:
                space[name] = before[name] = stand
        return new

    def _builtin(self, function: Any) -> Any:
        """What stands for a builtin function; None where it stays."""
        return standins.by_object.get(id(function))

    def _space(self, original: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if id(original) not in self._spaces:
            self._spaces[id(original)] = (original, {}, dict(original))
        return self._spaces[id(original)]

    def _cell(self, cell: CellType) -> CellType:
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet
            return cell
        if id(cell) not in self._made:
            self._kept.append(cell)
            self._made[id(cell)] = fresh = CellType(content)
            new = self(content)
            fresh.cell_contents = new
            if new is content:
                self._made[id(cell)] = cell
            else:
                self._cells.append((cell, fresh))
        return self._made[id(cell)]  # type: ignore[no-any-return]

    def _subclass(self, kind: type) -> type:
        """The class with methods that see stand-ins; what it makes is of the original class as well."""
        bases = [self(base) for base in kind.__bases__]
        rebound = [new for new, base in zip(bases, kind.__bases__, strict=True) if new is not base]
        made = type(kind.__name__, (*rebound, kind), {"__module__": kind.__module__})
        self._made[id(kind)] = made  # its methods name it: super()
        for name, member in vars(kind).items():
            if isinstance(member, FunctionType | staticmethod | classmethod | property):
                setattr(made, name, self._member(member))
        return made

    def _shadow(self, value: Any) -> Any:
        shadow: Any = object.__new__(self(type(value)))
        self._made[id(value)] = shadow
        shadow.__dict__.update({name: self(item) for name, item in vars(value).items()})
        self._shadows.append((vars(value), dict(vars(value)), vars(shadow)))
        return shadow

    def _member(self, member: Any) -> Any:
        if isinstance(member, property):
            return property(*(part and self(part) for part in (member.fget, member.fset, member.fdel)))
        if isinstance(member, staticmethod | classmethod):
            return type(member)(self(member.__func__))
        return self(member)


def _hand_back(container: Any, seen: dict[Any, Any], copy: Any) -> None:
    """Make of a container what the traced function made of its copy, unless a traced value would stay in it."""
    originals = {id(item): container[key] for key, item in seen.items()}
    now = dict(copy.items() if isinstance(copy, dict) else enumerate(copy))
    if not all(type(item) in _PLAIN or id(item) in originals for item in now.values()):
        return
    made = {key: originals.get(id(item), item) for key, item in now.items()}
    old = dict(container.items() if isinstance(container, dict) else enumerate(container))
    if old.keys() == made.keys() and all(old[key] is item for key, item in made.items()):
        return
    if isinstance(container, dict):
        container.clear()
        container.update(made)
    else:
        container.clear()
        container.extend(made.values())


class Meeting(Rebinding):
    """The user's names, float arrays seen as another kind, some functions of NumPy's and Python's ``instead``."""

    def __init__(
        self, seen: Callable[[Any], Any], instead: Mapping[Any, Callable[..., Any]] | None = None
    ) -> None:
        super().__init__()
        self._seen, self._instead = seen, instead or {}

    def _builtin(self, function: Any) -> Any:
        return self._instead.get(function) if callable(function) else None  # ``__dict__`` is no function

    def _make(self, value: Any) -> Any:
        if type(value) is np.ndarray:
            return self._seen(value) if value.dtype.kind in "fc" else value
        if isinstance(value, FunctionType):
            if value in self._instead:
                return self._instead[value]
            return self._rebound(value) if _is_met(value.__module__ or "") else value
        if (value is np or value is math) and self._instead:
            return Names(value, self)
        if isinstance(value, ModuleType | np.vectorize) or standins.is_numpy_function(value):
            return self._instead.get(value, value)
        if id(value) in standins.by_object:
            return self._instead.get(value, value)
        return super()._make(value)


class Names:
    """A module whose attributes are seen through a `Rebinding`."""

    def __init__(self, module: ModuleType, rebinding: Rebinding) -> None:
        self.__dict__["_source"] = module, rebinding

    def __getattr__(self, name: str) -> Any:
        module, rebinding = self.__dict__["_source"]
        value = rebinding(getattr(module, name))
        self.__dict__[name] = value
        return value


_AUTOGRAD = anp.__file__.removesuffix("__init__.py").removesuffix("/").removesuffix("numpy")


def _know_scipy() -> None:
    from gradcheck.oracles.tracing import scipy_calls

    del scipy_calls


def _holds(cell: CellType, content: Any) -> bool:
    try:
        return cell.cell_contents is content
    except ValueError:  # not bound yet
        return False


@functools.lru_cache(maxsize=1024)
def _names(code: CodeType) -> frozenset[str]:
    """All names that the code and the functions defined in it look up."""
    inner = (_names(part) for part in code.co_consts if isinstance(part, CodeType))
    return frozenset(code.co_names).union(*inner)


@functools.lru_cache(maxsize=1024)
def _is_users(module: str) -> bool:
    """Whether what is defined in a module is bound anew: not Python's own, nor a library's with rules of its own."""
    return not (_is_standard(module) or module.startswith(_LIBRARIES))


def _is_met(module: str) -> bool:
    """Whether a run meets what is defined in a module; a compiler such as JAX does not know the arrays of a run."""
    return _is_users(module) and not is_librarys(module)


def _is_standard(module: str) -> bool:
    # Python's own library works on whatever it is given; only math turns it into plain numbers
    return module.split(".")[0] in _STANDARD


def _is_plain(kind: Any) -> bool:
    """Whether a class of the user's makes objects that are what their ``__dict__`` holds, and no more."""
    return bool(
        kind.__new__ is object.__new__
        # no C struct, no slots
        and kind.__basicsize__ == Rebinding.__basicsize__
        and not any(vars(base).get("__slots__") for base in kind.__mro__)
        and type(kind).__module__ in ("builtins", "abc")
        and not kind.__module__.startswith(_LIBRARIES)
        and not _is_standard(kind.__module__)
        and not isinstance(kind.__init_subclass__, MethodType)  # a registry of subclasses must not grow
    )


def rebind(f: Callable[..., Any]) -> tuple[Callable[..., Any], Rebinding]:
    """``f`` with its names bound to stand-ins, and what was rebound."""
    rebinding = Rebinding()
    return rebinding(f), rebinding
