"""Functions as they are written: their place in a file, the text of each expression, and their code after an edit."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from types import CodeType, FunctionType

from gradcheck.ask.source import lines_of

Defined = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True, eq=False)
class Source:
    """A file, or what stands for one (a cell of a notebook): its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.encode().splitlines(keepends=True)  # a form feed ends no line

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node, as written."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        first, last = node.lineno - 1, node.end_lineno - 1
        if first == last:
            return self._lines[first][node.col_offset : node.end_col_offset].decode()
        pieces = [self._lines[first][node.col_offset :], *self._lines[first + 1 : last]]
        return b"".join([*pieces, self._lines[last][: node.end_col_offset]]).decode()

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node starts and ends, in bytes of UTF-8."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        starts = self._starts
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(map(len, self._lines))]

    def segment_with(self, node: ast.expr | ast.stmt, new: Mapping[ast.expr, str]) -> str:
        """The text of a node, with other texts in the place of parts of it that lie apart."""
        raw, (place, end) = b"".join(self._lines), self.span(node)
        pieces = []
        for (first, last), text in sorted((self.span(part), text) for part, text in new.items()):
            pieces += [raw[place:first].decode(), text]
            place = last
        return "".join([*pieces, raw[place:end].decode()])

    def stands_alone(self, node: ast.stmt) -> bool:
        """Whether a statement can go with its lines: others are in its block, and none on its lines."""
        above = self.parents[node]
        blocks = (block for _, block in ast.iter_fields(above) if isinstance(block, list) and node in block)
        first, last = self._lines[node.lineno - 1], self._lines[(node.end_lineno or node.lineno) - 1]
        ahead, behind = first[: node.col_offset].strip(), last[node.end_col_offset :].strip()
        return any(len(block) > 1 for block in blocks) and not ahead and not behind.startswith(b";")

    def around(self, node: ast.expr | ast.stmt, more: int) -> tuple[tuple[int, str], ...]:
        """The lines of a node with their numbers, and so many before and after."""
        assert node.end_lineno is not None
        numbers = range(max(1, node.lineno - more), min(len(self._lines), node.end_lineno + more) + 1)
        return tuple((number, self._lines[number - 1].decode().rstrip("\r\n")) for number in numbers)

    def replaced(self, node: ast.expr | ast.stmt, new: str) -> str:
        """The whole text with another one in a node's place."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        first, last = node.lineno - 1, node.end_lineno - 1
        before = b"".join([*self._lines[:first], self._lines[first][: node.col_offset]])
        after = b"".join([self._lines[last][node.end_col_offset :], *self._lines[last + 1 :]])
        return before.decode() + new + after.decode()


def then(source: Source, statement: ast.stmt) -> str:
    """What stands between a statement and one more after it: a new line, or what is between others of its line."""
    (_, line), *_ = source.around(statement, 0)
    ahead = line.encode()[: statement.col_offset].decode()
    return "; " if ahead.strip() else f"\n{ahead}"


@lru_cache(maxsize=64)
def source_of(path: str, text: str) -> Source | None:
    """The file that holds a text; None where that is none of Python's."""
    try:
        return Source(path, text, ast.parse(text))
    except (SyntaxError, ValueError):
        return None


