"""What a person would change in one expression of a backward pass: an exchange, a factor, a sum, a term."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations

import numpy as np

from gradcheck.explain.blame.flow import run_out
from gradcheck.explain.blame.written import Source, Written, then

EXCHANGED, ADJUSTED, ADDED = 1, 2, 3
"""How natural an edit is: something for its like; a factor, a transpose or a sum more; a term or factor from afar."""


@dataclass(frozen=True)
class Edit:
    """A new text for a node of a function: an expression for an expression, a statement for a statement."""

    cost: int
    what: str
    node: ast.expr | ast.stmt
    text: str


OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%",
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_INSTEAD = {"+": "-", "-": "+", "*": "/", "/": "*", "@": "*"}
_LIKE = (
    ("sin", "cos"), ("sinh", "cosh"), ("maximum", "minimum"), ("max", "min"), ("argmax", "argmin"), ("sum", "mean"),
    ("exp", "expm1"), ("log", "log1p"), ("var", "std"), ("cumsum", "cumprod"), ("sum", "max"), ("prod", "sum"),
    ("zeros_like", "ones_like"), ("triu", "tril"), ("sqrt", "square"), ("ceil", "floor"), ("outer", "dot"),
    ("inv", "transpose"), ("exp", "log"), ("tan", "tanh"), ("cosh", "tanh"), ("sinh", "tanh"), ("argsort", "sort"),
    ("add", "subtract"), ("multiply", "divide"), ("greater", "less"), ("roll", "flip"), ("abs", "sign"),
    ("outer", "multiply"),
)  # fmt: skip
"""Functions that are taken for each other."""


def edits(function: Written, calls: tuple[str, ...], others: tuple[Written, ...]) -> Iterator[Edit]:
    """Edits of one expression; ``calls`` are functions of one array that may be applied to it.

    What part of an array is read in it or in ``others`` may be what is meant where the whole is read.
    """
    every = tuple(names(function, others))
    lost = (
        cache(partial(run_out, function))
        if any(isinstance(one, ast.For) for one in function.inside)
        else None
    )
    scope = every
    taken = _taken((function, *others), frozenset(scope))
    indices = tuple(dict.fromkeys(_indexed(function)))
    parts = tuple(dict.fromkeys(_read(function)))[:_PARTS]
    places = tuple(dict.fromkeys(_places((function, *others), frozenset(scope))))[:_PARTS]
    loops = (one for one in ast.walk(function.node) if isinstance(one, ast.For))
    counters = {loop.target.id for loop in loops if isinstance(loop.target, ast.Name)}
    yield from _of_end(function)
    for node in ast.walk(function.node):
        if lost is not None:
            scope = tuple(name for name in every if name not in lost(node))
        if isinstance(node, ast.stmt):
            yield from _of_statement(function.source, node)
            yield from _elsewhere(function.source, node, places)
            yield from _names_exchanged(function.source, node)
            yield from _more(function.source, node, scope, indices, places)
        elif isinstance(node, ast.expr) and _is_value(function.source, node):
            if _is_written_to(function.source, node):
                yield from (Edit(EXCHANGED, "variable", node, name) for name in scope)
                continue
            if isinstance(node, ast.Name) and node.id in counters:
                yield from (Edit(ADDED, "times", node, f"{node.id} * {name}") for name in scope)
            yield from _exchanges(function.source, node, scope)
            if isinstance(node, ast.Subscript):
                yield from (Edit(EXCHANGED, "variable", node, text) for text in parts)
                array = operand(function.source, node.value)
                yield from (Edit(EXCHANGED, "index", node, f"{array}[{place}]") for place in places)
                yield from _beside(function.source, node, parts)
            yield from _owners(function.source, node, scope)
            for text in taken.get(function.source.segment(node), ()) if isinstance(node, ast.Name) else ():
                yield Edit(EXCHANGED, "index", node, text)
            yield from _adjustments(function.source, node, calls)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range":
                yield from _ranges(function.source, node, sorted(counters & {*scope}))


def _owners(source: Source, node: ast.expr, scope: tuple[str, ...]) -> Iterator[Edit]:
    """Whose attribute it is: an array has no ``raw_grad``, and an object no ``T``."""
    if isinstance(node, ast.Attribute) and source.segment(node.value) == "self" and _is_arrays(node.attr):
        yield from (Edit(EXCHANGED, "variable", node.value, name) for name in scope if name.isidentifier())
    above = source.parents.get(node)
    if isinstance(node, ast.Name) and isinstance(above, ast.Attribute) and not _is_arrays(above.attr):
        yield Edit(EXCHANGED, "variable", node, "self")


def _is_arrays(attribute: str) -> bool:
    return hasattr(np.ndarray, attribute)


def _ranges(source: Source, node: ast.Call, counters: list[str]) -> Iterator[Edit]:
    """A round less or more at either end, or from where a loop around it is."""
    parts = [source.segment(part) for part in node.args]
    if len(parts) > 2:
        return
    low, high = ("0", *parts) if len(parts) == 1 else (parts[0], parts[1])
    starts = [
        *(["1"] if low == "0" else ["0", f"{low} + 1", f"{low} - 1"]),
        *counters,
        *(f"{one} + 1" for one in counters),
    ]
    yield from (Edit(EXCHANGED, "range", node, f"range({start}, {high})") for start in starts if start != low)
    lead = "" if low == "0" else f"{low}, "
    yield from (Edit(EXCHANGED, "range", node, f"range({lead}{high} {step})") for step in ("- 1", "+ 1"))


def _of_end(function: Written) -> Iterator[Edit]:
    """The return that a function lacks: what it computed last."""
    body = getattr(function.node, "body", [])
    if isinstance(body, list) and not any(
        isinstance(one, ast.Return | ast.Yield) for one in ast.walk(function.node)
    ):
        last = body[-1]
        if isinstance(last, ast.Assign | ast.Expr) and last.value is not None:
            yield Edit(EXCHANGED, "return", last, f"return {function.source.segment(last.value)}")


def names(function: Written, others: tuple[Written, ...] = ()) -> Iterator[str]:
    """Variables of the function, attributes it reads of its object, and what it has of the function around it.

    Of its module the numbers and arrays that it or ``others`` read.
    """
    node = function.node
    stored = (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    arguments = (a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in _all_of(n))
    attributes = (
        f"{n.value.id}.{n.attr}"
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id in ("self", "ctx", "cls")
        and isinstance(n.ctx, ast.Load)
    )
    kept = (
        f"{n.value.id}[{n.slice.value!r}]"
        for n in ast.walk(node)
        if isinstance(n, ast.Subscript)
        and isinstance(n.value, ast.Name)
        and isinstance(n.slice, ast.Constant)
        and isinstance(n.slice.value, str)
    )
    free = (name for name in function.code.co_freevars if name != "__class__")
    yield from dict.fromkeys([*arguments, *stored, *attributes, *kept, *free, *constants(function, others)])


def constants(function: Written, others: tuple[Written, ...]) -> Iterator[str]:
    """The numbers and arrays of a function's module that it reads, or others of that module."""
    space = function.functions[0].__globals__
    near = (one.code.co_names for one in (function, *others) if one.functions[0].__globals__ is space)
    for name in sorted({name for some in near for name in some}):
        if isinstance(space.get(name), int | float | np.ndarray):
            yield name


