"""Broadcasting along rows without NumPy's buffer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

ENTRIES = 256
"""A row this long is worth a step of NumPy's outer loop; with shorter ones, taken one at a time, the steps weigh more
than the copies that they save."""


@contextmanager
def short_buffer() -> Iterator[None]:
    """Within, NumPy's buffer holds `ENTRIES` entries and not 8,192; what was set before comes back afterwards.

    Where an operand is broadcast along the rows of another and a row is shorter than the buffer, a ufunc fills the
    buffer with copies of it first: ``x * column`` then takes about as long as two products. Rows longer than the
    buffer are taken one by one, straight from where they lie.
    """
    with np.errstate():  # which holds the buffer's size as well
        np.setbufsize(ENTRIES)
        yield
