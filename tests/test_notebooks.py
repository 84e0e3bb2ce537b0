"""docs/notebooks: every cell runs, what is stored is what comes, and each is a page of the site."""

import ast
import importlib.util
import json
import linecache
import re
from pathlib import Path

import pytest

import gradcheck

pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("notebooks", ROOT / "tools" / "notebooks.py")
notebooks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(notebooks)

STUDIES = {"column_major", "functional_layers", "layer_network", "logistic_network", "xor_backprop"}
named = pytest.mark.parametrize("file", notebooks.NOTEBOOKS, ids=lambda file: file.stem)


def cells(file):
    return [cell for cell in json.loads(file.read_text())["cells"] if cell["cell_type"] == "code"]


def last_value(source, name, namespace):
    """Run a cell as a notebook does: what its last expression is worth, None where it ends otherwise."""
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), name, "eval"), namespace)


def words(html):
    """The verdict and the edits that a stored report shows."""
    bare = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return re.search(r"<p>(pass|fail|inconclusive): ", bare)[1], re.findall(r'<span class="ins">(.*)', bare)


def test_every_case_study_has_one():
    assert {file.stem for file in notebooks.NOTEBOOKS} == STUDIES
    assert {path.stem for path in (ROOT / "reference_impls" / "case_studies").iterdir()} >= STUDIES


@named
def test_every_cell_runs_and_finds_what_is_stored(file, monkeypatch, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    namespace, verdicts = {"__name__": file.stem}, []
    for number, cell in enumerate(cells(file)):
        source = "".join(cell["source"])
        if "steps=" in source:  # to train takes seconds; the curves are looked at below
            source = re.sub(r"steps=\d+", "steps=2", source)
        report = last_value(source, f"{file.stem}_{number}.py", namespace)
        stored = ["".join(one["data"]["text/html"]) for one in cell["outputs"] if "text/html" in one["data"]]
        assert isinstance(report, gradcheck.Report) == bool(stored)
        if stored:
            assert words(stored[0])[0] == report.verdict
            verdicts.append(report.verdict.value)
    assert "fail" in verdicts
    assert verdicts[-1] == "pass"


@named
def test_the_mistake_is_stored_with_an_edit_that_was_run_and_the_trainings_as_a_picture(file):
    shown = [output for cell in cells(file) for output in cell["outputs"]]
    reports = [words("".join(one["data"]["text/html"])) for one in shown if "text/html" in one["data"]]

    assert all(edits for verdict, edits in reports if verdict == "fail")
    assert [*shown[-1]["data"]] == ["image/png"]
    assert {one["output_type"] for one in shown} <= {"execute_result", "display_data"}


def test_the_animation_that_a_cell_draws_stands_beside_the_notebook():
    image = pytest.importorskip("PIL.Image", reason="needs the extra plots")
    (file,) = (ROOT / "docs" / "notebooks").glob("*.gif")
    (pages,) = ([page] for page in notebooks.NOTEBOOKS if f"({file.name})" in page.read_text())
    (drawn,) = (cell for cell in cells(*pages) if file.name in "".join(cell["source"]))

    assert file.stat().st_size < 300_000
    with image.open(file) as animation:
        steps = int(re.search(r"steps=(\d+)", "".join(drawn["source"]))[1])
        assert animation.n_frames == steps // 5 + 1


@named
def test_it_is_small_and_says_nothing_of_where_it_ran(file):
    text = file.read_text()

    assert len(text) < 100_000
    for word in ("/tmp/", "/root", "/home", "ipykernel", "iopub"):
        assert word not in text


@named
def test_it_is_a_page_with_code_reports_and_pictures(file):
    page = notebooks.markdown_of(file.read_text())

    assert page.startswith("# ")
    assert page.count("```python\n") == len(cells(file))
    assert page.count("````{raw} html\n") == sum(len(cell["outputs"]) for cell in cells(file))
    assert f"notebooks/{file.stem}\n" in (ROOT / "docs" / "index.md").read_text()


def test_what_a_cell_prints_is_shown_as_text():
    printed = {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]}
    worth = {"output_type": "execute_result", "data": {"text/plain": ["3"]}}
    cell = {"cell_type": "code", "source": ["f()"], "outputs": [printed, worth]}

    assert notebooks.markdown_of(json.dumps({"cells": [cell]})) == (
        "```python\nf()\n```\n\n```text\none\ntwo\n```\n\n```text\n3\n```\n"
    )
