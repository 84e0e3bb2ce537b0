"""A mistake is found wherever it stands: under shadowed names, in comprehensions, cells, archives, lines with tabs."""

from __future__ import annotations

import compileall
import importlib
import linecache
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from gradcheck.cli import main
from tests.blame.programs import made, patched

PROGRAM = """
    import numpy as np

    def f(w, X, y):
        return np.mean(np.tanh(X @ w - y) ** 2)

    def looped(w, X, y):
        n, g = len(X), 0 * w
        for x, y in zip(X, y):
            out = np.tanh(x @ w - y)
            for y in [2 * out * (1 - out ** 2)]:
                g = g + y * x
        return g / n

    def comprehended(w, X, y):
        r = np.tanh(X @ w - y)
        return np.array([sum(2 * r * (1 - r ** 2) * x for r, x in zip(r, x)) for x in X.T]) / len(X)

    def listed(w, X, y):
        slopes = [2 * np.tanh(x @ w - t) * (1 - np.tanh(x @ w - t) ** 2) for x, t in zip(X, y)]
        return np.mean([d * x for d, x in zip(slopes, X)], axis=0)
"""


def point(seed: int, rows: int = 6) -> tuple[Any, ...]:
    draw = np.random.default_rng([seed, rows]).standard_normal
    return draw(4), draw((rows, 4)), draw(rows)


def checked(f: Any, claim: Any, seed: int = 0, rows: int = 6) -> Report:
    return gradcheck.check_grad(f, claim, *point(seed, rows), argnums=0, raise_on_failure=False)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("looped", "g + y * x", "g + out * x"),
        ("looped", "x @ w - y)\n", "x @ w + y)\n"),
        ("looped", "[2 * out * (1 - out ** 2)]", "[2 * y * (1 - out ** 2)]"),
        ("comprehended", "(1 - r ** 2) * x for", "(1 - x ** 2) * x for"),
        ("comprehended", "for r, x in zip(r, x)) for x in X.T", "for r, x in zip(r, x)) for x in X"),
        ("listed", "[d * x for", "[x * x for"),
        ("listed", "[2 * np.tanh(x @ w - t)", "[2 * np.tanh(x @ w)"),
    ],
)
def test_names_that_loops_and_comprehensions_shadow_are_told_apart(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    module = made(tmp_path, PROGRAM, (old, new))
    report = checked(module.f, getattr(module, name))
    assert report.verdict is Verdict.FAIL and report.blame
    assert all(blame.proved and blame.function == name for blame in report.blame), report.blame
    mended = patched(tmp_path / "program.py", report.patch)
    for rows in (4, 6, 9):
        assert checked(mended.f, getattr(mended, name), 1, rows).verdict is Verdict.PASS, report.patch


WRONG = dedent(PROGRAM).lstrip("\n").replace("[2 * out * (1", "[3 * out * (1")


def test_a_cell_of_a_notebook_is_read_from_memory() -> None:
    """As IPython keeps it: under a name that is no file, which nobody writes."""
    name = "<ipython-input-3-0123456789ab>"
    linecache.cache[name] = len(WRONG), None, WRONG.splitlines(keepends=True), name
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(WRONG, name, "exec"), space)
    (blame,) = checked(space["f"], space["looped"]).blame
    assert (blame.file, blame.expression, blame.repair) == (name, "3", "2") and blame.proved
    assert blame.line == 1 + WRONG[: WRONG.index("[3 * out")].count("\n")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "archive.zip"
    monkeypatch.syspath_prepend(str(path))
    yield path
    for name in ("in_archive", "compiled_in_archive"):
        sys.modules.pop(name, None)


def test_what_is_imported_from_an_archive_is_read_there(archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as there:
        there.writestr("in_archive.py", WRONG)
    importlib.invalidate_caches()
    module = importlib.import_module("in_archive")
    (blame,) = checked(module.f, module.looped).blame
    assert (blame.expression, blame.repair) == ("3", "2") and blame.proved
    assert blame.file == str(archive / "in_archive.py")


def test_of_an_archive_without_source_it_is_said(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "compiled_in_archive.py").write_text(WRONG)
    compileall.compile_file(str(tmp_path / "compiled_in_archive.py"), quiet=1, legacy=True)
    (tmp_path / "compiled_in_archive.py").unlink()
    with zipfile.ZipFile(archive, "w") as there:
        there.write(tmp_path / "compiled_in_archive.pyc", "compiled_in_archive.pyc")
    importlib.invalidate_caches()
    module = importlib.import_module("compiled_in_archive")
    report = checked(module.f, module.looped)
    assert report.verdict is Verdict.FAIL and report.blame == () and report.patch == ""
    assert "the claim has no source here" in str(report)


TABS = (
    "import numpy as np\r\n"
    "from gradcheck import Case\r\n"
    "def f(w, X, y):\r\n"
    "\treturn np.mean((X @ w - y) ** 2)\r\n"
    "def claim(w, X, y):\r\n"
    "\tif len(X):\r\n"
    "\t\tr = X @ w - y; größe = 'µ\t'; g = 2 * X\t@ r / y.size\r\n"
    "\treturn g\r\n"
    "def cases():\r\n"
    "\tdraw = np.random.default_rng(0).standard_normal\r\n"
    "\treturn [Case('least squares', f, claim, (draw(4), draw((6, 4)), draw(6)), argnums=0)]\r\n"
)


def test_columns_are_bytes_where_lines_have_tabs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ast` counts them; and the patch changes nothing else of the line, nor the ends of lines."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tabs.py"
    path.write_bytes(TABS.encode())
    assert main(["verify", str(path), "--fix"]) == 0
    assert path.read_bytes() == TABS.replace("2 * X\t@ r", "2 * X.T\t@ r").encode()
