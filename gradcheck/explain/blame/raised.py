"""Where a claim raises, by the functions that were on the way."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np

from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.written import Written

Arrays = dict[str, Any]
"""Arrays by the name or the text that stands for each."""


def raised_at(probe: Probe, functions: tuple[Written, ...]) -> list[tuple[Written, int, Arrays]]:
    """Those functions that are on the way to where the claim raises, the last first, with the line and the arrays."""
    try:
        probe.asked()
    except Exception as error:
        trace = traceback.walk_tb((error.__cause__ or error).__traceback__)
        return [
            (
                one,
                line,
                {name: value for name, value in frame.f_locals.items() if isinstance(value, np.ndarray)},
            )
            for frame, line in reversed(list(trace))
            for one in functions
            if (one.code.co_filename, one.name) == (frame.f_code.co_filename, frame.f_code.co_name)
        ]
    return []
