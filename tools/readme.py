"""Paste real output into README.md.

``python tools/readme.py`` runs the document's Python blocks one after the other, as a notebook would, and its
commands, and writes what they print into the block below each ``<!-- output -->``. An exception is shown by
its last lines, as an interpreter ends with them.
"""

from __future__ import annotations

import io
import linecache
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from traceback import format_exception_only

README = Path(__file__).parents[1] / "README.md"

_BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```\n"
    r"|(?P<mark><!-- output(?: of: (?P<command>.*?))? -->\n```text\n)(?P<old>.*?)```\n",
    re.DOTALL,
)


def refreshed(document: str, run_commands: bool = True) -> str:
    """``document`` with every output block filled anew; those of commands only if ``run_commands``."""
    namespace: dict[str, object] = {"__name__": "readme"}
    printed = ""
    cells: list[str] = []

    def fill(block: re.Match[str]) -> str:
        nonlocal printed
        if block["code"] is not None:
            cells.append(f"cell_{len(cells) + 1}.py")
            printed = _run(block["code"], cells[-1], namespace)
            return block[0]
        if block["command"] and not run_commands:
            return block[0]
        output = _call(block["command"]) if block["command"] else printed
        lines = [line.rstrip() for line in output.strip("\n").splitlines()]
        return block["mark"] + "\n".join(lines) + "\n```\n"

    return _BLOCK.sub(fill, document)


def _run(code: str, cell: str, namespace: dict[str, object]) -> str:
    # the source of a cell can be had by the name of its file, as in a notebook
    linecache.cache[cell] = len(code), None, code.splitlines(keepends=True), cell
    with redirect_stdout(io.StringIO()) as stdout:
        try:
            exec(compile(code, cell, "exec"), namespace)
        except AssertionError as error:
            print("".join(format_exception_only(error)))
    return stdout.getvalue()


def _call(command: str) -> str:
    program, *arguments = shlex.split(command)
    return subprocess.run(
        [sys.executable, "-m", program, *arguments], stdout=subprocess.PIPE, check=True, text=True
    ).stdout


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text()))
