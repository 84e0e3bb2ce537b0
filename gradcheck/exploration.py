"""Trying what one point cannot show: other shapes, precisions, memory and values, down to the smallest that fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from keyword import iskeyword
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.anatomy.by_name import by_argument
from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed
from gradcheck.ask.point import NoEntries, argument_names, floating_argnums
from gradcheck.cutting import simpler
from gradcheck.dimensions import shape_of
from gradcheck.findings import Verdict
from gradcheck.report.report import Report
from gradcheck.verify.case import CHECKS

if TYPE_CHECKING:
    from gradcheck.strategies import At

__tracebackhide__ = True


@dataclass(frozen=True)
class Exploration:
    """What was tried, and the smallest point that failed.

    Attributes
    ----------
    verdict
        "fail" where a point failed, "inconclusive" where none could be judged, else "pass".
    report
        The report of the smallest failure; None without one.
    problem
        In a sentence what is special about it; of an exploration that could judge nothing, what stood in the way.
    example
        Python that makes its arguments, by their names in ``shapes``.
    covered
        How many points of each kind were tried: ``{"axis n of length 1": 12, ...}``.
    tried, undecided, skipped
        Points; those of which the check was inconclusive; those where f raised or was not finite.
    """

    verdict: Verdict
    report: Report | None
    problem: str
    example: str
    covered: Mapping[str, int]
    tried: int
    undecided: int
    skipped: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return self.verdict is Verdict.PASS

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = (
            f"{self.verdict}: {self.tried} points in {self.seconds:.1f} s, {self.undecided} undecided, "
            f"{self.skipped} where f is not defined"
        )
        found = [self.problem] if self.problem else []
        if self.example:
            found = [f"the smallest that fails: {self.problem}", self.example]
        found += [str(self.report)] if self.report is not None else []
        table = "\n".join(f"  {count:5}  {what}" for what, count in sorted(self.covered.items()))
        return "\n\n".join([head, *found, f"covered\n{table}"])


class ExplorationFailed(AssertionError):
    """A point failed; ``exploration`` says which."""

    __module__ = "gradcheck"

    def __init__(self, exploration: Exploration) -> None:
        super().__init__(exploration)
        self.exploration = exploration

    def __str__(self) -> str:
        return str(self.exploration)


def explore(
    f: Callable[..., Any],
    claim: Callable[..., Any],
    shapes: Mapping[str, Any],
    kind: str = "grad",
    *,
    argnums: int | tuple[int, ...] | None = None,
    allow: float | Mapping[str, float] | None = None,
    seconds: float = 20.0,
    most: int = 2000,
    dtypes: tuple[str, ...] = ("float64", "float32"),
    empty: bool = True,
    seed: int = 0,
    raise_on_failure: bool = True,
) -> Exploration:
    """Check ``claim`` at points of many shapes, precisions, memory layouts and values.

    Parameters
    ----------
    f, claim
        As the check of this kind takes them.
    shapes
        What each argument is, in their order: ``{"W": "d h", "X": "n d"}``, where equal names are equal lengths;
        ``"3 4*h"``, ``"int n < v"`` for indices below v, ``"bool n"`` for a mask, ``""`` for a number; what is no
        string is passed on as it is.
    kind
        "grad", "vjp", "jvp", "jacobian", "hessian", "hvp", or "layer" for forward and backward.
    argnums, allow
        As for the check; None for all arguments of floats, and for no deviation that is meant.
    seconds
        How long to look; a failure is shrunk for as long again at the most.
    most
        Points at the most.
    dtypes
        Precisions to try.
    empty
        Whether an axis may be empty, where f takes that.

    Raises
    ------
    ExplorationFailed
        A point fails.
    ImportError
        Hypothesis is not installed (``pip install gradcheck[explore]``).
    ValueError, TypeError
        ``kind`` or a shape is none.
    """
    if kind not in CHECKS:
        raise ValueError(f"kind={kind!r} is none of {', '.join(CHECKS)}")
    for name, function in (("f", f), ("claim", claim)):
        if not callable(function):
            raise TypeError(f"{name} must be callable, got {name}={function!r}")
    if not isinstance(shapes, Mapping) or not all(map(_is_name, shapes)):
        raise TypeError(
            f"shapes must map each argument's name to its shape, as in {{'X': 'n d'}}, got shapes={shapes!r}"
        )
    if isinstance(dtypes, str) or not dtypes:
        raise TypeError(f"dtypes must be a tuple of names, as in ('float64',), got dtypes={dtypes!r}")
    if not (isinstance(seconds, float | int) and seconds > 0 and isinstance(most, int) and most > 0):
        raise ValueError(
            f"seconds must be a positive number and most a whole one, got seconds={seconds!r}, most={most!r}"
        )
    for name, given in shapes.items():
        trees.must_end(f"shapes[{name!r}]", given)
        if isinstance(given, str):
            shape_of(name, given)  # what is no shape is said before anything is drawn
    from gradcheck.strategies import points

    search = _Search((f, claim), dict(shapes), kind, {"argnums": argnums, "allow": allow}, seconds)
    search.run(
        points(dict(shapes), dtypes=tuple(np.dtype(one).name for one in dtypes), empty=empty), most, seed
    )
    found = search.found()
    if raise_on_failure and found.verdict is Verdict.FAIL:
        raise ExplorationFailed(found)
    return found


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and not iskeyword(name)


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Hypothesis makes a directory where it runs; where there was none, it is gone with the exploration."""
    from hypothesis import configuration

    place: Any = configuration.storage_directory(intent_to_write=False)
    home = getattr(place, "home_directory", place)  # the place itself in older versions
    if home.exists():
        yield
        return
    with TemporaryDirectory() as directory:
        configuration.set_hypothesis_home_dir(directory)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(home)


