"""docs/: every Python block runs and prints what the page shows, every mark is filled, and the site is built."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gradcheck.explain.blame import blamed
from tests.test_readme import shape_of

ROOT = Path(__file__).parents[1]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docs = tool("docs")
PAGES = [page for page in docs.PAGES if "```python" in page.read_text()]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_every_block_runs_and_prints_what_the_page_shows(page, monkeypatch):
    monkeypatch.setattr(blamed, "SECONDS", 60.0)  # what is found must not hang on how fast the machine is
    text = page.read_text()

    assert shape_of(docs.refreshed(text, run_commands=False)) == shape_of(text)


def test_no_block_is_written_so_that_it_would_not_run():
    # three backticks and the one word are what is run
    fences = [line for page in docs.PAGES for line in page.read_text().splitlines() if "```py" in line]

    assert fences
    assert set(fences) == {"```python"}


def test_no_output_is_left_out():
    assert [page.name for page in docs.PAGES if "```text\n```" in page.read_text()] == []


def test_every_mark_is_known_and_what_is_made_is_whole():
    marks = {mark for page in docs.PAGES for mark in re.findall(r"<!-- made: .*? -->", page.read_text())}

    assert marks == set(docs.MADE)
    catalogue = "\n".join(docs.MADE[f"<!-- made: {part} -->"]() for part in ("mistakes", "unseen"))
    assert re.findall(r"^### (\w+)$", catalogue, re.MULTILINE) == [*docs.MISTAKES, *docs.UNSEEN]
    assert "### gradcheck verify" in docs.MADE["<!-- made: help -->"]()


def test_every_public_name_has_its_place_in_the_reference():
    import gradcheck

    told = set(re.findall(r"^\.\. auto\w+:: gradcheck\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.M))

    assert told >= set(gradcheck.__all__)


def test_the_reference_can_be_read_before_the_site_is_built():
    import gradcheck

    page = (ROOT / "docs" / "api.md").read_text()

    assert docs.signed(page) == page, "python tools/docs.py api"
    assert "check_grad(f, grad, *args, argnums=None, rtol=None," in page
    names = [name for name in gradcheck.__all__ if callable(getattr(gradcheck, name)) and name != "Verdict"]
    assert [name for name in names if not re.search(rf"^\.\. {name}\(", page, re.M)] == []
    assert ".to_html()" in page and "arrays(shape, dtype=numpy.float64," in page


@pytest.mark.parametrize("before", [".. f(x)\n     Old words.\n", ""])
def test_what_was_written_of_a_name_is_written_anew(before):
    bare = ".. autofunction:: gradcheck.cases\n.. autoclass:: gradcheck.Estimate\n   :members: plot\n"
    signed = docs.signed(before + bare)

    assert "Old words" not in signed and signed.startswith(".. cases(*targets)\n     Give a test")
    assert docs.signed(signed) == signed


def test_the_citation_is_of_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert version in (ROOT / "CHANGELOG.md").read_text()


def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("sphinx", "furo", "myst_parser", "latex2mathml"):
        pytest.importorskip(package, reason="the extra docs builds the site")

    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", tmp_path / "kept", "docs", tmp_path / "site"]
    built = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )

    assert (built.returncode, built.stderr) == (0, "")
    for page in docs.PAGES:
        html = (tmp_path / "site" / f"{page.stem}.html").read_text()
        assert "<!-- made" not in html
        assert "$$" not in html
