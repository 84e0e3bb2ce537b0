"""The public checks: each says how a claim of its kind becomes a pullback, the rest is common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.arguments import Point, point
from gradcheck.evidence import Floats
from gradcheck.findings import Diagnosis
from gradcheck.guard import Counted, NotNumeric, Raised, flat, undisturbed
from gradcheck.reading import Reading, changed, contracted, fitting_argnums, hessian_rows, lent, read, shaped
from gradcheck.report import Report, conclude
from gradcheck.run import ORACLES, Options, Task, Through, run
from gradcheck.second_order import gradient_of
from gradcheck.tangents import ENTRY_BY_ENTRY, columns, pushed, spanned

Argnums = int | Sequence[int] | None


def check_grad(
    f: Callable[..., Any],
    grad: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check the gradient of a scalar function.

    Parameters
    ----------
    f
        ``f(*args)`` -> a number.
    grad
        ``grad(*args)`` -> the gradient with respect to the checked arguments: of one, itself; of several, a
        tuple or list in their order. Each has the tree and the shapes of its argument.
    *args
        The point: arrays, floats, nested lists, tuples and dicts of them; anything else is passed on as it is.
    argnums
        The arguments to check; None for every one that holds floating-point arrays.
    rtol
        The relative error that must be caught; a check that cannot see it is inconclusive. Default 1e-3, in
        single precision 3e-2; most checks are far sharper and say so.
    oracles
        Of "autograd", "differences", "complex_step"; None for all that apply.
    seed
        Of the random directions.
    raise_on_failure
        Raise on any verdict but "pass"; otherwise return the report whatever it says.
    points
        So many further points near the given one are checked, too.
    executor
        Takes independent evaluations of f; f must be picklable where its workers are processes.

    Returns
    -------
    Report

    Raises
    ------
    GradientMismatch
        The claim is wrong.
    InconclusiveCheck
        It cannot be told; the report says why.
    TypeError, ValueError
        The check was called wrongly.
    """
    where = _where(f, "f", grad, "grad", args, argnums)

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        result = claim(*arguments)
        return _behaved(_read(at, result, "grad", argnums), lent(result, arguments, at, "grad"))

    claim = Counted(grad, "grad")
    options = _options(rtol, oracles, seed, points, executor)
    return conclude(
        run(Task("grad", Counted(f, "f"), claim, ask, where, options, scalar=True)), raise_on_failure
    )


