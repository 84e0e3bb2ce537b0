"""Where in an array the errors are: its relative errors, in so few cells that they can be looked at."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.findings import ErrorMap

MOST = 24
"""Cells in a row and in a column, at most."""


def error_map(
    relative: Floats, known: np.ndarray, wrong: np.ndarray, shape: tuple[int, ...]
) -> ErrorMap | None:
    """The map of an array of ``shape`` from its flat ``relative`` errors; None for a single entry.

    ``known`` says of which entries there is a truth. What is not wrong counts as 0, however far off it is.
    """
    if relative.size <= 1:
        return None
    rows = shape[0] if len(shape) > 1 else 1
    columns = relative.size // rows
    block = (math.ceil(rows / MOST), math.ceil(columns / MOST))
    # below all errors, so that a known one of the same block counts
    errors = np.where(wrong | np.isnan(relative), relative, 0.0)
    errors = np.where(known, np.where(np.isnan(errors), np.inf, errors), -1.0).reshape(rows, columns)
    cells = np.maximum.reduceat(errors, np.arange(0, rows, block[0]), axis=0)
    cells = np.maximum.reduceat(cells, np.arange(0, columns, block[1]), axis=1)
    return ErrorMap(shape, block, tuple(tuple(_told(cell) for cell in row) for row in cells.tolist()))


def _told(cell: float) -> float | None:
    # more digits than a colour shows would be most of a report's JSON
    return None if cell < 0.0 else float(f"{cell:.3g}")
