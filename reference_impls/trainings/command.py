"""The options that both commands have, and pictures where there is something to draw them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path


def options(
    training: str, description: str, unit: str, count: int, arguments: Sequence[str] | None
) -> Namespace:
    """Parse ``--<unit>`` (epochs or steps), as ``count``, ``--seed`` and ``--picture FILE``."""
    parser = ArgumentParser(f"python -m reference_impls.trainings.{training}", description=description)
    parser.add_argument(f"--{unit}", type=int, dest="count", default=count, metavar="N", help="[%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn by chance [%(default)s]")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", default=Path(f"training_{training}.png"), help="[%(default)s]"
    )
    parsed = parser.parse_args(arguments)
    if parsed.count < 1:
        parser.error(f"--{unit} {parsed.count}: at least 1 is needed")
    if parsed.seed < 0:
        parser.error(f"--seed {parsed.seed}: a seed is 0 or more")
    if not parsed.picture.absolute().parent.is_dir():
        parser.error(f"--picture {parsed.picture}: there is no folder {parsed.picture.parent}")
    return parsed


def optional(part: Callable[[], object]) -> None:
    """Print what ``part`` returns; where a package is missing that an extra installs, that message instead."""
    try:
        print(part())
    except ModuleNotFoundError as error:
        print(error)
