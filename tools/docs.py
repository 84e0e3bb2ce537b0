"""The pages of docs/: real output for them, and what they show of the sources.

``python tools/docs.py`` runs each page's Python blocks one after the other, as a notebook would, and its commands, and
pastes what they print below, as ``tools/readme.py`` does into README.md; ``python tools/docs.py tutorial`` those of
one page. `MADE` is what the build puts into a page in place of a mark.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from argparse import ArgumentParser, HelpFormatter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from gradcheck.commands.grammar import grammar
from gradcheck.commands.meanings import MISTAKES, UNSEEN, Meaning

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def refreshed(page: str, run_commands: bool = True) -> str:
    """The text of a page with every output block filled anew."""
    spec = importlib.util.spec_from_file_location("readme", ROOT / "tools" / "readme.py")
    assert spec is not None and spec.loader is not None
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)
    filled: str = readme.refreshed(page, run_commands=run_commands)
    return filled


def entries(meanings: Mapping[str, Meaning]) -> str:
    """Every word with what it means and, where there is one, its example."""
    return "\n\n".join(line for word, meaning in meanings.items() for line in _entry(word, meaning))


def _entry(word: str, meaning: Meaning) -> Iterator[str]:
    yield f"### {word}"
    # code within a sentence, as the terminal has it, would be read as markup
    yield re.sub(r"([*_<>\[\]`])", r"\\\1", f"{meaning.what} {meaning.do}")
    if meaning.example is not None:
        of = meaning.example
        yield f"Of arguments with the shapes `{of.shapes}`:"
        yield f"```python\nf = {of.f}\n\n# wrong\ngradient = {of.wrong}\n\n# right\ngradient = {of.right}\n```"


def helps() -> str:
    """What ``gradcheck COMMAND --help`` prints, command by command."""
    parser = grammar()
    commands = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
    return "\n".join(
        f"### gradcheck {name}\n\n```text\n{_help(command)}```\n" for name, command in commands.items()
    )


def _help(parser: ArgumentParser) -> str:
    # of one width, whatever the terminal of who builds the site
    parser.formatter_class = partial(HelpFormatter, width=90)  # type: ignore[assignment]
    parser.epilog = None
    return parser.format_help()


MADE: Mapping[str, Callable[[], str]] = {
    "<!-- made: mistakes -->": partial(entries, MISTAKES),
    "<!-- made: unseen -->": partial(entries, UNSEEN),
    "<!-- made: help -->": helps,
}
"""What stands in a page in place of a mark."""


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for file in PAGES:
        if not chosen or file.stem in chosen:
            file.write_text(refreshed(file.read_text()))
