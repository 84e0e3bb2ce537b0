"""``gradcheck new``: a file to start from, with its tests."""

from __future__ import annotations

import re
from argparse import Namespace
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from gradcheck.commands.status import Misuse, Status

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def run(options: Namespace) -> int:
    """Write both files, or neither."""
    name, folder = _class(options.name), options.into
    module = _BOUNDARY.sub("_", name).lower()
    if re.fullmatch(r"test_\w*|\w+_test|conftest", module):
        raise Misuse(
            f"NAME is {options.name!r}, and pytest takes {module}.py for a file of its own; take another"
        )
    if iskeyword(module) or (_is_taken(module) and not (folder / f"{module}.py").exists()):
        raise Misuse(
            f"NAME is {options.name!r}, and {module} is a module of Python's or of a package; take another"
        )
    if not folder.is_dir():
        raise Misuse(f"--into names {folder}, and there is no such folder")
    written = {
        folder / f"{prefix}{module}.py": _text(f"{prefix}layer.py", name, module) for prefix in ("", "test_")
    }
    if there := [file for file in written if file.exists()]:
        raise Misuse(
            f"{there[0]} is there already, and is left as it is; take another NAME, or another folder --into"
        )
    for file, text in written.items():
        _write(file, text)
    source, tests = written
    print(
        f"{source}  the layer: change forward and backward into yours\n{tests}  its tests: python -m pytest {tests}"
    )
    return Status.RIGHT


def _is_taken(module: str) -> bool:
    spec = find_spec(module)
    return (
        spec is not None and spec.loader is not None and spec.origin is not None
    )  # a folder alone is no module


def _class(name: str) -> str:
    """``ScaledDense`` of that, of ``scaled_dense`` and of ``scaled-dense``."""
    words = [word for word in re.split(r"[-_]+", name) if word]
    camel = "".join(word[0].upper() + word[1:] for word in words)
    if not camel.isidentifier() or iskeyword(name) or iskeyword(camel) or not camel.isascii():
        raise Misuse(f"NAME is {name!r}, which can be no class; write letters and digits, as in ScaledDense")
    return camel


def _text(starter: str, name: str, module: str) -> str:
    text = (files("gradcheck.starter") / starter).read_text(encoding="utf-8")
    return text.replace("gradcheck.starter.layer", module).replace("Starter", name)


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as error:
        raise Misuse(f"{file} cannot be written: {error.strerror}") from error
