"""The pytest plugin: options for all checks, a report of them, how to replay one, and how sharp they were.

Installed with the library; loads nothing heavy unless a check runs.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from gradcheck.ask import ambient
from gradcheck.ask.replay import Turns, command, numbers

if TYPE_CHECKING:
    from gradcheck.report.report import Report

_turns = pytest.StashKey[Turns]()

_MARKED = frozenset({"seed", "rtol", "strict", "budget"})
_MARKER = "gradcheck(seed=, rtol=, strict=, budget=): options of the checks in this test that name none"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--gradcheck-...`` and the settings ``gradcheck_...``."""
    group = parser.getgroup("gradcheck", "gradcheck: checks of hand-written derivatives")
    group.addoption("--gradcheck-seed", type=int, metavar="N", help="seed of checks that name none [0]")
    group.addoption("--gradcheck-rtol", type=float, metavar="R", help="rtol of checks that name none")
    group.addoption(
        "--gradcheck-strict",
        action="store_true",
        default=None,
        help="checks that could not see something by their point (report.unseen) are inconclusive",
    )
    group.addoption(
        "--gradcheck-budget",
        type=float,
        metavar="SECONDS",
        help="how long a diagnosis, and a search for a repair, may take; 0 for neither [2, more for a slow f]",
    )
    group.addoption(
        "--gradcheck-only",
        type=_numbers,
        default=[],
        metavar="N",
        help="of each test make the N-th check alone, as a failure names it",
    )
    group.addoption(
        "--gradcheck-report",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write every check to FILE, as .json or .html; may be given for both",
    )
    group.addoption(
        "--gradcheck-only-failing",
        action="store_true",
        help="into the report go only checks that did not pass",
    )
    parser.addini("gradcheck_seed", "as --gradcheck-seed", default="")
    parser.addini("gradcheck_rtol", "as --gradcheck-rtol", default="")
    parser.addini("gradcheck_budget", "as --gradcheck-budget", default="")
    parser.addini("gradcheck_strict", "as --gradcheck-strict", type="bool", default=False)


