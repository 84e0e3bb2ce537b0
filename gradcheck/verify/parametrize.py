"""The cases of modules as tests of pytest."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gradcheck.verify.case import Case
from gradcheck.verify.collect import Broken, collect

__tracebackhide__ = True  # pytest shows the line where it was asked for


def cases(*targets: str | ModuleType) -> Any:
    """Give a test a ``case`` for each `gradcheck.Case` of these modules, packages or files.

    ::

        @gradcheck.cases("mylayers.cases")
        def test_derivation(case):
            case.check()

    Raises
    ------
    TypeError
        A target is neither a module nor the name of one.
    ValueError
        A target is none, cannot be imported, or holds no case.
    """
    import pytest

    found: list[Case] = []
    for target in targets:
        if not isinstance(target, str | ModuleType):
            raise TypeError(
                f"gradcheck.cases() takes modules, packages and files, by their names, got {target!r}; a list of "
                'cases is given to a test by @pytest.mark.parametrize("case", that_list)'
            )
    for one in collect(targets):
        if isinstance(one, Broken):
            raise ValueError(f"{one.name}: {one.problem}")
        found.append(one)
    if not found:
        raise ValueError(f"{', '.join(map(repr, targets))} hold(s) no gradcheck.Case")
    return pytest.mark.parametrize("case", found, ids=[case.name for case in found])
