"""Find the cases of a module, a package with all its submodules, or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from gradcheck.verify.case import Case
from gradcheck.verify.importing import module_of, resolved
from gradcheck.verify.mishap import traceback

__tracebackhide__ = True  # pytest shows the line where it was asked for


@dataclass(frozen=True)
class Broken:
    """A place where cases could not be had: a module that cannot be imported, a ``cases()`` that raises."""

    name: str
    problem: str
    traceback: str


Found = Case | Broken


def collect(targets: Sequence[str | ModuleType]) -> list[Found]:
    """Every case of every target, in the order of the source, each object once, each file once.

    A case is a module-level `Case`, an item of a module-level list or tuple of them, or what the module's
    function ``cases()`` returns. What cannot be imported or called comes back as `Broken`, in its place.

    Raises
    ------
    UnknownTarget
        Before anything is imported, if there is no such module or file.
    """
    found: list[Found] = []
    seen: set[int] = set()
    read: set[Path] = set()
    given = [target if isinstance(target, ModuleType) else resolved(target) for target in targets]
    for target in dict.fromkeys(given):
        if target in read:
            continue
        for source in _modules(target):
            found += [source] if isinstance(source, Broken) else _cases(source, seen)
            if file := getattr(source, "__file__", None):
                read.add(Path(file).resolve())
    return found


def _modules(target: str | Path | ModuleType) -> Iterator[ModuleType | Broken]:
    """The target and, for a package, everything in it; ``__main__`` excepted, which would run."""
    try:
        module = target if isinstance(target, ModuleType) else module_of(target)
    except (Exception, SystemExit) as error:  # a script without ``if __name__ == "__main__"`` may end
        yield Broken(str(target), f"{target} cannot be imported: {_said(error)}", traceback(error))
        return
    yield module
    for child in iter_modules(getattr(module, "__path__", ())):
        if child.name != "__main__":
            yield from _modules(f"{module.__name__}.{child.name}")


def _cases(module: ModuleType, seen: set[int]) -> Iterator[Found]:
    for value in list(vars(module).values()):
        yield from _new(value if isinstance(value, list | tuple) else [value], seen)
    function = getattr(module, "cases", None)
    if not callable(function) or isinstance(function, Case) or id(function) in seen:
        return
    seen.add(id(function))
    name, wanted = f"{module.__name__}.cases()", "cases() should return a list of Case objects, and returned"
    try:
        returned = function()
        listed = list(returned) if isinstance(returned, Iterable) else None
    except (Exception, SystemExit) as error:
        yield Broken(name, f"cases() raised {_said(error)}", traceback(error))
        return
    if listed is None:
        yield Broken(name, f"{wanted} {returned!r}", "")
        return
    yield from _new(listed, seen)
    if strangers := [item for item in listed if not isinstance(item, Case)]:
        yield Broken(name, f"{wanted} also {strangers[0]!r}", "")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _new(values: Sequence[object], seen: set[int]) -> Iterator[Case]:
    for value in values:
        if isinstance(value, Case) and id(value) not in seen:
            seen.add(id(value))
            yield value
