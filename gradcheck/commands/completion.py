"""``gradcheck completion``: what makes a shell complete the command."""

from __future__ import annotations

from argparse import Namespace

from gradcheck.commands.grammar import grammar
from gradcheck.commands.status import Misuse, Status


def run(options: Namespace) -> int:
    """Print the script for the shell."""
    try:
        import shtab
    except ImportError as error:
        raise Misuse('completion needs shtab: pip install "gradcheck[completion]"') from error
    if options.shell not in shtab.SUPPORTED_SHELLS:
        raise Misuse(f"this version of shtab knows no {options.shell}: pip install --upgrade shtab")
    print(shtab.complete(grammar(shtab.FILE), shell=options.shell))
    return Status.RIGHT
