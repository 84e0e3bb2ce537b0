"""What an edit that is tried leaves in the user's lists, dicts and objects: nothing, when the next is tried."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gradcheck
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


SHARED = """
    import numpy as np


    class Data:
        X = None


    DATA = Data()


    def loss(w):
        h = DATA.X - DATA.X.mean(0)
        return np.sum((h @ w - DATA.y) ** 2)


    def gradient(w):
        h = DATA.X
        h = h - h.mean(0)
        r = h @ w - DATA.y
        return h.T @ r
"""


@pytest.mark.parametrize("of", ["object", "class"])
@pytest.mark.parametrize("on_file", [False, True])
def test_arrays_of_objects_and_classes_are_not_written_into(tmp_path: Path, of: str, on_file: bool) -> None:
    """With h -= h - h.mean(0) for a line the data was another for all that was tried then, and on its file for good."""
    module, rng = made(tmp_path, SHARED), np.random.default_rng(0)
    X, y, w = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    held = np.memmap(tmp_path / "X", mode="w+", dtype=float, shape=(6, 3)) if on_file else np.empty((6, 3))
    held[:] = X
    (module.DATA if of == "object" else module.Data).X = held
    module.DATA.y = y
    report = gradcheck.check_grad(module.loss, module.gradient, w, raise_on_failure=False)
    assert [blame.repair for blame in report.blame] == ["2 * h.T @ r"]
    np.testing.assert_array_equal(held, X)
    assert held.flags.writeable


BUFFERS = """
    import numpy as np
    from types import SimpleNamespace

    NET = SimpleNamespace(layers=[SimpleNamespace(h=np.zeros(4), x=np.linspace(-1, 1, 4), dw=np.zeros(4))])


    def loss(w):
        layer = NET.layers[0]
        layer.h[:] = np.tanh(w * layer.x)
        return np.sum(layer.h ** 2)


    def gradient(w):
        layer = NET.layers[0]
        loss(w)
        layer.dw[...] = layer.h * (1 - layer.h ** 2) * layer.x
        return layer.dw.copy()
"""


def test_what_f_or_the_claim_writes_into_stays_writable(tmp_path: Path) -> None:
    module, w = made(tmp_path, BUFFERS), np.random.default_rng(0).normal(size=4)
    report = gradcheck.check_grad(module.loss, module.gradient, w, raise_on_failure=False)
    assert report.blame and report.blame[0].proved


LEAVES = """
    import sys
    import numpy as np

    MASK = np.array([1.0, 0.0, 1.0, 0.5, 0.0, 1.0])


    def loss(w, X, y):
        return 0.5 * np.sum(MASK * (np.tanh(X @ w) - y) ** 2)


    def gradient(w, X, y):
        h = np.tanh(X @ w)
        if h.ndim != 1 or len(h) != len(y):
            sys.exit("sizes differ")
        return X.T @ ((h - y) * (1 - h**2) * MASK)
"""


@pytest.mark.parametrize(("right", "wrong"), [("1 - h**2", "1 - h"), (" * MASK)", ")")])
def test_a_claim_that_leaves_the_program_at_other_shapes_is_mended(
    tmp_path: Path, right: str, wrong: str
) -> None:
    """It took the search with it. A mask of the module that f reads was written as a quotient of squares."""
    module, draw = made(tmp_path, LEAVES, (right, wrong)), np.random.default_rng(0).normal
    args = draw(size=3), draw(size=(6, 3)), draw(size=6)
    report = gradcheck.check_grad(module.loss, module.gradient, *args, argnums=0, raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None
    assert blame.repair.replace(" ", "") in ("h**2", "(h-y)*(1-h**2)*MASK")
