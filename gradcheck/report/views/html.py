"""A report as HTML: a page that needs nothing beside it, drawn from the plain data of one or many reports."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from os.path import basename
from typing import TYPE_CHECKING, Any

from gradcheck.findings import Blame, Diagnosis, Entry
from gradcheck.report.views import figures, text
from gradcheck.report.views.curve import curve
from gradcheck.report.views.heat import heat
from gradcheck.report.views.source import changed, columns, spans

if TYPE_CHECKING:
    from jinja2 import Environment

Data = Mapping[str, Any]
"""`Report.to_dict()`; for a case also its ``name``, what was ``expected``, and the ``problem`` if any."""


def page(checks: Sequence[Data], title: str, summary: str = "") -> str:
    """A whole document: of many checks a list to filter and to unfold, of one the check; light and dark, no links out.

    What did not end as it should comes first.
    """
    unseen = Counter(one["kind"] for check in checks for one in check.get("unseen", ()) if not one["seen_to"])
    return (
        _environment()
        .get_template("page.html")
        .render(
            checks=sorted(checks, key=lambda check: not check.get("problem")),
            title=title,
            summary=summary,
            shown=_shown(checks),
            problems=sum(bool(check.get("problem")) for check in checks),
            unseen=unseen.most_common(),
        )
    )


def fragment(check: Data) -> str:
    """One check without the document around it, for a notebook's cell."""
    return _environment().get_template("fragment.html").render(check=check)


def ready() -> None:
    """Make ready to draw.

    Raises
    ------
    ImportError
        jinja2 is not installed.
    """
    _environment()


@cache
def _environment() -> Environment:
    # jinja2 takes as long to import as a check takes to run, and few checks are drawn
    try:
        from jinja2 import Environment, PackageLoader
        from markupsafe import Markup
    except ImportError as error:
        raise ImportError('a report as HTML needs jinja2: pip install "gradcheck[cli]"') from error

    loader = PackageLoader("gradcheck.report.views")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    for name, file in (("style", "style.css"), ("list_style", "list.css"), ("script", "list.js")):
        environment.globals[name] = Markup(loader.get_source(environment, file)[0])
    environment.filters |= {
        "changed": lambda blame: changed(Blame(**blame)),
        "column": lambda blame: columns(Blame(**blame))[0],
        "curve": curve,
        "digits": _digits,
        "duration": figures.duration,
        "entry_figures": lambda entry: figures.entry_figures(Entry(**entry)),
        "entries_title": lambda check, leaf: text.entries_title(
            check["weighted"], len(leaf["entries"][0]["index"]) == len(leaf["shape"])
        ),
        "figure": figures.figure,
        "file_name": basename,
        "heat": heat,
        "index": figures.index,
        "resolution": _resolution,
        "sentence": text.sentence,
        "shape": figures.shape,
        "slope": figures.told_to,
        "sort_keys": _sort_keys,
        "strayed": _strayed,
        "spans": lambda blame: spans(Blame(**blame)),
        "told": _told,
        "upwards": figures.upwards,
        "sharpness": lambda check: text.sharpness(check["rtol"], check["miss_probability"]),
        "worst_first": _worst_first,
        "worth_noting": text.worth_noting,
    }
    return environment


_ORDER = ("error", "fail", "inconclusive", "pass")


def _shown(checks: Sequence[Data]) -> list[tuple[str, str, int]]:
    """The choices of what is shown: key, label, how many."""
    verdicts = Counter(check["verdict"] for check in checks)
    problems = sum(bool(check.get("problem")) for check in checks)
    return [
        ("", "all", len(checks)),
        *([("problem", _strayed(checks[0]), problems)] if problems else []),
        *((verdict, verdict, verdicts[verdict]) for verdict in _ORDER if verdicts[verdict]),
    ]


def _strayed(check: Data) -> str:
    """What a check with a problem is: of a test that failed others may be right."""
    return "in a failed test" if "test" in check else "not as expected"


def _sort_keys(check: Data) -> str:
    """What the script sorts by: verdict, resolution, evaluations and seconds, the larger the more to be looked at."""
    told = _sharpness_of(check)
    rank = len(_ORDER) - _ORDER.index(check["verdict"])
    return f"{rank} {0 if told is None else told:.3g} {check['evaluations']} {check['seconds']:.3g}"


def _digits(resolution: float) -> float:
    """A resolution as a share of 16 digits, in percent."""
    return round(min(max(-math.log10(resolution), 0.0), 16.0) / 0.16) if resolution > 0.0 else 100


def _sharpness_of(check: Data) -> float | None:
    return text.resolution(leaf["resolution"] for leaf in check["leaves"])


def _resolution(check: Data) -> str:
    resolved = _sharpness_of(check)
    return "" if resolved is None else figures.upwards(resolved)


def _told(check: Data) -> list[Diagnosis]:
    """The diagnoses that are no repetition, and no guess beside an edit that was proved."""
    blame = [Blame(**one) for one in check.get("blame") or ()]
    return text.worth_telling([Diagnosis(**one) for one in check["diagnoses"]], blame)


def _worst_first(leaves: Sequence[Data]) -> list[Data]:
    def key(leaf: Data) -> tuple[int, float, float]:
        return text.severity(leaf["verdict"], leaf["max_rel_error"], leaf["resolution"])

    return sorted(leaves, key=key)
