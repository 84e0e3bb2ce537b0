"""The command ``gradcheck``."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from gradcheck.ask import ambient
from gradcheck.verify import fix, outcome, table
from gradcheck.verify.collect import Broken, Found, collect, importable
from gradcheck.verify.select import matcher

AS_EXPECTED, NOT_AS_EXPECTED, MISUSE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 all as expected, 1 not, 2 misuse."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with importable(Path.cwd()), nullcontext() if options.seed is None else ambient.given(seed=options.seed):
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
    run.add_argument(
        "--format",
        choices=("table", "concise", "github"),
        default="table",
        help="concise, github: a line for each expression to blame, file:line:column: message [table]",
    )
    mend = run.add_mutually_exclusive_group()
    mend.add_argument(
        "--fix", action="store_true", help="write proved repairs into the files and check again"
    )
    mend.add_argument("--diff", action="store_true", help="show proved repairs as a unified diff")
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


def _again(options: Namespace) -> int:
    """Check the files as they are now, in a process that has not read them before."""
    targets = [*options.targets, "-k", options.keyword, "--format", options.format]
    seed = [] if options.seed is None else ["--seed", str(options.seed)]
    return subprocess.run(
        [sys.executable, "-m", "gradcheck", "verify", *targets, *seed], check=False
    ).returncode


def _verify(chosen: Sequence[Found], options: Namespace) -> int:
    outcomes = list(table.with_progress(chosen))
    if options.format == "table":
        # where there is no terminal to ask, as in a log, wide enough for the table
        table.draw(Console() if sys.stdout.isatty() else Console(width=120), outcomes)
    else:
        print(*fix.located(outcomes, options.format), sep="\n")
    if options.json:
        options.json.write_text(outcome.to_json(outcomes), encoding="utf-8")
    if options.html:
        options.html.write_text(outcome.to_html(outcomes), encoding="utf-8")
    mended = fix.fixes(outcomes) if options.fix or options.diff else []
    for each in mended:
        print(each.diff(), end="")
    if options.fix and mended:
        for each in mended:
            each.path.write_bytes(each.after)
        return _again(options)
    return AS_EXPECTED if all(each.as_expected for each in outcomes) else NOT_AS_EXPECTED
