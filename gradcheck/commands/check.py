"""``gradcheck check``: one derivative, without a file of cases."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from inspect import isclass, isroutine
from types import ModuleType
from typing import Any

from gradcheck.anatomy.machine import machines
from gradcheck.ask.point import argument_names
from gradcheck.commands.given import bound, chosen, given, pairs, placed
from gradcheck.commands.named import named
from gradcheck.commands.showing import aside, concluded, writable
from gradcheck.commands.status import Misuse
from gradcheck.findings import Verdict
from gradcheck.report.report import Report
from gradcheck.report.views.layout import paragraph, within
from gradcheck.report.views.text import DERIVATIVES
from gradcheck.verify.case import Case
from gradcheck.verify.outcome import Outcome


def run(options: Namespace) -> int:
    """Check the claim at the point, and show the report."""
    writable(options)
    with aside(options):
        said, report = _checked(options)
    outcome = Outcome(
        options.f, Verdict.PASS, report, "" if report.ok else f"should pass but is {report.verdict}"
    )

    def draw(width: int) -> None:
        with within(width):
            print(paragraph(said), str(report), sep="\n\n")

    return concluded([outcome], options, draw)


def _checked(options: Namespace) -> tuple[str, Report]:
    """What was said of the point, and what came."""
    f, claim = _functions(options)
    arguments, said = given(options)
    signed = _forward(f) if claim is None else f
    args, by_name = bound(signed, arguments)
    names = (*argument_names(signed, len(args) - len(by_name)), *by_name)
    if by_name:
        f, claim = _placed(f, claim, names, by_name)
    case = Case(
        options.f,
        f,
        claim,
        args,
        options.kind,
        chosen(options.argnums, names),
        seed=options.seed,
        rtol=options.rtol,
        points=options.points,
        strict=options.strict,
        allow=_allowed(options.allow),
    )
    try:
        report = case.run()
    except (TypeError, ValueError) as error:
        raise Misuse(error) from error
    except SystemExit as error:
        raise Misuse(
            f"{options.f} or what it is checked with ends the process: SystemExit({error.code})"
        ) from error
    report.blamed  # noqa: B018 - a search that Ctrl-C may end, before anything is printed
    return said, report


def _forward(layer: Any) -> Any:
    """The method of a layer that takes the point."""
    try:
        return next(machines(layer)).forward
    except TypeError as error:
        raise Misuse(f"F: {error}") from error


def _placed(f: Any, claim: Any, names: Sequence[str], by_name: Sequence[str]) -> tuple[Any, Any]:
    """Both as functions of positions alone."""
    if claim is None:
        raise Misuse(f"forward takes {by_name[0]} by name alone, and a layer is given its inputs in order")
    return placed(f, by_name, names), placed(claim, by_name)


def _functions(options: Namespace) -> tuple[Any, Any]:
    loaded: dict[str, ModuleType] = {}
    f = named("F", options.f, loaded)
    if options.kind is None:
        options.kind = "layer" if options.claim is None and hasattr(f, "backward") else "grad"
    if options.claim is not None:
        claim = named("CLAIM", options.claim, loaded)
        for argument, text, function in (("F", options.f, f), ("CLAIM", options.claim, claim)):
            if not callable(function):
                raise Misuse(f"{argument} is {text!r}, which is no function but a {type(function).__name__}")
        return f, claim
    if options.kind != "layer":
        raise Misuse(
            f"CLAIM is missing: what should compute the {DERIVATIVES[options.kind]} of {options.f}? Write MODULE:NAME"
        )
    # a layer may be called as well: that is its forward
    return (_made(f, options.f) if isclass(f) or isroutine(f) or isinstance(f, partial) else f), None


def _made(make: Any, text: str) -> Any:
    try:
        return make()
    except Exception as error:
        raise Misuse(
            f"F is {text!r}, which should make a layer when it is called without arguments, and raised "
            f"{type(error).__name__}: {error}. Give the name of one that is made: layer = {text.split(':')[-1]}(...)"
        ) from error


def _allowed(text: str | None) -> float | Mapping[str, float] | None:
    if text is None:
        return None
    with suppress(ValueError):
        return float(text)
    wanted = "a size, as 1e-5, or one by leaf, NAME=SIZE, as in 'W=1e-5, b=1e-3'"
    try:
        return {name: float(size) for name, size in pairs("--allow", text, wanted).items()}
    except ValueError as error:
        raise Misuse(f"--allow is {text!r}; write {wanted}") from error
