"""The options that the studies' commands share."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path


def options(study: str, description: str, steps: int, arguments: Sequence[str] | None = None) -> Namespace:
    """Parse ``--steps``, ``--seed`` and ``--pictures DIR``; the folder is made if it is not there."""
    parser = ArgumentParser(f"python -m reference_impls.case_studies.{study}", description=description)
    parser.add_argument("--steps", type=int, default=steps, help=f"steps of the training [{steps}]")
    parser.add_argument("--seed", type=int, default=0, help="seed of the start [0]")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw pictures into this folder")
    parsed = parser.parse_args(arguments)
    if parsed.steps < 1:
        parser.error(f"--steps {parsed.steps}: at least 1 is needed")
    if parsed.pictures is not None:
        parsed.pictures.mkdir(parents=True, exist_ok=True)
    return parsed


def run(main: Callable[[], None]) -> None:
    """Call ``main``; where a package is missing that an extra installs, end with that message alone."""
    try:
        main()
    except ModuleNotFoundError as error:
        sys.exit(str(error))