def _all_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (
        a
        for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        if a.arg not in ("self", "cls")
    )


def _is_value(source: Source, node: ast.expr) -> bool:
    """Whether the expression stands for a value of its own."""
    if isinstance(node, ast.JoinedStr | ast.FormattedValue | ast.Starred | ast.Lambda | ast.Slice):
        return False
    if isinstance(node, ast.Constant) and not _is_number(node):
        return False
    if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        return False
    above = source.parents.get(node)
    if isinstance(above, ast.Call) and above.func is node:
        return False
    if isinstance(above, ast.arguments | ast.FormattedValue) or (
        isinstance(above, ast.FunctionDef) and above.returns is node
    ):
        return False
    return not (
        isinstance(above, ast.Attribute)
        and isinstance(node, ast.Name)
        and node.id in ("np", "self", "math", "numpy")
    )


def _is_written_to(source: Source, node: ast.expr) -> bool:
    """Whether it is the array of an assignment to a part of it."""
    above = source.parents.get(node)
    stored = isinstance(getattr(above, "ctx", None), ast.Store)
    return isinstance(above, ast.Subscript | ast.Attribute) and stored and above.value is node


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def operand(source: Source, node: ast.expr) -> str:
    """The text of a node as an operand of anything."""
    text = source.segment(node)
    atom = isinstance(
        node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Constant | ast.List | ast.Dict
    )
    return text if atom else f"({text})"


