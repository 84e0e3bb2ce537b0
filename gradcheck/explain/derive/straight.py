"""A function as one assignment after another, each name given once, with what the functions that it calls do inside."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from gradcheck.ask.source import tree_of
from gradcheck.ask.whose import is_installed

_DEEP = 4
"""How many functions may be written out inside each other."""


class NotDerived(ValueError):
    """The backward pass of a function cannot be written out."""


@dataclass(frozen=True)
class Line:
    """``name = value``."""

    name: str
    value: ast.expr


@dataclass
class Straight:
    """A function's lines, in order; ``result`` is the name of what it returns, ``space`` what it finds outside.

    ``parts`` are the names of arrays inside its arguments, by how they are written: ``params['W']``.
    """

    arguments: ast.arguments
    space: Mapping[str, Any]
    taken: set[str]
    lines: list[Line] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    result: str = ""

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet, like the one that is wanted."""
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name

    def give(self, wanted: str, value: ast.expr) -> str:
        """One line more; its name."""
        self.lines.append(Line(self.fresh(wanted), value))
        return self.lines[-1].name


def straight(function: Callable[..., Any], parts: Mapping[str, str]) -> Straight:
    """The lines of a function; ``parts`` are arrays inside its arguments and what they might be called.

    Raises
    ------
    NotDerived
        It has no source, or does more than compute one value after another: a loop, a branch, an object.
    """
    tree, plain = tree_of(function), inspect.unwrap(function)
    if not isinstance(tree, ast.FunctionDef | ast.Lambda) or not isinstance(plain, FunctionType):
        raise NotDerived("f has no source that could be read")
    if tree.args.vararg or tree.args.kwarg:
        raise NotDerived("f takes any number of arguments")
    space = _space(plain)
    names = {arg.arg for arg in _parameters(tree.args)}
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    made = Straight(tree.args, space, names | words | {"np", *dir(builtins)})
    writer = _Writer(made, {name: ast.Name(name, ast.Load()) for name in names}, space, {}, 0)
    made.taken -= {
        one for one in words if one not in names and one not in space and not hasattr(builtins, one)
    }
    for text, wanted in parts.items():
        made.parts[text] = made.give(wanted, ast.parse(text, mode="eval").body)
    made.result = writer.named("y", writer.body(tree))
    return made


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _space(function: FunctionType) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closed: dict[str, Any] = {}
    for name, cell in cells:
        try:
            closed[name] = cell.cell_contents
        except ValueError:  # not given yet
            continue
    return {**function.__globals__, **closed}


