"""Find the cases of a module, a package with all its submodules, or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from gradcheck.verify.case import Case
from gradcheck.verify.mishap import traceback


class UnknownTarget(ValueError):
    """A target that is neither a module, nor a package, nor a Python file."""


@dataclass(frozen=True)
class Broken:
    """A place where cases could not be had: a module that cannot be imported, a ``cases()`` that raises."""

    name: str
    problem: str
    traceback: str


Found = Case | Broken


def collect(targets: Sequence[str]) -> list[Found]:
    """Every case of every target, in the order of the source, each object once.

    A case is a module-level `Case`, an item of a module-level list or tuple of them, or what the module's
    function ``cases()`` returns. What cannot be imported or called comes back as `Broken`, in its place.

    Raises
    ------
    UnknownTarget
        Before anything is imported, if there is no such module or file.
    """
    resolved = [_resolve(target) for target in targets]
    found: list[Found] = []
    seen: set[int] = set()
    for target in resolved:
        for source in _modules(target):
            found += [source] if isinstance(source, Broken) else _cases(source, seen)
    return found


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Within the block ``folder`` comes first on the import path, as it does for ``python -m``."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before


def _resolve(target: str) -> str | Path:
    """A module's dotted name, or the path of a file that belongs to no package."""
    path = Path(target)
    if all(part.isidentifier() for part in target.split(".")) and _exists(target):
        return target
    if path.is_dir() and (path / "__init__.py").is_file():
        path = path / "__init__.py"
    if path.is_dir():
        raise UnknownTarget(f"{target} is a folder without __init__.py, not a package: name the files in it")
    if path.suffix == ".py" and path.is_file():
        return path.resolve()
    raise UnknownTarget(f"there is no module, package or file {target!r} (looked in {Path.cwd()} as well)")


def _exists(module: str) -> bool:
    # find_spec imports the parents of a dotted name; a parent that breaks is a finding, not a wrong target
    top, _, rest = module.partition(".")
    if find_spec(top) is None:
        return False
    try:
        return not rest or find_spec(module) is not None
    except ModuleNotFoundError as error:
        return error.name is None or not module.startswith(error.name)
    except Exception:
        return True


def _modules(target: str | Path) -> Iterator[ModuleType | Broken]:
    """The target and, for a package, everything in it; ``__main__`` excepted, which would run."""
    try:
        module = import_module(target) if isinstance(target, str) else _from_file(target)
    except Exception as error:
        yield Broken(str(target), f"{target} cannot be imported: {error!r}", traceback(error))
        return
    yield module
    for child in iter_modules(getattr(module, "__path__", ())):
        if child.name != "__main__":
            yield from _modules(f"{module.__name__}.{child.name}")


def _from_file(path: Path) -> ModuleType:
    """Import a file under the name that makes its own relative imports work."""
    root, parts = path.parent, [] if path.name == "__init__.py" else [path.stem]
    while (root / "__init__.py").is_file():
        root, parts = root.parent, [root.name, *parts]
    sys.path.insert(0, str(root))
    name = ".".join(parts)
    if len(parts) > 1 or path.name == "__init__.py":
        return import_module(name)
    if name in sys.modules:  # a file may bear the name of a module that is in use
        name = f"{name} ({path})"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded as a module")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _cases(module: ModuleType, seen: set[int]) -> Iterator[Found]:
    for value in list(vars(module).values()):
        yield from _new(value if isinstance(value, list | tuple) else [value], seen)
    function = getattr(module, "cases", None)
    if not callable(function) or isinstance(function, Case) or id(function) in seen:
        return
    seen.add(id(function))
    try:
        returned = list(function())
    except Exception as error:
        yield Broken(f"{module.__name__}.cases()", f"cases() raised {error!r}", traceback(error))
        return
    yield from _new(returned, seen)
    if strangers := [item for item in returned if not isinstance(item, Case)]:
        problem = f"cases() should return Case objects, and returned also {strangers[0]!r}"
        yield Broken(f"{module.__name__}.cases()", problem, "")


def _new(values: Sequence[object], seen: set[int]) -> Iterator[Case]:
    for value in values:
        if isinstance(value, Case) and id(value) not in seen:
            seen.add(id(value))
            yield value
