"""Any result as plain data: what a dict may hold, and what strict JSON may hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

SCHEMA = 1
"""The version of the JSON that is written of many checks: it goes up when a field goes, or changes its meaning."""


def plain(value: Any) -> Any:
    """``value`` in dicts, lists, strings, numbers, booleans and None alone.

    Dataclasses become dicts of their fields, arrays nested lists, NumPy scalars Python's own; whatever has no
    such form (a function, a complex number) becomes its ``repr``.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return repr(value)


def strict(value: Any) -> Any:
    """Plain data with NaN and infinities, which JSON lacks, spelled as "nan", "inf" and "-inf".

    These are the spellings that ``float(...)`` reads back.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return value
