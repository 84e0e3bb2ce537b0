"""What an edit that is tried leaves in the user's lists, dicts and objects: nothing, when the next is tried."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck.explain.blame.edits import EXCHANGED, Edit
from gradcheck.explain.blame.hunt import in_force
from gradcheck.explain.blame.reached import reached
from gradcheck.explain.blame.undone import MOST, containers, undone
from tests.blame.programs import made

KEPT = """
    import numpy as np

    kept = [np.zeros(3), np.zeros(3)]


    def gradient(x):
        kept[0] = 2 * x
        return kept[0] + len(kept)
"""


def test_what_an_edit_appends_is_gone_when_the_next_is_tried(tmp_path: Path) -> None:
    """Each of a list's places was written anew by one of the first edits: no later one had its shape any more."""
    module, x = made(tmp_path, KEPT), np.arange(3.0)
    function = next(one for one in reached(lambda: module.gradient(x)) if one.name == "gradient")
    statement = next(node for node in ast.walk(function.node) if isinstance(node, ast.Assign))
    texts = "kept[1:] = 2 * x", "kept[0] = 3 * x", "kept.clear()", "kept[0] = x"
    edits = [((1.0, 0.0, 0.0), function, Edit(EXCHANGED, "index", statement, text)) for text in texts]
    lengths = []
    for _ in in_force(edits, containers([module.kept])):
        with suppress(IndexError):
            module.gradient(x)
        lengths.append(len(module.kept))
    assert lengths == [4, 2, 0, 2] and len(module.kept) == 2
    np.testing.assert_array_equal(module.gradient(x), 2 * x + 2)


def test_lists_dicts_and_attributes_are_put_back_however_deep_they_are() -> None:
    inner = SimpleNamespace(cache={"h": [1.0]}, place=(SimpleNamespace(w=1.0),))
    inner.itself = inner
    outer = [inner]
    some = containers([outer])
    with pytest.raises(KeyError), undone(some):
        inner.cache["h"].append(2.0)
        inner.cache["g"] = inner.place[0].w = 3.0
        del inner.itself
        outer.clear()
        raise KeyError
    assert outer == [inner] and inner.itself is inner and inner.place[0].w == 1.0
    assert inner.cache == {"h": [1.0]}


def test_no_more_is_looked_after_than_is_soon_copied() -> None:
    assert len(containers([[[] for _ in range(3 * MOST)]])) == MOST
