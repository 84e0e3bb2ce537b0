"""Gradients that backward leaves where no copy of a layer has them: in closures and globals, in objects there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import bare_keys, keyed_keys, parameter_keys
from gradcheck.anatomy.outside import numbers_outside
from gradcheck.anatomy.parameters import Kept, paired
from gradcheck.anatomy.places import Place
from gradcheck.anatomy.returned import Target
from gradcheck.anatomy.trying import Tried, tried_once


def left_outside(tried: Tried, parameters: Sequence[Target]) -> set[str]:
    """Those of which backward leaves a gradient outside: it is called so, and goes with the cotangent."""
    if not parameters:
        return set()
    kept = [Kept(one.places, one.value, np.asarray(one.value)) for one in parameters]
    once = _after(tried, 1.0)
    pairs = paired(kept, [*once.items()], (parameter_keys, bare_keys, keyed_keys))
    held = {place: np.array(once[place]) for places in pairs.values() for place in places}
    again = _after(tried, -2.0) if held else {}
    return {
        parameters[number].name
        for number, places in pairs.items()
        if any(place in again and not np.array_equal(held[place], again[place]) for place in places)
    }


def _after(tried: Tried, factor: float) -> dict[Place, Any]:
    """What the two have outside after a pass with this multiple of the usual cotangent."""
    again = tried_once(tried.machine, tried.convention, tried.values, factor)
    return {} if again is None else numbers_outside(tried.machine, again.own)