class _Wrong(Exception):
    """The point that was drawn fails."""


class _Search:
    """One exploration under way."""

    def __init__(
        self,
        pair: tuple[Callable[..., Any], Callable[..., Any]],
        shapes: dict[str, Any],
        kind: str,
        options: dict[str, Any],
        seconds: float,
    ) -> None:
        (self.f, self.claim), self.shapes, self.kind, self.options = pair, shapes, kind, options
        self.start, self.seconds = time.perf_counter(), seconds
        self.until = self.start + seconds
        self.covered: Counter[str] = Counter()
        self.outcomes: dict[str, tuple[str, Report | None]] = {}
        self.tried = self.undecided = self.skipped = 0
        self.why = "no point was tried"
        self.smallest: tuple[At, str, Report | None] | None = None

    def run(self, drawn: Any, most: int, seed: int) -> None:
        """Look at points drawn from this strategy."""
        import hypothesis

        settings = hypothesis.settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        )

        @hypothesis.seed(seed)
        @settings
        @hypothesis.given(drawn)
        def look(at: At) -> None:
            problem, report = self._outcome(at)
            if problem:
                self.smallest = (at, problem, report)
                raise _Wrong

        with suppress(_Wrong, _OutOfTime), _leaving_nothing():
            look()
        while self._simplified():
            continue

    def _simplified(self) -> bool:
        """Whether a point that is simpler in one thing fails as well: it is the smallest then.

        A long axis, and numbers that come from a seed, are drawn in ways of their own, which shrinking does not leave.
        """
        if self.smallest is None:
            return False
        for at in simpler(self.smallest[0], self.shapes):
            problem, report = self._outcome(at)
            if problem:
                self.smallest = (at, problem, report)
                return True
        return False

    def _outcome(self, at: At) -> tuple[str, Report | None]:
        key = _key(at)
        late = time.perf_counter() > self.until
        if late and self.smallest is None:
            raise _OutOfTime
        if key in self.outcomes:
            return self.outcomes[key]
        if late:
            return "", None  # no time to look: as good as right, and the smallest stays
        self.tried += 1
        self.covered.update(_aspects(at, self.shapes))
        before = self.smallest
        self.outcomes[key] = self._looked(at)
        if before is None and self.outcomes[key][0]:
            self.until = time.perf_counter() + self.seconds
        return self.outcomes[key]

    def _looked(self, at: At) -> tuple[str, Report | None]:
        from gradcheck.strategies import taking

        args = list(at.args.values())
        if not self._takes(args):
            self.skipped += 1
            return "", None
        pair = (self.f, self.claim)
        if at.layout != "C":
            pair = taking(self.f, at.layout, len(args)), taking(self.claim, at.layout, len(args))
        given = (pair,) if self.kind == "layer" else pair
        try:
            report = CHECKS[self.kind](*given, *args, **self.options, raise_on_failure=False)
        except NoEntries:
            return self._of_nothing(args), None
        if report.verdict is Verdict.INCONCLUSIVE:
            self.undecided += 1
        return (_said(at), report) if report.verdict is Verdict.FAIL else ("", None)

    def _takes(self, args: list[Any]) -> bool:
        """Whether f is defined there and on both sides: an axis may be too short, a value at the edge of its domain."""
        with undisturbed():
            try:
                results = [self.f(*self._beside(args, side)) for side in (0.0, 1.0, -1.0)]
            except Exception as error:
                self.why = f"f raised {type(error).__name__}: {error}"
                return False
        if all(map(_is_finite, results)):
            return True
        self.why = "f is not finite"
        return False

    def _beside(self, args: list[Any], side: float) -> Iterator[Any]:
        """Copies of the arguments, what was drawn moved to one side; constants may have no other value (an order)."""
        for shape, arg in zip(self.shapes.values(), args, strict=True):
            yield _moved(arg, side if isinstance(shape, str) else 0.0)

    def _of_nothing(self, args: list[Any]) -> str:
        """What is wrong with a claim about arrays without entries; "" where its shapes are right."""
        if self.kind not in ("grad", "vjp"):
            return ""
        numbers = _numbers(args, self.options["argnums"])
        try:
            given = trees.copied(args)
            with undisturbed():
                if self.kind == "vjp":  # linear in its cotangent, zeros of which are as good as any
                    given.insert(0, trees.map_leaves(lambda _, leaf: np.zeros_like(leaf), self.f(*args)))
                came = self.claim(*given)
        except Exception as error:
            return f"no entries: the claim raises {type(error).__name__}: {error}"
        wanted = [np.shape(args[number]) for number in numbers]
        if isinstance(came, Mapping):
            named = by_argument(argument_names(self.f, len(args)), came)
            came = [named.get(number) for number in numbers]
        parts = came if len(numbers) > 1 or isinstance(came, list) else (came,)
        shapes = [np.shape(part) for part in parts]
        return "" if shapes == wanted else f"no entries: gradients of shapes {shapes} came, {wanted} are due"

    def found(self) -> Exploration:
        """All that was found."""
        seconds = time.perf_counter() - self.start
        verdict, report, problem, example = Verdict.PASS, None, "", ""
        if self.smallest is not None:
            at, problem, report = self.smallest
            shown = _without_entries(self.f, at, self.kind, self.options) if report is None else ""
            verdict, example = Verdict.FAIL, _example(at, shown or _check_of(at, self.kind, self.options))
        elif self.tried <= self.undecided + self.skipped:
            verdict, problem = Verdict.INCONCLUSIVE, self.why
        return Exploration(
            verdict,
            report,
            problem,
            example,
            dict(self.covered),
            self.tried,
            self.undecided,
            self.skipped,
            seconds,
        )


