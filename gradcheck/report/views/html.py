"""A report as HTML: a page that needs nothing beside it, drawn from the plain data of one or many reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from gradcheck.findings import Blame, Entry
from gradcheck.report.views import figures, text
from gradcheck.report.views.source import spans

if TYPE_CHECKING:
    from jinja2 import Environment

Data = Mapping[str, Any]
"""`Report.to_dict()`; for a case also its ``name``, what was ``expected``, and the ``problem`` if any."""


def page(checks: Sequence[Data], title: str, summary: str = "") -> str:
    """A whole document: a table of all checks, then each in full; light and dark, no script, no links out."""
    return _environment().get_template("page.html").render(checks=checks, title=title, summary=summary)


def fragment(check: Data) -> str:
    """One check without the document around it, for a notebook's cell."""
    return _environment().get_template("fragment.html").render(check=check)


@cache
def _environment() -> Environment:
    # jinja2 takes as long to import as a check takes to run, and few checks are drawn
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    loader = PackageLoader("gradcheck.report.views")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = Markup(loader.get_source(environment, "style.css")[0])
    environment.filters |= {
        "duration": figures.duration,
        "entry_figures": lambda entry: figures.entry_figures(Entry(**entry)),
        "entries_title": lambda check, leaf: text.entries_title(
            check["check"], check["seed"], len(leaf["entries"][0]["index"]) == len(leaf["shape"])
        ),
        "figure": figures.figure,
        "index": figures.index,
        "resolution": _resolution,
        "shape": figures.shape,
        "spans": lambda blame: spans(Blame(**blame)),
        "upwards": figures.upwards,
        "sharpness": lambda check: text.sharpness(check["rtol"], check["miss_probability"]),
        "worst_first": _worst_first,
    }
    return environment


def _resolution(check: Data) -> str:
    resolved = text.resolution(leaf["resolution"] for leaf in check["leaves"])
    return "" if resolved is None else figures.upwards(resolved)


def _worst_first(leaves: Sequence[Data]) -> list[Data]:
    def key(leaf: Data) -> tuple[int, float, float]:
        return text.severity(leaf["verdict"], leaf["max_rel_error"], leaf["resolution"])

    return sorted(leaves, key=key)
