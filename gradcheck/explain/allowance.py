"""A deviation that the user says is meant: how large it is, leaf by leaf, beside what was allowed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradcheck.explain.explanation import Explanation
from gradcheck.judge.examine import Examined

Allow = float | Mapping[str, float]


def deviations(seen: Examined, explained: Explanation) -> dict[int, float] | None:
    """How far each wrong leaf is off, relative to its largest entry; the bound on the truth counts in.

    None where that is not known of every wrong entry, or where what came is no gradient at all.
    """
    asked, pairing, located = seen.asked, seen.pairing, explained.located
    if asked is None or asked.reading is None or asked.reading.problems or asked.conduct or asked.lends:
        return None
    if pairing is None or located is None or seen.look.conduct:
        return None
    if not located.wrong.any() or not np.isfinite(located.truth[located.wrong]).all():
        return None
    found: dict[int, float] = {}
    for number, slot in enumerate(seen.task.where.slots):
        part = slice(slot.start, slot.stop)
        if located.wrong[part].any():
            wrong, truth = located.wrong[part], located.truth[part]
            off = np.abs(pairing.claim.value[part] - truth)[wrong] + located.bound[part][wrong]
            largest = float(np.max(np.abs(truth[np.isfinite(truth)])))  # at a kink there may be none
            found[number] = float(np.max(off)) / largest if largest > 0.0 else np.inf
    return found


def within(seen: Examined, found: Mapping[int, float], allow: Allow) -> dict[int, float] | None:
    """What is allowed of each leaf that is off; None where one is further off than that."""
    slots = seen.task.where.slots
    allowed = {
        number: allow.get(slots[number].path, 0.0) if isinstance(allow, Mapping) else allow
        for number in found
    }
    return allowed if all(size <= allowed[number] for number, size in found.items()) else None
