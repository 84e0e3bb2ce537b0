"""The words and options of the command line; nothing that computes is imported to read them.

``files`` is, throughout, how shells complete the names of files, for who writes their completion.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradcheck.commands.status import SAID

FORMATS = ("text", "json", "concise", "github")

Files = Any
"""As shtab has it."""

WHERE = "at module level, in a list there, or returned by a function cases() there"


def grammar(files: Files = None) -> ArgumentParser:
    """The parser."""
    parser: ArgumentParser = _parser(
        ArgumentParser, prog="gradcheck", description="Check hand-written derivatives."
    )
    parser.add_argument("--version", action="version", version=f"gradcheck {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _verify(commands, files)
    return parser


def _parser(make: Any, *names: str, **keywords: Any) -> Any:
    # an option that is cut short would mean another one once there are more of them
    return make(*names, epilog=SAID, allow_abbrev=False, **keywords)


def _version() -> str:
    try:
        return version("gradcheck")
    except PackageNotFoundError:  # run from a folder of sources
        return "(not installed)"


def _verify(commands: Any, files: Files) -> None:
    parser = _parser(
        commands.add_parser,
        "verify",
        help="run the gradcheck.Case objects of modules, packages or files",
        description=f"Run every gradcheck.Case found in the targets ({WHERE}).",
    )
    targets = parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="module, package or file.py [reference_impls]"
    )
    targets.complete = files
    parser.add_argument(
        "-k",
        dest="keyword",
        default="",
        metavar="WORDS",
        help="only cases whose names match: 'losses and not mse'",
    )
    parser.add_argument("--list", action="store_true", help="print the names of the cases and run none")
    parser.add_argument(
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="run so many cases at once, each in a process of its own; auto for one a processor [1]",
    )
    parser.add_argument("--seed", type=_whole, metavar="N", help="the seed of checks that name none [0]")
    _shown(parser, files)


def _shown(parser: ArgumentParser, files: Files) -> None:
    """What becomes of outcomes."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="json: every outcome; concise, github: a line for each expression to blame, file:line:column: message "
        "[text]",
    )
    for option, what in (("--json", "every outcome as JSON"), ("--html", "one page with every report")):
        file: Any = parser.add_argument(option, type=Path, metavar="FILE", help=f"write {what}")
        file.complete = files
    mend = parser.add_mutually_exclusive_group()
    mend.add_argument(
        "--fix", action="store_true", help="write proved repairs into the files and check again"
    )
    mend.add_argument("--diff", action="store_true", help="show proved repairs as a unified diff")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def _jobs(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is neither a number of processes, at least 1, nor auto")
    return int(text)
