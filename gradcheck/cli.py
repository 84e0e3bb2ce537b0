"""The command ``gradcheck``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from gradcheck.ask import ambient
from gradcheck.verify import outcome, table
from gradcheck.verify.collect import Broken, Found, collect, importable
from gradcheck.verify.select import matcher

AS_EXPECTED, NOT_AS_EXPECTED, MISUSE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 all as expected, 1 not, 2 misuse."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with importable(Path.cwd()), nullcontext() if options.seed is None else ambient.seeded(options.seed):
        try:
            return _verify(_chosen(options), options)
        except Misuse as error:
            parser.exit(MISUSE, f"gradcheck: {error}\n")


class Misuse(Exception):
    """A command line that asks for nothing that can be done."""


_WHERE = "at module level, in a list there, or returned by a function cases() there"


def _parser() -> ArgumentParser:
    parser = ArgumentParser("gradcheck", description="Check hand-written derivatives.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="verify")
    run = commands.add_parser(
        "verify",
        help="run the gradcheck.Case objects of modules, packages or files",
        description=f"Run every gradcheck.Case found in the targets ({_WHERE}). "
        "Exit status: 0 when every outcome is as expected, 1 when one is not, 2 for misuse.",
    )
    run.add_argument(
        "targets", nargs="*", metavar="TARGET", help="module, package or file.py [reference_impls]"
    )
    run.add_argument("--json", type=Path, metavar="FILE", help="write every outcome as JSON")
    run.add_argument("--html", type=Path, metavar="FILE", help="write one page with every report")
    run.add_argument(
        "-k",
        dest="keyword",
        default="",
        metavar="WORDS",
        help="only cases whose names match: 'losses and not mse'",
    )
    run.add_argument("--seed", type=int, help="the seed of checks that name none [0]")
    return parser


def _chosen(options: Namespace) -> list[Found]:
    for file in (options.json, options.html):
        if file and not file.absolute().parent.is_dir():
            raise Misuse(f"there is no folder {file.parent} to write {file.name} into")
    targets = options.targets or ["reference_impls"]
    try:
        matches, found = matcher(options.keyword), collect(targets)
    except ValueError as error:
        raise Misuse(error) from error
    chosen = [case for case in found if isinstance(case, Broken) or matches(case.name)]
    if not chosen:
        among = f" matches -k {options.keyword!r}" if found else f": a case is a gradcheck.Case {_WHERE}"
        raise Misuse(f"no case in {', '.join(targets)}{among}")
    return chosen


def _verify(chosen: Sequence[Found], options: Namespace) -> int:
    outcomes = list(table.with_progress(chosen))
    # where there is no terminal to ask, as in a log, wide enough for the table
    table.draw(Console() if sys.stdout.isatty() else Console(width=120), outcomes)
    if options.json:
        options.json.write_text(outcome.to_json(outcomes), encoding="utf-8")
    if options.html:
        options.html.write_text(outcome.to_html(outcomes), encoding="utf-8")
    return AS_EXPECTED if all(each.as_expected for each in outcomes) else NOT_AS_EXPECTED
