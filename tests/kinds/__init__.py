"""Derivatives right and wrong in every precision, and where they are exactly zero: families drawn by seed.

Each module is a family of kinds; a kind draws a right derivation for a seed, and `wrong` spoils it.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.kinds.kind import Kind


def kinds() -> list[Kind]:
    """Every kind whose packages are installed, in a fixed order."""
    found: list[Kind] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        if module != "kind":
            try:
                found += importlib.import_module(f"{__name__}.{module}").KINDS
            except ImportError:
                continue
    return found