@dataclass(frozen=True, eq=False)
class Written:
    """A function of the user's beside its text.

    ``functions`` are all that share the code: a closure exists once for each call of what made it.
    """

    code: CodeType
    functions: tuple[FunctionType, ...]
    source: Source
    node: Defined
    owner: str | None
    """The class that it is a method of."""

    @cached_property
    def inside(self) -> frozenset[ast.AST]:
        """Every node of the function."""
        return frozenset(ast.walk(self.node))

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.code.co_name

    def is_one_of(self, others: tuple[Written, ...]) -> bool:
        """Whether it is among others: the very same, of which a copy has equal code."""
        return any(self.code is one.code for one in others)

    def within(self, source: Source) -> Written | None:
        """The function as another text of its file has it; None where its place there is not sure."""
        before, after = _defined(self.source), _defined(source)
        if len(before) != len(after):
            return None
        return replace(self, source=source, node=after[before.index(self.node)])

    def compiled(self) -> CodeType | None:
        """The code of the node as it is now, None where it has become none."""
        try:
            module = compile(_enclosed(self), self.code.co_filename, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return None
        found = next((code for code in _codes(module) if code.co_name == self.code.co_name), None)
        if found is None or found.co_freevars != self.code.co_freevars:
            return None
        return found

    def install(self, code: CodeType) -> None:
        """Let every function of this text run ``code`` from now on; only in a process of our own."""
        for function in self.functions:
            function.__code__ = code


def rebuilt(node: ast.AST, made: Callable[[ast.AST, ast.AST], ast.AST]) -> ast.AST:
    """A copy of a tree in which ``made(node, its copy)`` stands for each node; the tree itself stays as it is."""
    shell = copy.copy(node)
    for name, old in ast.iter_fields(node):
        if isinstance(old, list):
            new = [rebuilt(part, made) if isinstance(part, ast.AST) else part for part in old]
            setattr(shell, name, new)
        elif isinstance(old, ast.AST):
            setattr(shell, name, rebuilt(old, made))
    return made(node, shell)


def written(code: CodeType, functions: tuple[FunctionType, ...]) -> Written | None:
    """The text of a function, None where it cannot be found."""
    lines = lines_of(code.co_filename, functions[0].__globals__)
    source = source_of(code.co_filename, "".join(lines)) if lines else None
    if source is None:
        return None
    nodes = [node for node in ast.walk(source.tree) if isinstance(node, Defined) and _is(node, code)]
    return Written(code, functions, source, nodes[0], _owner(source, nodes[0])) if len(nodes) == 1 else None


def _defined(source: Source) -> list[Defined]:
    """Every function of a file, in the order in which they begin."""
    found = [node for node in ast.walk(source.tree) if isinstance(node, Defined)]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _is(node: Defined, code: CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        return node.name == code.co_name and first == code.co_firstlineno
    if code.co_name != "<lambda>" or node.lineno != code.co_firstlineno:
        return False
    body = node.body
    place = body.lineno, body.end_lineno, body.col_offset, body.end_col_offset
    return any(position == place for position in code.co_positions())


def _enclosed(function: Written) -> ast.Module:
    """The node inside a function whose parameters are its free variables, so that they stay free."""
    node, free = function.node, function.code.co_freevars
    # a read of every free variable, so that an edit that drops the last use of one changes no closure
    held = ast.Tuple([ast.Name(name, ast.Load()) for name in free if name != "__class__"], ast.Load())
    inner: list[ast.stmt]
    if isinstance(node, ast.Lambda):
        body = ast.Lambda(node.args, ast.IfExp(ast.Constant(True), node.body, held)) if free else node
        inner = [ast.Return(body)]
    else:
        kept: list[ast.stmt] = [ast.If(ast.Constant(False), [ast.Expr(held)], [])] if free else []
        plain = ast.FunctionDef(node.name, node.args, [*node.body, *kept], [], None, None)
        inner = [plain]
    arguments = ast.arguments([], [ast.arg(name) for name in free], None, [], [], None, [])
    outer: ast.stmt = ast.FunctionDef("<outer>", arguments, inner, [], None, None)
    if function.owner is not None:  # __private names are mangled by the class around them
        outer = ast.ClassDef(function.owner, [], [], [outer], [])
    for made in ast.walk(outer):
        if isinstance(made, ast.FunctionDef | ast.ClassDef) and not hasattr(made, "type_params"):
            setattr(made, "type_params", [])  # noqa: B010 - Python 3.12 and later have it
    return ast.fix_missing_locations(ast.Module([outer], []))


def _owner(source: Source, node: Defined) -> str | None:
    above = source.parents.get(node)
    while above is not None and not isinstance(above, ast.ClassDef):
        above = source.parents.get(above)
    return above.name if above is not None else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