@dataclass
class _Writer:
    """Writes one function's statements as lines; ``names`` is what stands for each of its variables by now."""

    made: Straight
    names: dict[str, ast.expr]
    space: Mapping[str, Any]
    local: dict[str, ast.FunctionDef | ast.Lambda]
    depth: int

    def body(self, tree: ast.FunctionDef | ast.Lambda) -> ast.expr:
        """The value that is returned, once the lines before it are written."""
        if isinstance(tree, ast.Lambda):
            return self.expression(tree.body)
        for statement in tree.body:
            if isinstance(statement, ast.Return):
                if statement.value is None:
                    break
                return self.expression(statement.value)
            self.statement(statement)
        raise NotDerived(f"{tree.name} returns nothing at its end")

    def statement(self, node: ast.stmt) -> None:
        """One statement that is no return."""
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Pass():
                return
            case ast.FunctionDef():
                self.local[node.name] = node
            case ast.Assign(targets=[ast.Name() as given], value=ast.Lambda() as function):
                self.local[given.id] = function
            case ast.Assign():
                value = self.expression(node.value)
                for target in node.targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=ast.Name() as one, value=ast.expr() as its):
                self._assign(one, self.expression(its))
            case ast.AugAssign(target=ast.Name() as one):
                before = self.expression(ast.Name(one.id, ast.Load()))
                self._assign(one, ast.BinOp(before, node.op, self.expression(node.value)))
            case _:
                raise NotDerived(
                    f"line {node.lineno} of f does more than give a value to a name: {_kind(node)}"
                )

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Name():
                self.names[target.id] = ast.Name(self.named(target.id, value), ast.Load())
            case ast.Tuple() | ast.List():
                parts = value.elts if isinstance(value, ast.Tuple | ast.List) else None
                for number, each in enumerate(target.elts):
                    whole = ast.Subscript(value, ast.Constant(number), ast.Load())
                    self._assign(each, parts[number] if parts else self._inside(whole))
            case _:
                raise NotDerived(f"line {target.lineno} of f writes into {ast.unparse(target)}")

    def named(self, wanted: str, value: ast.expr) -> str:
        """The name of a value, which gets one where it has none."""
        return value.id if isinstance(value, ast.Name) else self.made.give(wanted, value)

    def expression(self, node: ast.expr) -> ast.expr:
        """The expression in the names of the lines."""
        if isinstance(node, ast.Name):
            return copy.deepcopy(self.names.get(node.id, node))
        if isinstance(
            node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Await
        ):
            held = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & self.names.keys()
            if held:
                raise NotDerived(f"line {node.lineno} of f computes in {_kind(node)}")
            return node
        if isinstance(node, ast.Call) and (called := self._called(node)) is not None:
            return called
        new = copy.copy(node)
        for name, child in ast.iter_fields(node):
            if isinstance(child, ast.expr):
                setattr(new, name, self.expression(child))
            elif isinstance(child, list):
                setattr(new, name, [self._part(one) for one in child])
        return self._inside(new)

    def _inside(self, node: ast.expr) -> ast.expr:
        """An array inside an argument by its name."""
        name = self.made.parts.get(ast.unparse(node)) if isinstance(node, ast.Subscript) else None
        return node if name is None else ast.Name(name, ast.Load())

    def _part(self, one: Any) -> Any:
        if isinstance(one, ast.keyword):
            return ast.keyword(one.arg, self.expression(one.value))
        return self.expression(one) if isinstance(one, ast.expr) else one

    def _called(self, node: ast.Call) -> ast.expr | None:
        """What a call of the user's own function is worth, its lines written; None of any other call."""
        if not isinstance(node.func, ast.Name):
            return None
        name, own = node.func.id, self.local.get(node.func.id)
        function = self.space.get(name)
        if own is not None:
            inside = _Writer(self.made, dict(self.names), self.space, dict(self.local), self.depth + 1)
            tree: ast.AST | None = own
        elif isinstance(function, FunctionType) and not is_installed(function.__code__.co_filename):
            inside = _Writer(self.made, {}, _space(function), {}, self.depth + 1)
            tree = tree_of(function)
        else:
            return None
        if not isinstance(tree, ast.FunctionDef | ast.Lambda):
            raise NotDerived(f"{name}, which f calls, has no source that could be read")
        if self.depth >= _DEEP:
            raise NotDerived(f"{name} calls deeper than {_DEEP} functions")
        if own is None:
            self._must_mean_the_same(tree, inside.space, name)
        for parameter, value in self._bound(node, tree, name):
            plain = isinstance(value, ast.Name | ast.Constant)
            inside.names[parameter] = (
                value if plain else ast.Name(self.made.give(parameter, value), ast.Load())
            )
        return inside.body(tree)

    def _bound(
        self, node: ast.Call, tree: ast.FunctionDef | ast.Lambda, name: str
    ) -> Iterator[tuple[str, ast.expr]]:
        parameters = [arg.arg for arg in _parameters(tree.args)]
        if tree.args.vararg or tree.args.kwarg or any(isinstance(one, ast.Starred) for one in node.args):
            raise NotDerived(f"{name} is called with any number of arguments")
        defaults = dict(zip(reversed(parameters), reversed(tree.args.defaults), strict=False))
        given: dict[str, ast.expr] = dict(zip(parameters, node.args, strict=False))
        given |= {one.arg: one.value for one in node.keywords if one.arg is not None}
        for parameter in parameters:
            if parameter in given:
                yield parameter, self.expression(given[parameter])
            elif isinstance(defaults.get(parameter), ast.Constant):
                yield parameter, defaults[parameter]
            else:
                raise NotDerived(f"{name} has a default for {parameter} that is no plain number")

    def _must_mean_the_same(self, tree: ast.AST, space: Mapping[str, Any], name: str) -> None:
        """What a function of another module finds there has to be what f finds under the same name."""
        for node in ast.walk(tree):
            word = node.id if isinstance(node, ast.Name) else ""
            own = word in space and not inspect.isfunction(space[word])
            if own and space[word] is not self.made.space.get(word):
                raise NotDerived(f"{name} finds {word} in a module of its own")


def _kind(node: ast.AST) -> str:
    kinds = {
        ast.For: "a loop", ast.While: "a loop", ast.If: "a branch", ast.With: "a with", ast.Try: "a try",
        ast.Expr: "a call for its effect", ast.AugAssign: "it writes into an array", ast.Raise: "a raise",
        ast.Lambda: "a function without a name",
    }  # fmt: skip
    return kinds.get(
        type(node), "a comprehension" if isinstance(node, ast.expr) else type(node).__name__.lower()
    )