def _of_statement(source: Source, node: ast.stmt) -> Iterator[Edit]:
    alters = isinstance(node, ast.Assign) and not any(isinstance(target, ast.Name) for target in node.targets)
    if alters or isinstance(node, ast.AugAssign | ast.Expr | ast.If):
        yield Edit(EXCHANGED, "drop", node, "" if source.stands_alone(node) else "pass")
    if isinstance(node, ast.For):
        yield Edit(EXCHANGED, "call", node.iter, f"range({source.segment(node.iter)})")
    if isinstance(node, ast.AugAssign):
        target, value = source.segment(node.target), source.segment(node.value)
        own = OPERATORS.get(type(node.op), "")
        yield Edit(EXCHANGED, "assignment", node, f"{target} = {value}")
        for sign in ("+", "-", "*", "/"):
            if sign != own:
                yield Edit(EXCHANGED, "assignment", node, f"{target} {sign}= {value}")
    if (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name | ast.Subscript | ast.Attribute)
    ):
        target, value = source.segment(node.targets[0]), source.segment(node.value)
        yield from (Edit(EXCHANGED, "assignment", node, f"{target} {sign}= {value}") for sign in "+-")
        if isinstance(node.targets[0], ast.Subscript) and not isinstance(node.targets[0].slice, ast.Slice):
            array, index = source.segment(node.targets[0].value), source.segment(node.targets[0].slice)
            index = _tuple(node.targets[0].slice, index)
            yield Edit(ADJUSTED, "assignment", node, f"np.add.at({array}, {index}, {value})")
    if (
        isinstance(node, ast.AugAssign)
        and isinstance(node.target, ast.Subscript)
        and isinstance(node.op, ast.Add)
    ):
        array, index = source.segment(node.target.value), source.segment(node.target.slice)
        if not any(isinstance(part, ast.Slice) for part in _axes(node.target.slice)):
            yield Edit(
                ADJUSTED,
                "assignment",
                node,
                f"np.add.at({array}, {_tuple(node.target.slice, index)}, {source.segment(node.value)})",
            )


def _tuple(index: ast.expr, text: str) -> str:
    return f"({text})" if isinstance(index, ast.Tuple) else text


def _read(function: Written) -> Iterator[str]:
    """Texts of the parts of arrays that are read at a place, not along an axis."""
    for node in ast.walk(function.node):
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
            continue
        if not any(isinstance(axis, ast.Slice | ast.Constant) for axis in _axes(node.slice)):
            yield function.source.segment(node)


def _beside(source: Source, node: ast.Subscript, parts: tuple[str, ...]) -> Iterator[Edit]:
    """What another array is at the same place, added to it or times it."""
    text, place = source.segment(node), f"[{source.segment(node.slice)}]"
    for other in parts:
        if text in parts and other != text and other.endswith(place):
            yield from (Edit(ADJUSTED, "times", node, f"{text} {sign} {other}") for sign in "+*")


def _taken(functions: tuple[Written, ...], scope: frozenset[str]) -> dict[str, list[str]]:
    """By the name of an array texts of its parts, of what is in scope."""
    found: dict[str, dict[str, None]] = {}
    for one in functions:
        for node in ast.walk(one.node):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                words = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
                if words <= scope | {"np"}:
                    texts = (
                        one.source.segment(node),
                        *_padded(node.value.id, ast.unparse(node.slice).strip("()")),
                    )
                    found.setdefault(node.value.id, {}).update(dict.fromkeys(texts))
    return {name: [*texts] for name, texts in found.items()}


def _padded(array: str, part: str) -> tuple[str, ...]:
    """The adjoint of taking all but the first or the last of an axis: zero for what was left out, a bias say."""
    return tuple(form.format(array) for form in _PADDED.get(part, ()))


_PADDED = {
    "1:": ("np.r_[0, {0}[1:]]", "np.r_[0 * {0}[:1], {0}[1:]]"),
    ":-1": ("np.r_[{0}[:-1], 0]", "np.r_[{0}[:-1], 0 * {0}[-1:]]"),
    ":, 1:": ("np.c_[0 * {0}[:, :1], {0}[:, 1:]]",),
    ":, :-1": ("np.c_[{0}[:, :-1], 0 * {0}[:, -1:]]",),
}


