"""Hand-written derivations in plain NumPy, right and wrong, to develop and validate the library on."""

from __future__ import annotations

import importlib
import pkgutil

from .specimen import Specimen


def specimens(part: str = "all") -> list[Specimen]:
    """Every specimen, in a fixed order; ``part``: "all", "open" (develop on them) or "heldout" (validate)."""
    if part not in ("all", "open", "heldout"):
        raise ValueError(f"part={part!r}: wanted 'all', 'open' or 'heldout'")
    found = []
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        held = module.startswith("heldout_")
        if module != "specimen" and (part == "all" or held == (part == "heldout")):
            found += importlib.import_module(f"{__name__}.{module}").book.entries
    return found