def check_vjp(
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check a pullback: ``vjp(cotangent, *args)`` for a cotangent with the tree and shapes of ``f(*args)``.

    It returns what a gradient would (see `check_grad`, also for the keywords).
    """
    task = pullback_task("vjp", f, vjp, args, argnums, rtol, oracles, seed, points, executor)
    return conclude(run(task), raise_on_failure)


def pullback_task(
    kind: str,
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: Argnums,
    rtol: float | None,
    oracles: Sequence[str] | None,
    seed: int,
    points: int,
    executor: Executor | None,
) -> Task:
    """The task of checking ``vjp(cotangent, *args)``; what `check_vjp` and `check_layer` share."""
    where = _where(f, "f", vjp, "vjp", args, argnums)
    label = "backward" if kind == "layer" else "vjp"
    claim = Counted(vjp, label)

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        cotangent, kept = shaped(output, u), shaped(output, u)
        result = claim(cotangent, *arguments)
        reading = _read(at, result, label, argnums)
        return _behaved(
            reading, lent(result, arguments, at, label), changed(cotangent, kept, label, "cotangent")
        )

    options = _options(rtol, oracles, seed, points, executor)
    counted = Counted(f, "forward" if kind == "layer" else "f")
    return Task(kind, counted, claim, ask, where, options, scalar=False)


def check_jvp(
    f: Callable[..., Any],
    jvp: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check a forward derivative: ``jvp(tangents, *args)`` -> the rate of change of ``f(*args)``.

    ``tangents`` has the tree and shapes of the checked argument, of several it is a tuple of theirs. The
    keywords are those of `check_grad`.
    """
    where = _where(f, "f", jvp, "jvp", args, argnums)
    options = _options(rtol, oracles, seed, points, executor)
    return conclude(run(_forward("jvp", Counted(f, "f"), jvp, where, options)), raise_on_failure)


def check_jacobian(
    f: Callable[..., Any],
    jac: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check a dense Jacobian: ``jac(*args)`` -> for each checked leaf an array of output shape + leaf shape.

    ``f`` returns one array. The keywords are those of `check_grad`.
    """
    where = _where(f, "f", jac, "jac", args, argnums)
    claim = Counted(jac, "jac")

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        result = claim(*arguments)
        reading = _read(at, result, "jac", argnums, np.shape(output))
        return _behaved(contracted(reading, u, np.shape(output)), lent(result, arguments, at, "jac"))

    options = _options(rtol, oracles, seed, points, executor)
    task = Task("jacobian", Counted(f, "f"), claim, ask, where, options, scalar=False)
    return conclude(run(task), raise_on_failure)


def check_hessian(
    f: Callable[..., Any],
    hess: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check the second derivatives of a scalar function.

    ``hess(*args)`` returns, for one checked array x, an array of shape x.shape + x.shape; for several
    arguments (or a tree) the block ``hess[i][j]`` of shape xi.shape + xj.shape. The keywords are those of
    `check_grad`.
    """
    where = _where(f, "f", hess, "hess", args, argnums)
    claim = Counted(hess, "hess")

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        result = claim(*arguments)
        return _behaved(hessian_rows(at, result, u, "hess"), lent(result, arguments, at, "hess"))

    options = _options(rtol, oracles, seed, points, executor)
    task = Task(
        "hessian",
        Counted(f, "f"),
        claim,
        ask,
        where,
        options,
        scalar=False,
        through=partial(gradient_of, where),
    )
    return conclude(run(task), raise_on_failure)


def check_hvp(
    f_or_grad: Callable[..., Any],
    hvp: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int = 0,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check a Hessian-vector product: ``hvp(v, *args)`` with ``v`` as the checked arguments, and its result too.

    ``f_or_grad`` is the scalar function, or its gradient: what returns one number for more than one entry is
    taken for the function. A gradient is trusted; check it first with `check_grad`. The keywords are those of
    `check_grad`.
    """
    where = _where(f_or_grad, "f_or_grad", hvp, "hvp", args, argnums)
    options = _options(rtol, oracles, seed, points, executor)
    counted = Counted(f_or_grad, "f")
    through = partial(gradient_of, where) if _returns_one_number(counted, where) else None
    return conclude(run(_forward("hvp", counted, hvp, where, options, through)), raise_on_failure)


def _returns_one_number(f: Counted, where: Point) -> bool:
    with undisturbed():
        try:
            return flat(f(*where.copied(where.args)), f.label).size == 1
        except (Raised, NotNumeric):
            return False  # the first look will say what is wrong


def _forward(
    kind: str,
    f: Counted,
    claimed: Callable[..., Any],
    where: Point,
    options: Options,
    through: Through | None = None,
) -> Task:
    """The task of a claim that pushes tangents forward: entry by entry, or along a few directions of each leaf."""
    claim = Counted(claimed, kind)
    if where.x.size <= ENTRY_BY_ENTRY:

        def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
            return columns(at, claim, arguments, u, output, kind)

        return Task(kind, f, claim, ask, where, options, scalar=False, through=through)

    span = spanned(where, np.random.default_rng(options.seed))

    def along(at: Point, coordinates: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        return pushed(span, where, claim, coordinates, u, output, kind)

    def composed(counted: Counted) -> Callable[..., Any]:
        function = counted if through is None else through(counted)
        return lambda *coordinates: function(*span.arguments(coordinates))

    return Task(kind, f, claim, along, span.point, options, scalar=False, through=composed)


def _where(
    f: object, f_name: str, claim: object, claim_name: str, args: tuple[Any, ...], argnums: Argnums
) -> Point:
    for value, name in ((f, f_name), (claim, claim_name)):
        if not callable(value):
            raise TypeError(f"{name} must be callable, got {name}={value!r} ({type(value).__name__})")
    return point(f, args, argnums)  # type: ignore[arg-type]


def _behaved(reading: Reading, *conduct: Diagnosis | None) -> Reading:
    return replace(reading, conduct=tuple(diagnosis for diagnosis in conduct if diagnosis))


def _read(where: Point, result: Any, label: str, argnums: Argnums, output: tuple[int, ...] = ()) -> Reading:
    reading = read(where, result, label, output)
    if not reading.problems or argnums is not None or len(where.argnums) < 2:
        return reading
    fitting = fitting_argnums(where, result)
    if fitting is None:
        return reading
    first, *others = reading.problems
    names = ", ".join(where.names[number] for number in where.argnums)
    proposed = fitting[0] if len(fitting) == 1 else fitting
    advice = (
        f". argnums was left out, so every floating-point argument is checked ({names}); what came fits "
        f"{', '.join(where.names[number] for number in fitting)}: pass argnums={proposed!r} to check that"
    )
    return replace(reading, problems=(replace(first, message=first.message + advice), *others))


def _options(
    rtol: float | None, oracles: Sequence[str] | None, seed: int, points: int, executor: Executor | None
) -> Options:
    if rtol is not None and not 0.0 < float(rtol) < 1.0:
        raise ValueError(f"rtol must lie between 0 and 1, got rtol={rtol!r}")
    chosen = ORACLES if oracles is None else (oracles,) if isinstance(oracles, str) else tuple(oracles)
    for name in chosen:
        if name not in ORACLES:
            raise ValueError(f"oracles has {name!r}; wanted any of {', '.join(map(repr, ORACLES))}")
    if not chosen:
        raise ValueError(f"oracles is empty; wanted any of {', '.join(map(repr, ORACLES))}, or None for all")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be an int >= 0, got seed={seed!r}")
    if isinstance(points, bool) or not isinstance(points, int | np.integer) or points < 0:
        raise ValueError(f"points must be an int >= 0, got points={points!r}")
    return Options(rtol, chosen, int(seed), int(points), executor)