def _numbers(text: str) -> list[int]:
    try:
        return numbers(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


@pytest.fixture
def gradcheck() -> ModuleType:
    """The library; its checks take the test's seed and options (`pytest.mark.gradcheck`)."""
    return importlib.import_module("gradcheck")


def _options(config: pytest.Config) -> dict[str, Any]:
    """What checks take that name no options of their own: from the command line, or else from the settings."""
    kinds = {"seed": int, "rtol": float, "budget": float}
    found: dict[str, Any] = {
        "strict": config.getoption("gradcheck_strict") or config.getini("gradcheck_strict")
    }
    for name, kind in kinds.items():
        asked, written = config.getoption(f"gradcheck_{name}"), config.getini(f"gradcheck_{name}")
        try:
            value = asked if asked is not None else kind(written) if written else None
        except ValueError:
            raise pytest.UsageError(f"gradcheck_{name} = {written!r} in the settings is no number") from None
        if name == "budget" and value is not None and not 0.0 <= value < float("inf"):
            raise pytest.UsageError(f"gradcheck-budget is {value}; it is a number of seconds, 0 or more")
        if value is not None:
            found[name] = value
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a report that could not be written before any test has run, and start to listen."""
    config.addinivalue_line("markers", _MARKER)
    for file in config.getoption("gradcheck_report"):
        if file.suffix not in (".json", ".html"):
            raise pytest.UsageError(f"--gradcheck-report={file}: the name should end in .json or .html")
        if not file.absolute().parent.is_dir():
            raise pytest.UsageError(f"--gradcheck-report={file}: there is no folder {file.parent}")
        if file.is_dir():
            raise pytest.UsageError(f"--gradcheck-report={file}: this is a folder")
        if file.suffix == ".html":
            _drawable(file)
    config.pluginmanager.register(_Record(config), "gradcheck-record")


def _drawable(file: Path) -> None:
    from gradcheck.report.views import html

    try:
        html.ready()
    except ImportError as error:
        raise pytest.UsageError(f"--gradcheck-report={file}: {error}") from None


class _Record:
    """What the checks of one test session found, as plain data, so that it travels between processes."""

    def __init__(self, config: pytest.Config) -> None:
        self.options = _options(config)
        self.only_failing: bool = config.getoption("gradcheck_only_failing")
        # under pytest-xdist the workers run the tests, and the process that started them writes
        idle = hasattr(config, "workerinput") or config.getoption("collectonly")
        self.files: list[Path] = [] if idle else config.getoption("gradcheck_report")
        self.checks: list[dict[str, Any]] = []
        self.told: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # not when tests are collected: a worker of pytest-xdist that refuses then cannot say why
        for mark in item.iter_markers("gradcheck"):
            strange = [f"{name}=" for name in sorted(mark.kwargs.keys() - _MARKED)]
            strange += [f"{value!r} without a name" for value in mark.args]
            if strange:
                pytest.fail(f"the marker gradcheck takes no {strange[0]}; it is {_MARKER}", pytrace=False)
        # pytest-rerunfailures runs an item again as it is
        item.user_properties[:] = [told for told in item.user_properties if told[0] != "gradcheck"]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        marked = [mark.kwargs for mark in item.iter_markers("gradcheck")]
        options = self.options | {
            name: value for kwargs in reversed(marked) for name, value in kwargs.items()
        }
        turns = item.stash[_turns] = Turns(item.config.getoption("gradcheck_only"))
        with ambient.given(**options, turn=turns.begin), ambient.listening(turns.hear):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        with _turns_of(item).counting():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if call.excinfo is not None:
            _show_the_user_s_own_frames(call.excinfo)
        report = yield
        turns = _turns_of(item)
        # extra attributes of a test's report reach the process that writes, under pytest-xdist too
        report.__dict__["gradcheck"] = [
            (one.report if report.failed else one.report.settled()).to_dict()
            | {"id": one.number, "replay": _replay(item, turns.asked_again(one), one.report.seed)}
            for one in turns.heard
        ]
        if report.failed:
            _tell_how_to_replay(report)
            _tell_in_one_line(report, call)
        # into junit's file: which checks a test made, and how they went
        item.user_properties += [("gradcheck", check["summary"]) for check in report.__dict__["gradcheck"]]
        report.user_properties = list(item.user_properties)
        turns.heard.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        problem = "the test failed" if report.failed else ""
        named = {"name": report.nodeid, "test": report.outcome, "problem": problem}
        self.checks += [check | named for check in getattr(report, "gradcheck", [])]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.checks or self.files:
            terminalreporter.section("gradcheck")
            terminalreporter.write_line(_summary(self.checks))
            for line in _worth_a_line(self.checks):
                terminalreporter.write_line(line)
            for line in self.told:
                terminalreporter.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        written = [check for check in self.checks if not self.only_failing or check["verdict"] != "pass"]
        which = "those that did not pass" if self.only_failing else "all of them"
        for file in self.files:
            try:
                file.write_text(_written(written, self.checks, file.suffix), encoding="utf-8")
            except OSError as error:
                self.told.append(f"{file} cannot be written: {error.strerror}")
                session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR
            else:
                self.told.append(f"{which} in {file}")


def _turns_of(item: pytest.Item) -> Turns:
    # none where another plugin runs tests without pytest's protocol: then nobody listened
    return item.stash.setdefault(_turns, Turns())


def _replay(item: pytest.Item, only: Sequence[int], seed: int) -> str:
    """The command that makes one check of a test once more, at the same point and along the same directions."""
    config = item.config
    options = [f"--gradcheck-seed={seed}"]
    drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if only and not drawn:  # Hypothesis begins with what failed
        options.append(f"--gradcheck-only={','.join(map(str, only))}")
    if config.getoption("gradcheck_strict"):
        options.append("--gradcheck-strict")
    if (rtol := config.getoption("gradcheck_rtol")) is not None:
        options.append(f"--gradcheck-rtol={rtol}")
    if isinstance(shuffled := config.getoption("randomly_seed", None), int):
        options.append(f"--randomly-seed={shuffled}")  # pytest-randomly seeds NumPy's own generator
    file, *names = item.nodeid.split("::")
    here = os.path.relpath(config.rootpath / file, config.invocation_params.dir)
    return command("::".join([Path(here).as_posix(), *names]), options)


def _numbered(number: int) -> str:
    return f"check {number}" if number else "a check of a fixture"


def _tell_how_to_replay(report: pytest.TestReport) -> None:
    lines = [
        f"{_numbered(check['id'])} ({check['verdict']}), alone: {check['replay']}"
        for check in report.__dict__["gradcheck"]
        if check["verdict"] != "pass"
    ]
    failure: Any = report.longrepr
    if lines and hasattr(failure, "addsection"):  # part of the failure: shown whatever --show-capture says
        failure.addsection("gradcheck", "\n".join(lines))


def _show_the_user_s_own_frames(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Of a failure, and of an argument that no check takes, the line that asked; --full-trace shows all."""
    from gradcheck.ask.whose import is_ours

    for entry in excinfo.traceback:
        frame = entry.frame
        if is_ours(frame.code.raw):
            frame.f_globals.setdefault("__tracebackhide__", _is_told_in_words)


def _is_told_in_words(excinfo: pytest.ExceptionInfo[BaseException] | None) -> bool:
    return excinfo is not None and excinfo.errisinstance((AssertionError, TypeError, ValueError))


def _tell_in_one_line(report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """For pytest's short summary, which under ``CI`` would print the whole report once more."""
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    if crash is None or call.excinfo is None or "gradcheck.report.report" not in sys.modules:
        return
    from gradcheck.exploration.found import ExplorationFailed
    from gradcheck.report.report import Unsuccessful
    from gradcheck.verify.case import UnexpectedOutcome

    raised = call.excinfo.value
    if isinstance(raised, Unsuccessful):
        crash.message = _in_one_line(raised.report)
    elif isinstance(raised, UnexpectedOutcome):
        crash.message = " ".join(raised.args[0].split())
    elif isinstance(raised, ExplorationFailed):
        smallest = raised.exploration.report
        told = [raised.exploration.problem, *([_in_one_line(smallest)] if smallest is not None else [])]
        crash.message = " ".join(": ".join(told).split())


def _in_one_line(report: Report) -> str:
    from gradcheck.report.views.source import in_one_line, place
    from gradcheck.report.views.text import gist

    return [*(f"{place(blame)}: {in_one_line(blame)}" for blame in report.blame), gist(report)][0]


def _summary(checks: list[dict[str, Any]]) -> str:
    """How many checks ran, over how much, and how sharp the passes were; zero checks are worth a line too."""
    from gradcheck.report.views.figures import count, upwards
    from gradcheck.report.views.text import resolution

    if not checks:
        return "no check ran"
    verdicts = Counter(check["verdict"] for check in checks)
    leaves = [leaf for check in checks for leaf in check["leaves"]]
    passed = [leaf["resolution"] for leaf in leaves if leaf["verdict"] == "pass"]
    resolved = resolution(passed)
    parts = [
        f"{count(len(checks), 'check')} of {count(len(leaves), 'leaf', 'leaves')} in "
        f"{count(len({check['name'] for check in checks}), 'test')}: "
        + ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items()),
        f"{count(sum(check['evaluations'] for check in checks), 'evaluation')} of f",
        *([] if resolved is None else [f"every leaf that passed is right to {upwards(resolved)} or better"]),
        *([f"{count(passed.count(None), 'leaf', 'leaves')} not tested"] if None in passed else []),
    ]
    return "; ".join(parts)


_SLOW = 1.0
"""Seconds from which on the slowest check is told."""


def _worth_a_line(checks: list[dict[str, Any]]) -> list[str]:
    """Which checks were inconclusive, what was not seen, and which was slowest."""
    from gradcheck.report.views.text import BLIND

    lines = [f"inconclusive: {check['name']}" for check in checks if check["verdict"] == "inconclusive"]
    unseen = Counter(one["kind"] for check in checks for one in check["unseen"] if not one["seen_to"])
    if unseen:
        kinds = ", ".join(f"{BLIND[kind]} ({number})" for kind, number in unseen.most_common())
        lines.append(f"not seen: {kinds} (report.unseen; --gradcheck-strict makes these inconclusive)")
    slowest = max(checks, key=lambda check: check["seconds"], default=None)
    if slowest is not None and slowest["seconds"] >= _SLOW:
        lines.append(f"slowest: {slowest['name']}, {slowest['seconds']:.1f} s")
    return lines


def _written(checks: list[dict[str, Any]], made: list[dict[str, Any]], suffix: str) -> str:
    """What goes into a file of these checks; how the run went is told of all that were made."""
    from gradcheck.report.views import html
    from gradcheck.report.views.plain import SCHEMA, strict

    if suffix == ".html":
        return html.page(checks, "gradcheck under pytest", _summary(made))
    ok = bool(made) and not any(check["problem"] for check in made)
    return (
        json.dumps(strict({"schema": SCHEMA, "checks": checks, "ok": ok}), indent=2, allow_nan=False) + "\n"
    )
