"""Import what a person names: a module, a package, or a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

__tracebackhide__ = True  # pytest shows the line where it was asked for


class UnknownTarget(ValueError):
    """A target that is neither a module, nor a package, nor a Python file."""


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Within the block ``folder`` comes first on the import path, as it does for ``python -m``."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before


def resolved(target: str) -> str | Path:
    """A module's dotted name, or the path of a file that belongs to no package; nothing is run.

    Raises
    ------
    UnknownTarget
        If there is no such module or file.
    """
    path = Path(target)
    # before it is looked for as a module py of a package, which runs it
    if path.suffix == ".py" and path.is_file():
        return path.resolve()
    if all(part.isidentifier() for part in target.split(".")) and _exists(target):
        return target
    if (path / "__init__.py").is_file():
        return (path / "__init__.py").resolve()
    if path.is_dir():
        raise UnknownTarget(f"{target} is a folder without __init__.py, not a package: name the files in it")
    raise UnknownTarget(f"there is no module, package or file {target!r} (looked in {Path.cwd()} as well)")


def module_of(target: str | Path) -> ModuleType:
    """Import what `resolved` gave; whatever the module raises comes through."""
    return import_module(target) if isinstance(target, str) else _from_file(target)


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
