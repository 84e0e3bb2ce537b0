"""The pytest plugin: a seed for all checks, a report of them, and a summary of how sharp they were.

Installed with the library; loads nothing heavy unless a check runs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gradcheck.ask import ambient

_heard = pytest.StashKey[list[Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradcheck-seed`` and ``--gradcheck-report``."""
    group = parser.getgroup("gradcheck", "gradcheck: checks of hand-written derivatives")
    group.addoption(
        "--gradcheck-seed", type=int, default=0, metavar="N", help="seed of checks that name none [0]"
    )
    group.addoption(
        "--gradcheck-strict",
        action="store_true",
        help="checks that could not see something by their point (report.unseen) are inconclusive",
    )
    group.addoption(
        "--gradcheck-report",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write every check to FILE, as .json or .html; may be given for both",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a report that could not be written before any test has run, and start to listen."""
    for file in config.getoption("gradcheck_report"):
        if file.suffix not in (".json", ".html"):
            raise pytest.UsageError(f"--gradcheck-report={file}: the name should end in .json or .html")
        if not file.absolute().parent.is_dir():
            raise pytest.UsageError(f"--gradcheck-report={file}: there is no folder {file.parent}")
    config.pluginmanager.register(_Record(config), "gradcheck-record")


class _Record:
    """What the checks of one test session found, as plain data, so that it travels between processes."""

    def __init__(self, config: pytest.Config) -> None:
        self.seed: int = config.getoption("gradcheck_seed")
        self.strict: bool = config.getoption("gradcheck_strict")
        # under pytest-xdist the workers run the tests, and the process that started them writes
        worker = hasattr(config, "workerinput")
        self.files: list[Path] = [] if worker else config.getoption("gradcheck_report")
        self.checks: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        heard = item.stash.setdefault(_heard, [])
        with (
            ambient.seeded(self.seed),
            ambient.strictly(self.strict),
            ambient.listening(heard.append),
        ):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        heard = item.stash.get(_heard, [])
        # extra attributes of a test's report reach the process that writes, under pytest-xdist too
        report.__dict__["gradcheck"] = [
            (check if report.failed else check.settled()).to_dict() for check in heard
        ]
        heard.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        problem = "the test failed" if report.failed else ""
        named = {"name": report.nodeid, "test": report.outcome, "problem": problem}
        self.checks += [check | named for check in getattr(report, "gradcheck", [])]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.checks or self.files:
            terminalreporter.section("gradcheck")
            terminalreporter.write_line(_summary(self.checks))
        for file in self.files:
            file.write_text(_written(self.checks, file.suffix), encoding="utf-8")
            terminalreporter.write_line(f"all of them in {file}")


def _summary(checks: list[dict[str, Any]]) -> str:
    """How many checks ran, over how much, and how sharp the passes were; zero checks are worth a line too."""
    from gradcheck.report.views.figures import upwards
    from gradcheck.report.views.text import resolution

    if not checks:
        return "no check ran"
    verdicts = Counter(check["verdict"] for check in checks)
    leaves = [leaf for check in checks for leaf in check["leaves"]]
    passed = [leaf["resolution"] for leaf in leaves if leaf["verdict"] == "pass"]
    resolved = resolution(passed)
    parts = [
        f"{len(checks)} checks of {len(leaves)} leaves in {len({check['name'] for check in checks})} tests: "
        + ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items()),
        f"{sum(check['evaluations'] for check in checks)} evaluations of f",
        *([] if resolved is None else [f"every leaf that passed is right to {upwards(resolved)} or better"]),
        *([f"{passed.count(None)} leaves not tested"] if None in passed else []),
    ]
    return "; ".join(parts)


def _written(checks: list[dict[str, Any]], suffix: str) -> str:
    from gradcheck.report.views import html
    from gradcheck.report.views.plain import strict

    if suffix == ".html":
        return html.page(checks, "gradcheck under pytest", _summary(checks))
    ok = bool(checks) and not any(check["problem"] for check in checks)
    return json.dumps(strict({"checks": checks, "ok": ok}), indent=2, allow_nan=False) + "\n"
