"""Changes of a source as text: as the replacement is spelled in its place, and as a unified diff."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradcheck.ask.source import unified_diff
from gradcheck.explain.blame.written import Source


@dataclass(frozen=True, eq=False)
class Change:
    """A text to stand where a node does."""

    source: Source
    node: ast.expr | ast.stmt
    text: str


def spelled(source: Source, node: ast.expr | ast.stmt, text: str) -> str:
    """``text`` with no more parentheses than it needs to mean in its place what it means alone."""
    if isinstance(node, ast.stmt):
        return text
    alone = ast.dump(ast.parse(f"({text})", mode="eval").body)
    plain = _bare(text, alone)
    for spelling in dict.fromkeys((plain, text)):
        if _means(source, node, spelling, alone):
            return spelling
    return f"({plain})"


def bare(text: str) -> str:
    """``text`` without the parentheses that change nothing where it stands alone."""
    return _bare(text, ast.dump(ast.parse(f"({text})", mode="eval").body))


def _bare(text: str, meant: str) -> str:
    """``text`` without the parentheses that change nothing."""
    place = 0
    while (place := text.find("(", place)) >= 0:
        end = _closing(text, place)
        without = text[:place] + text[place + 1 : end] + text[end + 1 :]
        try:
            needless = ast.dump(ast.parse(f"({without})", mode="eval").body) == meant
        except SyntaxError:
            needless = False
        text, place = (without, place) if needless else (text, place + 1)
    return text


def _closing(text: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text) - 1


def _means(source: Source, node: ast.expr, text: str, meant: str) -> bool:
    """Whether the expression at a node's place is the one that is meant, were ``text`` written there."""
    try:
        whole = ast.parse(source.replaced(node, text))
        after = ast.parse(source.replaced(node, f"({text})"))
    except SyntaxError:
        return False
    place = node.lineno, node.col_offset
    here = (
        one for one in ast.walk(whole) if isinstance(one, ast.expr) and (one.lineno, one.col_offset) == place
    )
    return ast.dump(whole) == ast.dump(after) and any(ast.dump(one) == meant for one in here)


def patched(changes: Sequence[Change]) -> dict[str, tuple[str, str]]:
    """By path the text of each file, before and after its changes."""
    texts: dict[str, tuple[str, str]] = {}
    for source in dict.fromkeys(change.source for change in changes):
        own = sorted(
            (change for change in changes if change.source is source),
            key=lambda change: (change.node.lineno, change.node.col_offset),
            reverse=True,
        )
        text = source.text
        for change in own:  # from the end, so that places before it stay where they are
            text = Source(source.path, text, source.tree).replaced(change.node, change.text)
            text = text if change.text else _without_blank(text, change.node.lineno)
        texts[source.path] = source.text, text
    return texts


def _without_blank(text: str, number: int) -> str:
    """The text without the line of a statement that is gone; with it where something else is left there."""
    lines = text.encode().splitlines(keepends=True)
    kept = [] if not lines[number - 1].strip() else lines[number - 1 : number]
    return b"".join([*lines[: number - 1], *kept, *lines[number:]]).decode()


def patch(changes: Sequence[Change]) -> str:
    """The changes as a unified diff."""
    pieces: list[str] = []
    for path, (before, after) in patched(changes).items():
        name, end, last = path.lstrip("/"), *_ends(path)
        before, after = (
            (text if last else text.removesuffix("\n")).replace("\n", end) for text in (before, after)
        )
        pieces.append(unified_diff(before, after, f"a/{name}", f"b/{name}"))
    return "".join(pieces)


def _ends(path: str) -> tuple[str, bool]:
    """What ends the lines of a file, and whether it ends the last one; Python reads all as line feeds."""
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError):  # a cell of a notebook
        return "\n", True
    return "\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else "\n", raw.endswith((b"\n", b"\r"))
