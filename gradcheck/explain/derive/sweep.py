"""The sweep back over a function's lines: from the derivative by its result to those by its arguments."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.explain.derive.calls import arguments_of, as_index, name_of, operands_of
from gradcheck.explain.derive.forms import constant, filled, uses
from gradcheck.explain.derive.rules import CONSTANT, OF_ONE, OF_STACKS, OF_TWO, OPERATORS, PRODUCTS, WHOLE
from gradcheck.explain.derive.straight import Line, NotDerived, Straight

_NOTHING = 1e-12
"""Share of the largest derivative below which what passes through a maximum is rounding: the shift of a softmax."""

_REDUCED = frozenset({"sum", "mean", "max", "min", "amax", "amin", "var", "std", "prod"})
_RESHAPED = frozenset({"reshape", "ravel", "flatten", "squeeze", "expand_dims"})


@dataclass
class Sweep:
    """One sweep; ``values`` are what names are worth at the point, ``active`` those that hang on the ``leaves``."""

    made: Straight
    values: dict[str, Any]
    active: set[str]
    leaves: frozenset[str]
    back: list[ast.stmt] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)
    due: dict[str, list[ast.expr]] = field(default_factory=dict)
    largest: float = 0.0

    # the way forward

    def forward(self) -> None:
        """Give every line its value, and note which hang on what is checked."""
        for line in self.made.lines:
            self.values[line.name] = self.value(line.value)
            if self.hangs(line.value):
                self.active.add(line.name)

    def value(self, node: ast.expr) -> Any:
        """What an expression is worth at the point."""
        text = ast.fix_missing_locations(ast.Expression(copy.deepcopy(node)))
        try:
            with np.errstate(all="ignore"):
                return eval(compile(text, "<derivation>", "eval"), {**self.made.space, "np": np}, self.values)
        except Exception as error:
            raise NotDerived(f"{ast.unparse(node)} raised {type(error).__name__}: {error}") from error

    def shape(self, node: ast.expr) -> tuple[int, ...]:
        """The shape of what it is worth."""
        return np.shape(self.value(node))

    def hangs(self, node: ast.expr) -> bool:
        """Whether it has a derivative by what is checked."""
        match node:
            case ast.Name():
                return node.id in self.active
            case ast.Compare() | ast.Constant():
                return False
            case ast.Attribute(attr="shape" | "size" | "ndim" | "dtype"):
                return False
            case ast.Call() if name_of(node).split(".")[-1] in CONSTANT:
                return False
        return any(self.hangs(child) for child in operands_of(node))

    # the way back

    def sweep(self, first: ast.expr) -> None:
        """From the result, whose derivative is ``first``, to the first line."""
        self.due[self.made.result] = [first]
        for line in reversed(self.made.lines):
            if line.name in self.active - self.leaves and line.name in self.due:
                self._back(line.value, self.total(line.name), ast.Name(line.name, ast.Load()))

    def total(self, name: str) -> ast.expr:
        """The derivative by a name, all that came to it added up, under a name of its own where it is no number."""
        parts = self.due.get(name, [])
        if not parts:
            return filled("np.zeros_like(x)", x=ast.Name(name, ast.Load()))
        whole = parts[0]
        for part in parts[1:]:
            whole = filled("a + b", a=whole, b=part)
        held = self.shape(ast.Name(name, ast.Load()))
        if self.shape(whole) != held:
            whole = filled("np.full_like(x, g)", x=ast.Name(name, ast.Load()), g=whole)
        return whole if isinstance(whole, ast.Name | ast.Constant) else self._given(f"d{name}", whole)

    def _given(self, wanted: str, node: ast.expr) -> ast.Name:
        name = self.made.fresh(wanted)
        self.values[name] = self.value(node)
        self.largest = max(self.largest, float(np.max(np.abs(self.values[name]), initial=0.0)))
        self.back.append(ast.Assign([ast.Name(name, ast.Store())], node))
        return ast.Name(name, ast.Load())

    def _named(self, node: ast.expr, wanted: str) -> ast.expr:
        """A derivative that is needed more than once, under a name."""
        plain = isinstance(node, ast.Name | ast.Constant)
        return node if plain else self._given(wanted, node)

    def _result(self, node: ast.expr, own: ast.expr | None) -> ast.expr:
        """The value of an expression of the way forward: by its name, which it gets there where it has none."""
        if own is not None:
            return own
        if isinstance(node, ast.Name | ast.Constant | ast.Attribute) or not self.hangs(node):
            return node
        text = ast.unparse(node)  # each name is given once, so that what reads the same is the same
        if text not in self.shared:
            self.shared[text] = self.made.fresh(self._called(node, None))
            self.values[self.shared[text]] = self.value(node)
        return ast.Name(self.shared[text], ast.Load())

    def _called(self, node: ast.expr, own: ast.expr | None) -> str:
        if isinstance(own, ast.Name):
            return own.id
        return (
            self.shared.get(ast.unparse(node))
            or _CALLED.get(name_of(node).split(".")[-1])
            or _WORDS.get(type(node), "t")
        )

    def _back(self, node: ast.expr, g: ast.expr, own: ast.expr | None = None) -> None:
        """Pass the derivative ``g`` by an expression on to its operands; ``own`` is the name of its value."""
        if not self.hangs(node):
            return
        if isinstance(node, ast.Attribute) or _moves(node):
            g = self._whole(g, node)
        match node:
            case ast.Name():
                self.due.setdefault(node.id, []).append(g)
            case ast.UnaryOp(op=ast.USub()):
                self._back(node.operand, filled("-g", g=g))
            case ast.UnaryOp(op=ast.UAdd()):
                self._back(node.operand, g)
            case ast.BinOp(op=ast.MatMult()):
                self._product(node, [node.left, node.right], g, own)
            case ast.BinOp() if type(node.op) in OPERATORS:
                self._each(node, [node.left, node.right], OF_TWO[OPERATORS[type(node.op)]], g, own)
            case ast.Attribute(attr="T"):
                self._back(node.value, filled("g.T", g=g))
            case ast.Subscript():
                self._part(node, g)
            case ast.IfExp():
                raise NotDerived(f"{ast.unparse(node)} is a branch")
            case ast.Call():
                self._call(node, g, own)
            case _:
                raise NotDerived(f"{ast.unparse(node)} has no rule here")

    def _whole(self, g: ast.expr, node: ast.expr) -> ast.expr:
        """A derivative by a value as large as that, where one number stands for many."""
        if self.shape(g) == self.shape(node):
            return g
        return filled("np.full_like(y, g)", y=self._result(node, None), g=g)

    def _call(self, node: ast.Call, g: ast.expr, own: ast.expr | None) -> None:
        name, args = name_of(node), arguments_of(node)
        last = name.split(".")[-1]
        keywords = {one.arg: one.value for one in node.keywords if one.arg is not None}
        if last in _REDUCED:
            self._reduced(node, last, g, own)
        elif name in ("dot", "matmul") and len(args) == 2:
            self._product(node, args, g, own)
        elif name == "outer" and len(args) == 2:
            g = self._named(g, "dt")
            a, b = (self._result(one, None) for one in args)
            self._back(args[0], filled("g @ b", g=g, b=b))
            self._back(args[1], filled("a @ g", g=g, a=a))
        elif name == "where" and len(args) == 3:
            self._each(node, args[1:], ("np.where(c, g, 0)", "np.where(c, 0, g)"), g, own, c=args[0])
        elif name == "clip" and len(args) == 3 and not (self.hangs(args[1]) or self.hangs(args[2])):
            self._each(node, args[:1], ("g * ((x > a) & (x < b))",), g, own, a=args[1], b=args[2])
        elif name == "linalg.solve" and len(args) == 2:
            self._solve(node, args, g, own)
        elif name == "einsum" and len(args) > 1:
            self._einsum(args, g)
        elif last in _RESHAPED:
            self._back(args[0], filled("np.reshape(g, x.shape)", g=g, x=self._result(args[0], None)))
        elif name == "broadcast_to":
            self._back(args[0], self._gathered(g, node, args[0]))
        elif name in WHOLE and len(args) == 1 and not keywords:
            self._back(
                args[0], filled(WHOLE[name], g=g, x=self._result(args[0], None), y=self._result(node, own))
            )
        elif name in OF_ONE and len(args) >= 1:
            self._each(node, args[:1], (OF_ONE[name],), g, own)
        elif name in OF_TWO and len(args) == 2:
            self._each(node, args, OF_TWO[name], g, own)
        else:
            raise NotDerived(f"{ast.unparse(node.func)}() has no rule here")

    def _each(
        self,
        node: ast.expr,
        operands: Sequence[ast.expr],
        forms: Sequence[str],
        g: ast.expr,
        own: ast.expr | None,
        **more: ast.expr,
    ) -> None:
        """The derivative by each operand of what works entry by entry."""
        chosen = [(one, form) for one, form in zip(operands, forms, strict=True) if self.hangs(one)]
        if len(chosen) > 1 or any(uses(form, "g") > 1 for _, form in chosen):
            g = self._named(g, f"d{self._called(node, own)}")
        letters = dict(zip("ab", operands, strict=False)) if len(operands) > 1 else {"x": operands[0]}
        if len(chosen) < len(operands):
            # at a kink beside what is constant the derivative is 0, as all take it
            chosen = [(one, form.replace(">=", ">").replace("<=", "<")) for one, form in chosen]
        for operand, form in chosen:
            needed = {
                letter: self._result(one, None) for letter, one in letters.items() if uses(form, letter)
            }
            if uses(form, "y"):
                needed["y"] = self._result(node, own)
            passed = filled(form, g=g, **needed, **more)
            self._back(operand, self._gathered(passed, node, operand))

    def _gathered(self, g: ast.expr, node: ast.expr, operand: ast.expr) -> ast.expr:
        """Summed over the axes along which an operand was spread to the shape of the whole."""
        wanted = self.shape(operand)
        return g if self.shape(node) == wanted else self._summed(self._whole(g, node), wanted)

    def _summed(self, g: ast.expr, wanted: tuple[int, ...]) -> ast.expr:
        whole = self.shape(g)
        ahead = len(whole) - len(wanted)
        if ahead == len(whole) > 0:
            return filled("g.sum()", g=g)
        if ahead:
            axes = 0 if ahead == 1 else tuple(range(ahead))
            g = filled("g.sum(axis=k)", g=g, k=constant(axes))
        thin = tuple(axis for axis, length in enumerate(wanted) if length == 1 and whole[ahead + axis] != 1)
        if thin:
            g = filled("g.sum(axis=k, keepdims=True)", g=g, k=constant(thin[0] if len(thin) == 1 else thin))
        return g

    def _product(
        self, node: ast.expr, operands: Sequence[ast.expr], g: ast.expr, own: ast.expr | None
    ) -> None:
        left, right = operands
        axes = len(self.shape(left)), len(self.shape(right))
        forms = PRODUCTS.get(axes)
        if forms is None and (min(axes) < 2 or name_of(node) == "dot"):
            raise NotDerived(f"{ast.unparse(node)} multiplies arrays of {axes[0]} and {axes[1]} axes")
        chosen = [
            (one, form) for one, form in zip(operands, forms or OF_STACKS, strict=True) if self.hangs(one)
        ]
        if len(chosen) > 1:
            g = self._named(g, f"d{self._called(node, own)}")
        for operand, form in chosen:
            passed = filled(form, g=g, a=self._result(left, None), b=self._result(right, None))
            if forms is None:
                passed = self._summed(passed, self.shape(operand))
            self._back(operand, passed)

    def _solve(self, node: ast.Call, args: Sequence[ast.expr], g: ast.expr, own: ast.expr | None) -> None:
        back = self._named(filled("np.linalg.solve(a.T, g)", a=self._result(args[0], None), g=g), "ds")
        y = self._result(node, own) if self.hangs(args[0]) else node
        of_matrix = "-np.outer(s, y)" if len(self.shape(node)) == 1 else "-s @ y.T"
        self._back(args[0], filled(of_matrix, s=back, y=y))
        self._back(args[1], back)

    def _einsum(self, args: Sequence[ast.expr], g: ast.expr) -> None:
        text = self.value(args[0])
        if not isinstance(text, str) or "->" not in text or "." in text:
            raise NotDerived("einsum is written out for 'ij,jk->ik' alone, with its arrow")
        into, out = text.replace(" ", "").split("->")
        words = into.split(",")
        if len(words) > 1:
            g = self._named(g, "dt")
        for number, word in enumerate(words):
            others = [each for place, each in enumerate(words) if place != number]
            held = [one for place, one in enumerate(args[1:]) if place != number]
            if not self.hangs(args[1 + number]):
                continue
            if len(set(word)) < len(word) or not set(word) <= set("".join([out, *others])):
                raise NotDerived(f"einsum {text!r} has no rule here")
            call = ast.Call(
                filled("np.einsum"),
                [
                    constant(f"{','.join([out, *others])}->{word}"),
                    g,
                    *(self._result(one, None) for one in held),
                ],
                [],
            )
            self._back(args[1 + number], call)

    def _reduced(self, node: ast.Call, kind: str, g: ast.expr, own: ast.expr | None) -> None:
        args = arguments_of(node)
        keywords = {one.arg: one.value for one in node.keywords}
        unknown = keywords.keys() - {"axis", "keepdims"}
        if unknown:
            raise NotDerived(f"{ast.unparse(node)} has no rule here")
        x, axis = args[0], args[1] if len(args) > 1 else keywords.get("axis")
        along = None if axis is None else self.value(axis)
        kept = bool("keepdims" in keywords and self.value(keywords["keepdims"]))
        spread = g
        if kind in ("max", "min", "amax", "amin"):
            top = self._result(node, own)
            size = float(np.max(np.abs(self.value(g)), initial=0.0))
            if size <= _NOTHING * max(self.largest, 1e-300):
                return
            if along is not None and not kept:
                top, spread = (self._widened(one, axis) for one in (top, spread))
            held = self._result(x, None)
            where = self._given("best", filled("x == y", x=held, y=top))
            count = filled("np.sum(w, axis=k, keepdims=True)", w=where, k=axis or constant(None))
            self._back(x, filled("g * w / n", g=spread, w=where, n=count))
            return
        if along is not None and not kept:
            spread = self._widened(g, axis)
        if kind in ("mean", "var", "std"):
            spread = filled("g / n", g=spread, n=self._count(x, axis, along))
        if kind in ("var", "std"):
            middle = filled(
                "x.mean(axis=k, keepdims=True)", x=self._result(x, None), k=axis or ast.Constant(None)
            )
            spread = filled("2 * g * (x - m)", g=spread, x=self._result(x, None), m=middle)
        if kind in ("std", "prod"):
            top = self._result(node, own)
            top = top if along is None or kept else self._widened(top, axis)
            form = "g / (2 * y)" if kind == "std" else "g * y / x"
            spread = filled(form, g=spread, y=top, **({"x": self._result(x, None)} if kind == "prod" else {}))
        self._back(x, spread)

    def _widened(self, g: ast.expr, axis: ast.expr | None) -> ast.expr:
        if axis is None or not self.shape(g):
            return g
        return filled("np.expand_dims(g, k)", g=g, k=axis)

    def _count(self, x: ast.expr, axis: ast.expr | None, along: Any) -> ast.expr:
        """How many entries a mean is over."""
        held = self._sized(x)
        if along in (None, 0) and len(self.shape(x)) == 1:
            return filled("len(x)", x=held)
        if along is None:
            return filled("x.size", x=held)
        if isinstance(along, tuple):
            return filled("x.size / x.mean(k).size", x=held, k=axis or constant(along))
        return filled("x.shape[k]", x=held, k=axis or constant(along))

    def _sized(self, x: ast.expr) -> ast.expr:
        """What has a name and is as large as an expression."""
        shape, todo, node = self.shape(x), [x], x
        while todo:
            node = todo.pop(0)
            if isinstance(node, ast.Name) and node.id in self.values:
                return node
            if (text := ast.unparse(node)) in self.shared:
                return ast.Name(self.shared[text], ast.Load())
            product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
            if isinstance(node, ast.BinOp | ast.UnaryOp) or name_of(node) in {*OF_ONE, *OF_TWO, "where"}:
                todo += [one for one in operands_of(node) if not product and self.shape(one) == shape]
        return self._result(node, None)

    def _part(self, node: ast.Subscript, g: ast.expr) -> None:
        """A part of an array: its derivative is put back where it was taken, repeated places added up."""
        whole = self._result(node.value, None)
        if not isinstance(self.value(node.value), np.ndarray):
            raise NotDerived(f"{ast.unparse(node)} takes a part of what is no array")
        if self._is_new_axes(node):
            self._back(node.value, filled("np.reshape(g, x.shape)", g=self._whole(g, node), x=whole))
            return
        wanted = f"d{node.value.id}" if isinstance(node.value, ast.Name) else "dt"
        name = self._given(wanted, filled("np.zeros_like(x)", x=whole))
        index = self.value(as_index(node.slice))
        advanced = any(
            isinstance(one, np.ndarray | list) for one in (index if isinstance(index, tuple) else (index,))
        )
        if advanced and "arange(" not in ast.unparse(node.slice):  # each place once, if one counts
            statement: ast.stmt = ast.Expr(filled("np.add.at(d, i, g)", d=name, i=as_index(node.slice), g=g))
        else:
            statement = ast.Assign([ast.Subscript(name, node.slice, ast.Store())], g)
        self.back.append(statement)
        exec(
            compile(
                ast.fix_missing_locations(ast.Module([copy.deepcopy(statement)], [])), "<derivation>", "exec"
            ),
            {**self.made.space, "np": np},
            self.values,
        )
        self._back(node.value, name)

    def _is_new_axes(self, node: ast.Subscript) -> bool:
        """Whether nothing is left out: ``x[:, None]``."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return all(
            (isinstance(one, ast.Slice) and one.lower is one.upper is one.step is None)
            or (isinstance(one, ast.Constant) and one.value in (None, ...))
            or ast.unparse(one) == "np.newaxis"
            for one in parts
        )

    # what came of it

    def lines(self, returned: str) -> Iterator[ast.stmt]:
        """The way forward, with names for what the way back needs of it."""
        parts = [*self.back, ast.parse(returned)]
        used = {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}
        kept: dict[str, Line] = {}
        for line in self.made.lines:
            inner: list[Line] = []
            value = self._shared(line.value, inner)
            for one in (*inner, Line(line.name, value)):
                kept.setdefault(one.name, one)
        needed: list[Line] = []
        for line in reversed(kept.values()):
            if line.name in used:
                needed.append(line)
                used |= {one.id for one in ast.walk(line.value) if isinstance(one, ast.Name)}
        for line in reversed(needed):
            yield ast.Assign([ast.Name(line.name, ast.Store())], line.value)

    def _shared(self, node: ast.expr, inner: list[Line]) -> ast.expr:
        new = copy.copy(node)
        for name, child in ast.iter_fields(node):
            if isinstance(child, ast.expr):
                setattr(new, name, self._shared(child, inner))
            elif isinstance(child, list):
                setattr(
                    new,
                    name,
                    [self._shared(one, inner) if isinstance(one, ast.expr) else one for one in child],
                )
        given = self.shared.get(ast.unparse(node))
        if given is None:
            return new
        inner.append(Line(given, new))
        return ast.Name(given, ast.Load())


def _moves(node: ast.expr) -> bool:
    """Whether the entries of a value are not those of one operand each, so that its derivative is needed whole."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    last = name_of(node).split(".")[-1]
    return isinstance(node, ast.Call) and last not in {*OF_ONE, *OF_TWO, *_REDUCED, "where", "clip"}


_WORDS: dict[type[ast.AST], str] = {ast.BinOp: "z", ast.Call: "h", ast.Subscript: "part", ast.UnaryOp: "z"}
_CALLED = {"exp": "e", "log": "logs", "max": "top", "min": "low", "sum": "total", "mean": "mean", "sqrt": "root",
           "solve": "solved"}  # fmt: skip
"""What a value is called that has no name in f."""
