"""The public checks: each says how a claim of its kind becomes a pullback, the rest is common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.ask.ambient import default_seed
from gradcheck.ask.calls import Counted, NotNumeric, Raised, flat, undisturbed
from gradcheck.ask.point import Point, describe, point
from gradcheck.ask.random_rounding import met
from gradcheck.ask.reading import (
    Reading,
    changed,
    contracted,
    fitting_argnums,
    hessian_rows,
    lent,
    read,
    shaped,
)
from gradcheck.ask.tangents import ENTRY_BY_ENTRY, columns, pushed, spanned
from gradcheck.ask.task import ORACLES, Options, Task, Through, generator_of
from gradcheck.ask.trees import Floats
from gradcheck.oracles.gradients import gradient_of
from gradcheck.report.findings import Diagnosis
from gradcheck.report.report import Report, conclude
from gradcheck.run import run

__tracebackhide__ = True  # a failure is the caller's: pytest shows the line of the test

Argnums = int | Sequence[int] | None


def check_grad(
    f: Callable[..., Any],
    grad: Callable[..., Any],
    *args: Any,
    argnums: Argnums = None,
    rtol: float | None = None,
    oracles: Sequence[str] | None = None,
    seed: int | None = None,
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
        Of the random directions; None for 0, or what the pytest plugin or the command was given.
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
    seed: int | None = None,
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
    seed: int | None,
    points: int,
    executor: Executor | None,
) -> Task:
    """The task of checking ``vjp(cotangent, *args)``; what `check_vjp` and `check_layer` share."""
    where = _where(f, "f", vjp, "vjp", args, argnums)
    label = "backward" if kind == "layer" else "vjp"
    claim = Counted(vjp, label)

    def ask(at: Point, arguments: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        cotangent, kept = shaped(output, u), shaped(output, u)
        result = claim(met(cotangent), *arguments)
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
    seed: int | None = None,
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
    seed: int | None = None,
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
        if isinstance(output, tuple | list | dict):
            raise ValueError(f"f must return one array for check_jacobian; it returned {describe(output)}")
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
    seed: int | None = None,
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
    seed: int | None = None,
    raise_on_failure: bool = True,
    points: int = 0,
    executor: Executor | None = None,
) -> Report:
    """Check a Hessian-vector product: ``hvp(v, *args)`` with ``v`` as the checked arguments, and its result too.

    ``f_or_grad`` is the scalar function, or its gradient: what returns one number for more than one entry is
    taken for the function; at a single number both readings are tried. A gradient is trusted; check it first
    with `check_grad`, whose keywords these are.
    """
    where = _where(f_or_grad, "f_or_grad", hvp, "hvp", args, argnums)
    options = _options(rtol, oracles, seed, points, executor)
    counted = Counted(f_or_grad, "f")
    of_function = _forward("hvp", counted, hvp, where, options, partial(gradient_of, where))
    of_gradient = _forward("hvp", counted, hvp, where, options)
    reading = _returned(counted, where)
    if reading == "either":
        report = run(of_function)
        other = report if report.ok else run(of_gradient)
        if other.ok and not report.ok:
            note = "f_or_grad maps a number to a number and was taken for the gradient; taken for the function it fails"
            report = replace(other, notes=(*other.notes, note))
        return conclude(report, raise_on_failure)
    return conclude(run(of_function if reading == "function" else of_gradient), raise_on_failure)


def _returned(f: Counted, where: Point) -> str:
    """What one call shows f to be: the scalar "function", its "gradient", or, of one plain number, "either"."""
    with undisturbed():
        try:
            output = f(*where.copied(where.args))
            size = flat(output, f.label).size
        except (Raised, NotNumeric):
            return "gradient"  # the first look will say what is wrong
    if size != 1 or (where.x.size == 1 and np.ndim(output) > 0):
        return "gradient"
    return "either" if where.x.size == 1 else "function"


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

    span = spanned(where, generator_of(options))

    def along(at: Point, coordinates: tuple[Any, ...], u: Floats, output: Any) -> Reading:
        return pushed(span, where, claim, coordinates, u, output, kind)

    def composed(counted: Counted) -> Callable[..., Any]:
        function = counted if through is None else through(counted)
        return lambda *coordinates: function(*span.arguments(coordinates))

    return Task(kind, f, claim, along, span.point, options, scalar=False, through=composed, shown=where.slots)


def _where(
    f: object, f_name: str, claim: object, claim_name: str, args: tuple[Any, ...], argnums: Argnums
) -> Point:
    for value, name in ((f, f_name), (claim, claim_name)):
        if not callable(value):
            raise TypeError(f"{name} must be callable, got {name}={value!r} ({type(value).__name__})")
    return point(f, args, argnums)  # type: ignore[arg-type]


def _behaved(reading: Reading, lends: Diagnosis | None, changes: Diagnosis | None = None) -> Reading:
    return replace(reading, conduct=(changes,) if changes else (), lends=(lends,) if lends else ())


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
    rtol: float | None,
    oracles: Sequence[str] | None,
    seed: int | None,
    points: int,
    executor: Executor | None,
) -> Options:
    if rtol is not None and not (isinstance(rtol, float | np.floating) and 0.0 < rtol < 1.0):
        raise ValueError(f"rtol must be a number between 0 and 1, got rtol={rtol!r}")
    wanted = f"oracles must name any of {', '.join(map(repr, ORACLES))}, or be None for all"
    if oracles is not None and not isinstance(oracles, str | tuple | list):
        raise TypeError(f"{wanted}; got oracles={oracles!r}")
    chosen = ORACLES if oracles is None else (oracles,) if isinstance(oracles, str) else tuple(oracles)
    if not chosen or any(name not in ORACLES for name in chosen):
        raise ValueError(f"{wanted}; got oracles={oracles!r}")
    if "complex_step" in chosen:  # it is trusted only where it agrees with differences
        chosen = (*chosen, "differences")
    seed = default_seed() if seed is None else seed
    for name, value in (("seed", seed), ("points", points)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"{name} must be an int of at least 0, got {name}={value!r}")
    if executor is not None and not callable(getattr(executor, "map", None)):
        raise TypeError(
            f"executor must be a concurrent.futures.Executor or have its map(), got executor={executor!r}"
        )
    return Options(rtol, chosen, oracles is not None, int(seed), int(points), executor)
