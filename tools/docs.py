"""The pages of docs/: real output for them, and what they show of the sources.

``python tools/docs.py`` runs each page's Python blocks one after the other, as a notebook would, and its commands, and
pastes what they print below, as ``tools/readme.py`` does into README.md; ``python tools/docs.py tutorial`` those of
one page. Into the reference it writes the calls of all names. `MADE` is what the build puts into a page in place of a
mark.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import textwrap
from argparse import ArgumentParser, HelpFormatter
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import gradcheck.strategies
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


_NAMED = re.compile(
    r"(?:^\.\. (?!auto).*\n(?:^ .*\n)*)?"  # what was written there before
    r"(?P<kept>^\.\. auto\w+:: gradcheck\.(?P<name>[\w.]+)\n(?P<options>(?:^ +:.*\n)*))",
    re.MULTILINE,
)


def signed(page: str) -> str:
    """The reference with the call and the meaning of each name, as comments: to be read before the site is built."""
    return _NAMED.sub(lambda one: f"{_comment(one['name'], one['options'])}{one['kept']}", page)


def _comment(name: str, options: str) -> str:
    thing = attrgetter(name)(gradcheck)
    of_module = inspect.ismodule(thing)
    lines = [] if of_module else _call(name.rpartition(".")[2], thing)
    for attribute, member in _members(thing, options):
        lines += _call(attribute if of_module else f".{attribute}", member)
    return "".join(f"{'   ' if number else '.. '}{line}\n" for number, line in enumerate(lines))


def _members(thing: Any, options: str) -> Iterator[tuple[str, Any]]:
    """The functions and properties of a class or module that autodoc shows with it."""
    wanted, left_out = (re.search(rf":{option}:(.*)", options) for option in ("members", "exclude-members"))
    for name, member in vars(thing).items() if wanted else ():
        # what a module imports is not its own
        foreign = inspect.ismodule(thing) and getattr(member, "__module__", "") != thing.__name__
        if name[0] == "_" or foreign or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        if name not in (left_out[1] if left_out else "") and name in (wanted[1].split() or [name]):
            yield name, member


def _call(name: str, thing: Any) -> list[str]:
    """How a thing is called, and the first line of its docstring, in lines of which the further ones are indented."""
    meaning = (inspect.getdoc(thing) or "").split("\n")[0]
    if isinstance(thing, property) or (inspect.isclass(thing) and issubclass(thing, Enum)):
        call = name
    else:
        parameters = inspect.signature(thing).parameters.values()
        bare = [one.replace(annotation=one.empty) for one in parameters if one.name != "self"]
        call = name + re.sub(
            r"<class '([\w.]+)'>", r"\1", f"{inspect.Signature(bare)}".replace("<factory>", "...")
        )
    return [*textwrap.wrap(call, 100, subsequent_indent="    "), f"  {meaning}"]


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
            file.write_text(signed(refreshed(file.read_text())))
