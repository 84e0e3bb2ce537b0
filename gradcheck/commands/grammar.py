"""The words and options of the command line; nothing that computes is imported to read them.

``files`` is, throughout, how shells complete the names of files, for who writes their completion.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradcheck.commands.status import SAID
from gradcheck.report.views.text import DERIVATIVES

FORMATS = ("text", "json", "concise", "github")
SHELLS = ("bash", "zsh", "fish")

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
    _check(commands, files)
    _explain(commands, files)
    _new(commands)
    _completion(commands)
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


def _check(commands: Any, files: Files) -> None:
    parser = _parser(
        commands.add_parser,
        "check",
        help="check one derivative, without a file of cases",
        description="Check the derivative CLAIM of the function F, both written MODULE:NAME or FILE.py:NAME, at a "
        "point from a file or at a random one: "
        "gradcheck check net.py:loss net.py:gradient --shapes 'W=d h, X=n d, y=int n < h'",
    )
    parser.add_argument(
        "f",
        metavar="F",
        help="the function; of --kind layer: forward, a layer, or what makes one without arguments",
    )
    parser.add_argument(
        "claim",
        metavar="CLAIM",
        nargs="?",
        help="what it is checked for; backward of a pair; nothing for a layer",
    )
    parser.add_argument(
        "--kind",
        choices=tuple(DERIVATIVES),
        help="what CLAIM computes [grad; layer where F has a backward and CLAIM is left out]",
    )
    _placed(parser, files, required=True)
    parser.add_argument(
        "--rtol", type=_share, metavar="R", help="the relative error that must be caught [1e-3]"
    )
    parser.add_argument(
        "--points", type=_whole, default=0, metavar="N", help="check so many more points nearby [0]"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="a pass that could not see something by its point is inconclusive",
    )
    parser.add_argument(
        "--allow",
        metavar="SIZE",
        help="a relative deviation that is meant: 1e-5, or by leaf 'W=1e-5, b=1e-6'",
    )
    _shown(parser, files)


def _placed(parser: Any, files: Files, required: bool) -> None:
    """Where a function is looked at."""
    point = parser.add_mutually_exclusive_group(required=required)
    at = point.add_argument(
        "--at", type=Path, metavar="FILE.npz", help="the arguments of F by name, as numpy.savez writes them"
    )
    at.complete = files
    point.add_argument(
        "--shapes",
        metavar="SHAPES",
        help="random arguments: 'W=d h, X=n d' (equal names are equal lengths), 's=' for a number, 'X=3 4*h', "
        "'ids=int n < v', 'mask=bool n'",
    )
    parser.add_argument(
        "--size", metavar="SIZES", help="lengths of names in --shapes: 'n=8, d=2' [small, all different]"
    )
    parser.add_argument("--dtype", choices=("float64", "float32"), help="of --shapes [float64]")
    parser.add_argument(
        "--argnums", metavar="NAMES", help="the arguments that CLAIM is for: 'W, b' or '0, 1' [all floats]"
    )
    parser.add_argument(
        "--seed", type=_whole, default=0, metavar="N", help="of random arguments and directions [0]"
    )


def _explain(commands: Any, files: Files) -> None:
    parser = _parser(
        commands.add_parser,
        "explain",
        help="what a word of a report means, or what is wrong in a line",
        description="Say what a kind of mistake, or a kind of what a pass does not see, means; or run the cases of the "
        "targets and show the reports that speak of a line.",
    )
    subject = parser.add_argument(
        "subject",
        nargs="?",
        metavar="KIND|FILE:LINE|F",
        help="a word, as 'scale', a place, as 'net.py:12', or a function to --derive, as 'net.py:loss' [all words]",
    )
    subject.complete = files
    targets = parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="where the cases are: module, package or file [FILE]"
    )
    targets.complete = files
    parser.add_argument(
        "--derive", action="store_true", help="write the backward pass of F, a short function, at this point:"
    )
    _placed(parser, files, required=False)


def _new(commands: Any) -> None:
    parser = _parser(
        commands.add_parser,
        "new",
        help="write a starter file",
        description="Write a starter file with its tests.",
    )
    parser.add_argument("what", choices=("layer",), help="what to start")
    parser.add_argument("name", metavar="NAME", help="the name of the class: ScaledDense")
    parser.add_argument("--into", type=Path, default=Path(), metavar="FOLDER", help="where to write it [.]")


def _completion(commands: Any) -> None:
    parser = _parser(
        commands.add_parser,
        "completion",
        help="print what makes a shell complete this command",
        description="Print a script that makes a shell complete this command, for its start-up file: "
        'eval "$(gradcheck completion bash)". Needs the extra completion.',
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell")


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


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < 1.0:
        raise ArgumentTypeError(f"{text!r} is no number between 0 and 1, as 1e-3 is")
    return number


def _jobs(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is neither a number of processes, at least 1, nor auto")
    return int(text)