def _numbers(args: list[Any], argnums: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The positions of the arguments that are checked."""
    if argnums is None:
        return floating_argnums(args)
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    return tuple(range(len(args))[number] for number in numbers)


_SIDE = 1e-4
"""How far beside a point, of its own size or of 1, f must be defined."""


def _moved(tree: Any, side: float) -> Any:
    def moved(_: trees.Path, value: Any) -> Any:
        if side and isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return (value + side * _SIDE * np.maximum(1.0, np.abs(value))).astype(value.dtype)
        if side and isinstance(value, float | np.floating):
            return type(value)(float(value) + side * _SIDE * max(1.0, abs(float(value))))
        return np.array(value) if isinstance(value, np.ndarray) else value

    return trees.map_leaves(moved, tree)


def _is_finite(result: Any) -> bool:
    leaves = [np.asarray(leaf) for _, leaf in trees.leaves(result)]
    return all(np.isfinite(leaf).all() for leaf in leaves if leaf.dtype.kind == "f")


class _OutOfTime(BaseException):
    """Nothing failed in the time there is; not to be caught by who generates the points."""


def _key(at: At) -> str:
    values = [value.tobytes() if isinstance(value, np.ndarray) else value for value in at.args.values()]
    return repr((at.dims, at.dtype, at.layout, values))


def _aspects(at: At, shapes: Mapping[str, Any]) -> set[str]:
    short = {f"axis {name} of length {length}" for name, length in at.dims.items() if length < 2}
    equal = {
        f"axes {one} and {two} equal"
        for one, a in at.dims.items()
        for two, b in at.dims.items()
        if one < two and a == b
    }
    long = {f"axis {name} long" for name, length in at.dims.items() if length > 8}
    kinds = {f"values: {at.values}", f"memory: {at.layout}", at.dtype}
    if any(isinstance(text, str) and text.startswith("int") for text in shapes.values()):
        kinds.add(f"indices: {at.index}")
    return {*short, *equal, *long, *kinds}


def _said(at: At) -> str:
    dims = ", ".join(f"{name} = {length}" for name, length in at.dims.items())
    other = [
        part for part, plain in ((at.dtype, "float64"), (f"{at.layout} arrays", "C arrays")) if part != plain
    ]
    return ", ".join([dims or "no axes", *other])


def _example(at: At, *shown: str) -> str:
    lines = ["import numpy as np, gradcheck"]
    for name, value in zip(_names(at), at.args.values(), strict=True):
        text = _literal(value)
        lines.append(f"# {name}: as it was passed to explore" if text is None else f"{name} = {text}")
    return "\n".join(f"    {line}" for line in [*lines, *shown])


def _names(at: At) -> list[str]:
    """What the arguments are called in the example, in which some names are taken."""
    return [f"{name}_" if name in ("f", "claim", "np", "gradcheck", "taking") else name for name in at.args]


def _check_of(at: At, kind: str, options: Mapping[str, Any]) -> str:
    pair = "f, claim"
    ahead = ""
    if at.layout != "C":
        ahead = "from gradcheck.strategies import taking\n    "
        pair = ", ".join(f"taking({one}, {at.layout!r}, {len(at.args)})" for one in ("f", "claim"))
    pair = f"({pair})" if kind == "layer" else pair
    chosen = [f"{name}={value!r}" for name, value in options.items() if value is not None]
    return f"{ahead}gradcheck.check_{kind}({', '.join([pair, *_names(at), *chosen])})"


def _without_entries(f: Callable[..., Any], at: At, kind: str, options: Mapping[str, Any]) -> str:
    """What shows that the claim fails for arrays that no check takes."""
    args = list(at.args.values())
    numbers = _numbers(args, options["argnums"])
    shapes, given = [np.shape(args[number]) for number in numbers], ", ".join(_names(at))
    if kind == "vjp":
        several = isinstance(f(*trees.copied(args)), tuple | list)
        zeros = (
            f"tuple(np.zeros_like(one) for one in f({given}))" if several else f"np.zeros_like(f({given}))"
        )
        given = f"{zeros}, {given}"
    if len(numbers) == 1:
        return f"assert np.shape(claim({given})) == {shapes[0]}"
    return f"assert [np.shape(one) for one in claim({given})] == {shapes}"


_PRINTED = 10_000
"""Entries of an array that are written out."""


def _literal(value: Any) -> str | None:
    """The text that makes a value; None where it is not made of numbers and arrays."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc" or not value.dtype.isnative or value.size > _PRINTED:
            return None
        with np.printoptions(threshold=_PRINTED, floatmode="unique", nanstr="np.nan", infstr="np.inf"):
            text = " ".join(np.array2string(value, separator=", ").split())
        return f"np.array({text}, dtype=np.{value.dtype}).reshape({value.shape})"
    if isinstance(value, np.generic):
        item = _literal(value.item())
        return None if item is None else f"np.{type(value).__name__}({item})"
    if type(value) is dict:
        parts = [(repr(key), _literal(one)) for key, one in value.items()]
        return None if None in dict(parts).values() else "{" + ", ".join(f"{a}: {b}" for a, b in parts) + "}"
    if type(value) in (list, tuple):
        inner = [_literal(one) for one in value]
        text = "".join(f"{one}, " for one in inner)
        return None if None in inner else f"({text})" if type(value) is tuple else f"[{text}]"
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    return repr(value) if isinstance(value, bool | int | float | complex | str | None) else None
