"""The cases of modules as tests of pytest."""

from __future__ import annotations

from typing import Any

from gradcheck.verify.case import Case
from gradcheck.verify.collect import Broken, collect


def cases(*targets: str) -> Any:
    """Give a test a ``case`` for each `gradcheck.Case` of these modules, packages or files.

    ::

        @gradcheck.cases("mylayers.cases")
        def test_derivation(case):
            case.check()

    Raises
    ------
    ValueError
        A target is none, cannot be imported, or holds no case.
    """
    import pytest

    found: list[Case] = []
    for one in collect(targets):
        if isinstance(one, Broken):
            raise ValueError(f"{one.name}: {one.problem}")
        found.append(one)
    if not found:
        raise ValueError(f"{', '.join(map(repr, targets))} hold(s) no gradcheck.Case")
    return pytest.mark.parametrize("case", found, ids=[case.name for case in found])