def _places(functions: tuple[Written, ...], scope: frozenset[str]) -> Iterator[str]:
    """Texts of the parts that are taken of arrays, whatever array: slices, and what tells entries of two axes."""
    for one in functions:
        for node in ast.walk(one.node):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice | ast.Tuple):
                words = {part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}
                if words <= scope | {"np", "len", "range"}:
                    yield one.source.segment(node.slice)


def _elsewhere(source: Source, node: ast.stmt, places: tuple[str, ...]) -> Iterator[Edit]:
    """The same written into another part of the array."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if isinstance(node, ast.Assign | ast.AugAssign) and isinstance(target, ast.Subscript):
        for place in dict.fromkeys((*places, *_indices(source, target.slice))):
            if place != source.segment(target.slice):
                yield Edit(EXCHANGED, "index", node, source.segment_with(node, {target.slice: place}))


def _names_exchanged(source: Source, node: ast.stmt) -> Iterator[Edit]:
    """Two variables that have each other's place in a statement."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
        return
    called = {id(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
    read = [
        one
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and id(one) not in called
    ]
    words = sorted({one.id for one in read} - {"np", "numpy", "math", "self"})
    for one, other in combinations(words, 2) if len(words) <= _WORDS else ():
        turned = {one: other, other: one}
        new: dict[ast.expr, str] = {name: turned[name.id] for name in read if name.id in turned}
        yield Edit(ADJUSTED, "order", node, source.segment_with(node, new))


def _indexed(function: Written) -> Iterator[str]:
    """Texts that stand for one place along an axis somewhere."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.Subscript):
            for part in _axes(node.slice):
                if isinstance(part, ast.Name | ast.Subscript | ast.BinOp):
                    yield function.source.segment(part)


def _more(
    source: Source, node: ast.stmt, scope: tuple[str, ...], indices: tuple[str, ...], places: tuple[str, ...]
) -> Iterator[Edit]:
    """A factor more in what is assigned; what is added in one place taken away in another, as forces are."""
    if isinstance(node, ast.Assign) and isinstance(
        node.value, ast.BinOp | ast.Call | ast.Name | ast.Subscript
    ):
        text = operand(source, node.value)
        yield from (
            Edit(ADDED, "times", node.value, f"{text} {sign} {name}") for name in scope for sign in "*/"
        )
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        array, value, axes = (
            source.segment(node.target.value),
            source.segment(node.value),
            _axes(node.target.slice),
        )
        parts = [source.segment(each) for each in axes]
        elsewhere = [
            ", ".join([*parts[:place], index, *parts[place + 1 :]])
            for place, part in enumerate(axes)
            for index in (indices if not isinstance(part, ast.Slice) else ())
        ]
        if any(isinstance(part, ast.Slice) for part in axes):
            elsewhere += places
        for index in elsewhere:
            for sign in ("+-" if isinstance(node.op, ast.Sub) else "-+") if index != ", ".join(parts) else ():
                more = f"{array}[{index}] {sign}= {value}"
                yield Edit(ADDED, "pair", node, f"{source.segment(node)}{then(source, node)}{more}")


def _axes(index: ast.expr) -> list[ast.expr]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _is_negated(source: Source, node: ast.expr) -> bool:
    """Whether a minus stands before it: then the other sign is an edit of both together, which takes it away."""
    parent = source.parents.get(node)
    return isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)


def _exchanges(source: Source, node: ast.expr, scope: tuple[str, ...]) -> Iterator[Edit]:
    text = source.segment(node)

    def edit(what: str, new: str, cost: int = EXCHANGED) -> Edit:
        return Edit(cost, what, node, new)

    if isinstance(node, ast.Name | ast.Attribute) and not (
        isinstance(node, ast.Attribute) and node.attr in ("T", "shape", "size", "ndim", "dtype")
    ):
        yield from (edit("variable", name) for name in scope if name != text)
    if isinstance(node, ast.BinOp | ast.Call | ast.Compare | ast.Subscript | ast.UnaryOp | _DISPLAYS):
        yield from (edit("variable", name, ADJUSTED) for name in scope)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield edit("transpose", operand(source, node.value))
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not _is_sentinel(source, node)
    ):
        # another bound is right at some points, as a rule, whatever the right comparison is
        cost = ADJUSTED if isinstance(source.parents.get(node), ast.Compare) else EXCHANGED
        if isinstance(_indexed_by(source, node), ast.Subscript) and type(node.value) is int:
            yield from (edit("index", name) for name in scope)
        near = (
            value
            for value in _near(node.value)
            if (value >= 0 or not _is_negated(source, node)) and not _is_neutral(source, node, value)
        )
        yield from (edit("constant", repr(value), cost) for value in near)
    if (array := _sized(node)) is not None:
        forms = (form.format(operand(source, array)) for form in _SIZES)
        yield from (edit("size", form) for form in forms if form != text)
    if _is_multiplied(source, node):
        plain = operand(source, node.value) if isinstance(node, ast.Attribute) and node.attr == "T" else text
        yield edit("symmetric", f"({plain} + {plain}.T)", ADJUSTED)
        yield edit("symmetric", f"({plain} + {plain}.T) / 2", ADJUSTED)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield edit("sign", operand(source, node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right, sign = operand(source, node.left), operand(source, node.right), OPERATORS[type(node.op)]
        if sign in _INSTEAD:
            yield edit("operator", f"{left} {_INSTEAD[sign]} {right}")
        if sign == "*":
            yield edit("operator", f"{left} @ {right}")
        if sign in ("-", "@", "/", "**", "//"):
            yield edit("order", f"{right} {sign} {left}", ADJUSTED if sign == "@" else EXCHANGED)
        yield from (edit("grouping", new) for new in _grouped_otherwise(source, node))
        yield edit("drop", left)
        yield edit("drop", f"-{right}" if sign == "-" else f"1 / {right}" if sign == "/" else right)
        if sign in ("-", "/"):
            yield edit("drop", right)
        if sign == "@":
            yield edit("transpose", f"{left}.T @ {right}")
            yield edit("transpose", f"{left} @ {right}.T")
            yield edit("transpose", f"{right}.T @ {left}", ADJUSTED)
            yield edit("transpose", f"{right} @ {left}.T", ADJUSTED)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        left, right = operand(source, node.left), operand(source, node.comparators[0])
        for sign in ("<", ">", "<=", ">="):
            if sign != _COMPARED[type(node.ops[0])]:
                yield edit("comparison", f"{left} {sign} {right}")
    if isinstance(node, ast.IfExp):
        test, body, other = (source.segment(part) for part in (node.test, node.body, node.orelse))
        yield edit("order", f"{other} if {test} else {body}")
    if isinstance(node, ast.Call):
        yield from _of_call(source, node)
    yield from (edit("end", new) for new in _ends(source, node))
    if isinstance(node, ast.Subscript):
        yield edit("drop", operand(source, node.value))
        yield from (
            edit("index", f"{operand(source, node.value)}[{new}]") for new in _indices(source, node.slice)
        )
        if any(isinstance(axis, ast.Slice) and axis.upper is not None for axis in _axes(node.slice)):
            for name in scope:
                moved = _shifted(source, _axes(node.slice), name)
                yield edit("index", f"{operand(source, node.value)}[{moved}]", ADDED)
    if isinstance(node, _DISPLAYS):
        yield from (edit("order", new) for new in _orders(source, node))


_SIZES = ("len({})", "{}.size", "{}.shape[-1]", "{}.sum()")
"""What a mean is taken over: rows, entries, columns, or the sum of weights."""


def _sized(node: ast.AST | None) -> ast.expr | None:
    """The array whose size an expression is."""
    match node:
        case ast.Attribute(array, "size") | ast.Call(ast.Name("len"), [array], []):
            return array
        case ast.Subscript(ast.Attribute(array, "shape"), ast.Constant()):
            return array
    return None


def _is_multiplied(source: Source, node: ast.expr) -> bool:
    """Whether it is an array by its name that a product of matrices is made of."""
    above: ast.AST | None = source.parents.get(node)
    while isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult | ast.Div):
        above = source.parents.get(above)
    matrices = isinstance(above, ast.BinOp) and isinstance(above.op, ast.MatMult)
    return matrices and isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


_DISPLAYS = ast.Tuple | ast.List | ast.Dict


def _ends(source: Source, node: ast.expr) -> Iterator[str]:
    """What stands at an end of a list taken away where it is only read, the other way round, and at the other end."""
    match node:
        case ast.Call(ast.Attribute(array, "pop"), args, []) if len(args) < 2:
            end = _number(args[0]) if args else -1
            own = ".pop()" if end else ".pop(0)"
        case ast.Subscript(array, index):
            end = _number(index)
            own = f"[{end}]"
        case _:
            return
    if end in (0, -1) and isinstance(array, ast.Name | ast.Attribute | ast.Subscript):
        text = source.segment(array)
        first = (".pop()", ".pop(0)") if end else (".pop(0)", ".pop()")
        yield from (f"{text}{other}" for other in (*first, f"[{end}]") if other != own)


def _orders(source: Source, node: ast.Tuple | ast.List | ast.Dict) -> Iterator[str]:
    """A tuple, a list or a dict with two of its parts exchanged; what one that holds a single part was made of."""
    held = node.values if isinstance(node, ast.Dict) else node.elts
    parts = [source.segment(part) for part in held]
    for i, j in combinations(range(len(parts)), 2) if len(parts) <= 8 else ():
        turned = list(parts)
        turned[i], turned[j] = turned[j], turned[i]
        if isinstance(node, ast.Dict):
            keys = ["**" if key is None else f"{source.segment(key)}: " for key in node.keys]
            yield "{" + ", ".join(map("".join, zip(keys, turned, strict=True))) + "}"
        else:
            yield f"[{', '.join(turned)}]" if isinstance(node, ast.List) else f"({', '.join(turned)})"
    if len(parts) == 1:
        yield operand(source, held[0])
        if isinstance(held[0], ast.Subscript):
            yield operand(source, held[0].value)


def _is_neutral(source: Source, node: ast.expr, value: float) -> bool:
    """Whether an operation with such a number is none: it is dropped, then."""
    above = source.parents.get(node)
    if not isinstance(above, ast.BinOp):
        return False
    if value == 0:
        return isinstance(above.op, ast.Add | ast.Sub)
    right = node is above.right and isinstance(above.op, ast.Div | ast.Pow)
    return value == 1 and (right or isinstance(above.op, ast.Mult))


def _is_sentinel(source: Source, node: ast.Constant) -> bool:
    """Whether it is no quantity: True, or what something is compared with for equality, true nowhere near any point."""
    above = source.parents.get(node)
    compared = isinstance(above, ast.Compare) and any(
        isinstance(one, ast.Eq | ast.NotEq) for one in above.ops
    )
    return compared or isinstance(node.value, bool)


def _near(value: int | float) -> list[int | float]:
    near: list[int | float] = [1, 0, 2, -1, value + 1, value - 1, value * 2, -value, 0.5, value * value, 3]
    near += [1.0 - value]
    near += [value / 2 if value % 2 or isinstance(value, float) else value // 2]
    near += [1.0 / value] if value else []
    if isinstance(value, float):
        near += [10.0 * value, value / 10.0]
    return [other for other in dict.fromkeys(near) if other != value]


def _indexed_by(source: Source, node: ast.expr) -> ast.AST | None:
    """What an expression is an index of, alone or among others."""
    above = source.parents.get(node)
    above = source.parents.get(above) if isinstance(above, ast.Tuple) else above
    return above if isinstance(above, ast.Subscript) and node is not above.value else None


def _shifted(source: Source, axes: list[ast.expr], by: str) -> str:
    """Axes of which each that is taken from its start is taken from ``by`` on."""
    parts = [
        f"{by}:{by} + {operand(source, axis.upper)}"
        if isinstance(axis, ast.Slice) and axis.upper is not None and _is_from_start(axis)
        else source.segment(axis)
        for axis in axes
    ]
    return ", ".join(parts)


def _is_from_start(axis: ast.Slice) -> bool:
    lower = axis.lower
    return axis.step is None and (lower is None or (isinstance(lower, ast.Constant) and lower.value == 0))


def _windows(source: Source, axis: ast.Slice) -> Iterator[tuple[str, str]]:
    """Ends of what is of the same length and starts elsewhere."""
    low, high = _number(axis.lower), _number(axis.upper)
    if low is not None and high is not None and low >= 0 >= high:
        cut = low - high
        yield from (
            (f"{k or ''}", f"{k - cut or ''}") for k in range(cut + 1 if cut <= _CUT else 0) if k != low
        )
    elif low is None and axis.upper is not None:
        assert axis.lower is not None
        ends = source.segment(axis.lower), source.segment(axis.upper)
        yield from ((f"{ends[0]} {step}", f"{ends[1]} {step}") for step in ("+ 1", "- 1"))


def _number(end: ast.expr | None) -> int | None:
    """What an end of a slice is worth where it is written as a number or not at all, counted from its own end."""
    try:
        value = 0 if end is None else ast.literal_eval(end)
    except ValueError:
        return None
    return value if type(value) is int else None


def _indices(source: Source, index: ast.expr) -> Iterator[str]:
    if isinstance(index, ast.Slice):
        low, high, step = (
            source.segment(part) if part else "" for part in (index.lower, index.upper, index.step)
        )
        for new in (
            (low, "", ""),
            ("", high, ""),
            ("1", "", ""),
            ("", "-1", ""),
            ("", "", "-1"),
            (low, high, ""),
            (high, low, step),
        ):
            if new != (low, high, step):
                yield _slice(*new)
        for part, near in ((0, low), (1, high)):
            if near:
                for change in ("+ 1", "- 1"):
                    moved = [low, high, step]
                    moved[part] = f"{near} {change}"
                    yield _slice(*moved)
        yield from (_slice(*ends, step) for ends in _windows(source, index))
    elif isinstance(index, ast.Tuple):
        parts = [source.segment(part) for part in index.elts]
        for i, j in combinations(range(len(parts)), 2) if len(parts) <= _WORDS else ():
            turned = list(parts)
            turned[i], turned[j] = turned[j], turned[i]
            yield ", ".join(turned)
        for place, axis in enumerate(index.elts):
            if isinstance(axis, ast.Slice | ast.Name | ast.BinOp):
                for text in _indices(source, axis):
                    yield ", ".join([*parts[:place], text, *parts[place + 1 :]])
    elif not _is_number(index):
        text = operand(source, index)
        yield from (f"{text} + 1", f"{text} - 1", f"-1 - {text}", f"-{text}")


def _slice(low: str, high: str, step: str) -> str:
    return f"{low}:{high}:{step}" if step else f"{low}:{high}"


def _grouped_otherwise(source: Source, node: ast.BinOp) -> Iterator[str]:
    """What is made of three operands if the other two of them are taken together: ``1 - h**2`` of ``(1 - h)**2``."""
    inside, beside = node.left, node.right
    if isinstance(inside, ast.BinOp) and type(inside.op) in OPERATORS:
        first, second = OPERATORS[type(inside.op)], OPERATORS[type(node.op)]
        if (first, second) not in _EITHER_WAY:
            together = f"{operand(source, inside.right)} {second} {operand(source, beside)}"
            tight = _BINDS[second] > _BINDS[first]
            yield f"{operand(source, inside.left)} {first} {together if tight else f'({together})'}"
    inside, beside = node.right, node.left
    if isinstance(inside, ast.BinOp) and type(inside.op) in OPERATORS:
        first, second = OPERATORS[type(node.op)], OPERATORS[type(inside.op)]
        if (first, second) not in _EITHER_WAY:
            together = f"{operand(source, beside)} {first} {operand(source, inside.left)}"
            tight = _BINDS[first] >= _BINDS[second] and first != "**"
            yield f"{together if tight else f'({together})'} {second} {operand(source, inside.right)}"


_BINDS = {"+": 0, "-": 0, "*": 1, "/": 1, "@": 1, "//": 1, "%": 1, "**": 2}
_EITHER_WAY = frozenset({("+", "+"), ("+", "-"), ("*", "*"), ("*", "/"), ("@", "@")})
"""Pairs of operators of which it is all the same which comes first."""


def _of_call(source: Source, node: ast.Call) -> Iterator[Edit]:
    text = source.segment(node)
    function = source.segment(node.func)
    inside = text[len(function) :]

    def edit(what: str, new: str, cost: int = EXCHANGED) -> Edit:
        return Edit(cost, what, node, new)

    base, _, last = function.rpartition(".")
    if last == "reshape" and base not in ("np", "numpy"):
        yield from (edit("axes", f"{base}.transpose({axes}).reshape{inside}", ADJUSTED) for axes in _TURNS)
    for pair in _LIKE:
        for one, other in (pair, pair[::-1]):
            if last == one:
                yield edit("call", f"{base}.{other}{inside}" if base else f"{other}{inside}")
    if isinstance(node.func, ast.Attribute) and base not in ("np", "numpy", "math", "self"):
        yield edit("drop", base)
    if node.args:
        first = operand(source, node.args[0])
        yield edit("drop", first)
    if last == "where" and len(node.args) == 3:
        yield from (edit("drop", operand(source, branch)) for branch in node.args[1:])
        yield from (Edit(EXCHANGED, "constant", branch, "0") for branch in node.args[1:])
    if 2 <= len(node.args) <= 5 and not node.keywords:
        parts = [source.segment(part) for part in node.args]
        for i, j in combinations(range(len(parts)), 2):
            turned = list(parts)
            turned[i], turned[j] = turned[j], turned[i]
            yield edit("order", f"{function}({', '.join(turned)})")
    arguments = [source.segment(part) for part in node.args]
    keywords = [(word.arg, source.segment(word.value)) for word in node.keywords]

    def called(words: list[tuple[str | None, str]], positional: list[str]) -> str:
        named = [f"{name}={value}" if name else f"**{value}" for name, value in words]
        return f"{function}({', '.join([*positional, *named])})"

    for place, (name, value) in enumerate(keywords):
        rest = [*keywords[:place], *keywords[place + 1 :]]
        yield edit("keyword", called(rest, arguments))
        if value in ("True", "False"):
            other = "False" if value == "True" else "True"
            yield edit("keyword", called([*rest, (name, other)], arguments))
    if last in ("sum", "mean", "max", "min", "prod", "std", "var", "cumsum"):
        for axis in ("0", "1", "-1", "2", "(0, 1)", "(0, 2)", "(1, 2)", "(0, 2, 3)"):
            array = arguments if base in ("np", "numpy") else []
            rest = [(name, value) for name, value in keywords if name != "axis"]
            yield edit("axis", called([("axis", axis), *rest], array[:1]), ADJUSTED)
            if not any(name == "keepdims" for name, _ in keywords):
                yield edit("axis", called([("axis", axis), ("keepdims", "True")], array[:1]), ADJUSTED)


_TURNS = (
    "1, 0", "0, 2, 1", "1, 0, 2", "1, 2, 0", "2, 0, 1", "0, 2, 3, 1", "0, 3, 1, 2", "1, 0, 2, 3", "0, 2, 1, 3",
    "1, 2, 3, 0", "3, 0, 1, 2",
)  # fmt: skip
_SUMMED = (
    "0", "1", "", "0, keepdims=True", "1, keepdims=True", "-1, keepdims=True", "(0, 1)", "(0, 2, 3)",
)  # fmt: skip
_PARTS, _WORDS, _CUT = 24, 6, 4
"""Parts of arrays that are taken for each other; variables of a statement of which two are exchanged, at most; entries
that a slice leaves out at both ends together and may leave out otherwise, at most."""
ARITHMETIC = frozenset({"factor", "sum", "square", "complement", "sign", "axes"})
"""Edits that suit numbers alone."""


def _is_product(node: ast.expr) -> bool:
    """Whether a factor may stand before or after it as it is."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.Pow)


def _adjustments(source: Source, node: ast.expr, calls: tuple[str, ...]) -> Iterator[Edit]:
    above = source.parents.get(node)
    if isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Dict) or _sized(above) is node:
        return
    text = operand(source, node)

    def edit(what: str, new: str) -> Edit:
        return Edit(ADJUSTED, what, node, new)

    yield Edit(EXCHANGED if isinstance(node, ast.Name) else ADJUSTED, "transpose", node, f"{text}.T")
    if not _is_negated(source, node):
        yield edit("sign", f"-{text}")
    yield edit("square", f"{text} ** 2")
    yield edit("complement", f"1 - {text}")
    yield edit("factor", f"2 * {source.segment(node) if _is_product(node) else text}")
    yield edit("index", f"{text}[::-1]")
    yield edit("index", f"{text}[:, None]")
    yield from (edit("sum", f"{text}.sum({axes})") for axes in _SUMMED)
    yield from (edit("axes", f"{text}.swapaxes({axes})") for axes in ("-1, -2", "0, 1", "1, 2"))
    yield from (edit("call", f"{call}({source.segment(node)})") for call in calls)
