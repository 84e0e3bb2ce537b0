"""Packages that a study needs only for part of what it does, imported when that part is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(module: str, extra: str) -> Any:
    """Import ``module``, which the extra ``extra`` of this distribution installs.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message says how to install it.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:  # something that the package needs is missing
            raise
        raise ModuleNotFoundError(
            f'{package} is not installed, and this part needs it: pip install "gradcheck[{extra}]"',
            name=package,
        ) from None
