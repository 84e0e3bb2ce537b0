"""What MODULE:NAME names."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from gradcheck.commands.status import Misuse
from gradcheck.verify.importing import UnknownTarget, module_of, resolved


def named(argument: str, text: str, loaded: dict[str, ModuleType]) -> Any:
    """The object of ``module:name``, ``file.py:name`` or ``module:name.attribute``.

    ``loaded`` holds the modules that were imported so far: of one file there should not be two.

    Raises
    ------
    Misuse
        The text is not of this form, or there is no such module or name, or importing it fails.
    """
    target, colon, path = text.rpartition(":")
    if not (colon and target and path):
        raise Misuse(f"{argument} is {text!r}; write MODULE:NAME or FILE.py:NAME, as in net.py:loss")
    try:
        found_at = resolved(target)
        where = str(found_at.resolve()) if isinstance(found_at, Path) else found_at
        module = loaded[where] = loaded.get(where) or module_of(found_at)
    except UnknownTarget as error:
        raise Misuse(f"{argument} is {text!r}: {error}") from error
    except (Exception, SystemExit) as error:
        raise Misuse(f"{argument} is {text!r}, and {target} cannot be imported: {_told(error)}") from error
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise Misuse(f"{argument} is {text!r}, and there is no {part} in {target}{_near(part, found)}")
        found = getattr(found, part)
    return found


def _told(error: BaseException) -> str:
    """What was raised, and by which line."""
    last = extract_tb(error.__traceback__)[-1]
    inside = "" if "importlib" in last.filename else f" ({last.filename}:{last.lineno})"
    return f"{type(error).__name__}: {error}{inside}"


def _near(name: str, holder: Any) -> str:
    own = [each for each in vars(holder) if not each.startswith("_")] if hasattr(holder, "__dict__") else []
    near = get_close_matches(name, own, n=1)
    functions = [each for each in own if callable(vars(holder)[each])][:8]
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(functions)}" if functions else ""
