"""Memory that nobody has written into holds no numbers: what happens to be there may be right by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np


@contextmanager
def unset_as_nan() -> Iterator[None]:
    """Let ``np.empty`` and ``np.empty_like`` fill what they make; only in a process of our own.

    An entry that is never set may hold what an earlier call left there, the right answer say.
    """
    before = {name: getattr(np, name) for name in ("empty", "empty_like")}
    for name, make in before.items():
        setattr(np, name, _filled(make))
    try:
        yield
    finally:
        for name, make in before.items():
            setattr(np, name, make)


def _filled(make: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(make)
    def made(*args: Any, **keywords: Any) -> Any:
        array = make(*args, **keywords)
        if type(array) is np.ndarray and array.dtype.kind in "fciu":
            array.fill(np.nan if array.dtype.kind in "fc" else np.iinfo(array.dtype).max)
        return array

    return made
