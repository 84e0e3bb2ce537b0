"""How the documentation is built: ``sphinx-build -W docs build/docs`` (CONTRIBUTING.md).

Nothing is repeated by hand that stands in the sources: the catalogue of mistakes and the command's own help are put in
as a page is read. Formulas become MathML as the site is built, so that no page needs a script or a network for them.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
made, notebooks = import_module("docs"), import_module("notebooks")

project = "gradcheck"
author = "The gradcheck authors"
copyright = "2026, the gradcheck authors"
html_theme = "furo"
html_title = "gradcheck"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# a notebook is turned into Markdown, with what its cells show, as it is read
source_suffix = {".md": "markdown", ".ipynb": "markdown"}

# the docstrings are NumPy's kind; what stands between single backticks is a name
default_role = "py:obj"
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
html_math_renderer = "mathml"


_NAMES = re.compile(r"\w+(, \w+)+")


def setup(app: Sphinx) -> None:
    """Sphinx calls this first."""
    app.connect("source-read", _filled)
    app.connect("autodoc-process-docstring", _one_name_a_line, priority=400)
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))


def _filled(app: Sphinx, page: str, source: list[str]) -> None:
    if app.env.doc2path(page).suffix == ".ipynb":
        source[0] = notebooks.markdown_of(source[0])
    for mark, text in made.MADE.items():
        if mark in source[0]:
            source[0] = source[0].replace(mark, text())


def _one_name_a_line(app: Sphinx, what: str, name: str, held: Any, options: Any, lines: list[str]) -> None:
    """Attributes that share a description get one each: napoleon would take the second for the first's type."""
    found: list[str] = []
    shared: list[str] = []
    described: list[str] = []
    for line in [*lines, ""]:
        if shared and line.startswith(" "):
            described.append(line)
            continue
        for one in shared:
            found += [one, *described]
        shared, described = line.split(", ") if _NAMES.fullmatch(line) else [], []
        if not shared:
            found.append(line)
    if "Attributes" in lines:
        lines[:] = found


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _displayed(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<p class="formula">{convert(node.astext(), display="block")}</p>')
    raise nodes.SkipNode
