"""What a specimen is, one hand-written derivation and what is known of it, and how families list theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Point = Callable[[], tuple[Any, ...]]


@dataclass(frozen=True)
class Specimen:
    """One derivation, right or wrong.

    Attributes
    ----------
    name
        ``family/system/what``.
    kind
        "grad", "vjp", "jvp", "jacobian", "hessian" or "hvp".
    point
        Makes the arguments afresh, so that code which writes into them spoils nothing; see `args`.
    label
        "right": the derivative. "kink": a valid subgradient at or close by a kink. "wrong": neither.
        "random": f itself changes from call to call.
    mistake
        Diagnosis kinds that name what is wrong, the expected one first, then acceptable ones.
    leaf
        Paths of the wrong leaves; empty where the mistake belongs to none (f mutates its input, say).
    entry
        The wrong entry of the leaf, where it is a single one (of a Jacobian: its index in the input).
    truth
        The right derivation beside a wrong one, None where there is none (f is random, at a kink).
    precise
        ``precise(*args)``: f again, to verify the label with, in a form that computes in the precision of its
        arguments or takes complex ones; None where f itself does.
    """

    name: str
    kind: str
    f: Callable[..., Any]
    claim: Callable[..., Any]
    point: Point
    argnums: int | tuple[int, ...] | None = None
    label: str = "right"
    mistake: tuple[str, ...] = ()
    leaf: tuple[str, ...] = ()
    entry: tuple[int, ...] | None = None
    truth: Callable[..., Any] | None = None
    precise: Callable[..., Any] | None = None

    @property
    def args(self) -> tuple[Any, ...]:
        """The arguments, made anew at each access."""
        return self.point()

    @property
    def size(self) -> float:
        """Relative size of the error: the largest over the entries, each relative to the true entry.

        Where the true entry is 0, relative to the leaf's largest. Infinite where shape or structure differ,
        where the claim is not finite and where all of the truth is zero; 0 without a truth to compare with.
        """
        if self.truth is None:
            return 0.0
        with np.errstate(all="ignore"):
            return _distance(self._call(self.claim), self._call(self.truth))

    def _call(self, derivation: Callable[..., Any]) -> Any:
        args = self.args
        return derivation(*self.inputs(args), *args)

    def inputs(self, args: tuple[Any, ...], seed: int = 0) -> tuple[Any, ...]:
        """What the claim takes before the arguments: a cotangent, tangents, or nothing; fixed by the seed."""
        rng = np.random.default_rng(seed)
        if self.kind == "vjp":
            return (like(self.f(*self.point()), rng),)
        if self.kind in ("jvp", "hvp"):
            chosen = self.argnums if self.argnums is not None else 0
            many = isinstance(chosen, tuple)
            return (tuple(like(args[k], rng) for k in chosen) if many else like(args[chosen], rng),)
        return ()


def like(tree: Any, rng: np.random.Generator) -> Any:
    """A tree of the same form and dtypes with random normal entries."""
    if isinstance(tree, dict):
        return {key: like(child, rng) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(like(child, rng) for child in tree)
    array = np.asarray(tree)
    return rng.normal(size=array.shape).astype(array.dtype)[()]


def flat(tree: Any) -> Iterator[np.ndarray]:
    """The leaves of nested lists, tuples and dicts as arrays."""
    if isinstance(tree, dict):
        for child in tree.values():
            yield from flat(child)
    elif isinstance(tree, list | tuple):
        for child in tree:
            yield from flat(child)
    else:
        yield np.asarray(tree)


def _distance(claimed: Any, truth: Any) -> float:
    ours, exact = list(flat(claimed)), list(flat(truth))
    if [leaf.shape for leaf in ours] != [leaf.shape for leaf in exact]:
        return float("inf")
    return max(_leaf_distance(one, other) for one, other in zip(ours, exact, strict=True))


def _leaf_distance(claimed: np.ndarray, truth: np.ndarray) -> float:
    if claimed.size == 0:
        return 0.0
    if not np.all(np.isfinite(claimed)):
        return float("inf")
    error = np.abs(claimed.astype(float) - truth.astype(float))
    scale = np.where(truth == 0, np.max(np.abs(truth)), np.abs(truth))
    relative = np.divide(error, scale, out=np.full(error.shape, np.inf), where=scale > 0)
    return float(np.max(np.where(error == 0, 0.0, relative)))


@dataclass
class System:
    """A function with its right derivation, to which wrong ones are added beside it."""

    book: Book
    name: str
    f: Callable[..., Any]
    truth: Callable[..., Any]
    point: Point
    kind: str = "grad"
    argnums: int | tuple[int, ...] | None = None
    precise: Callable[..., Any] | None = None

    def _add(self, what: str, claim: Callable[..., Any], point: Point | None, **known: Any) -> None:
        self.book.entries.append(
            Specimen(
                name=f"{self.book.name}/{self.name}/{what}",
                kind=self.kind,
                f=self.f,
                claim=claim,
                point=point or self.point,
                argnums=self.argnums,
                truth=self.truth,
                precise=self.precise,
                **known,
            )
        )

    def right(self, what: str = "right", point: Point | None = None, claim: Any = None) -> System:
        """List the right derivation (or another right one), at the system's point or at another."""
        self._add(what, claim or self.truth, point)
        return self

    def wrong(
        self,
        what: str,
        *mistake: str,
        leaf: str | tuple[str, ...] = (),
        entry: tuple[int, ...] | None = None,
        point: Point | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: list a wrong derivation with the kinds that name its mistake and its wrong leaves."""
        leaves = (leaf,) if isinstance(leaf, str) else leaf

        def listed(claim: Callable[..., Any]) -> Callable[..., Any]:
            self._add(what, claim, point, label="wrong", mistake=mistake, leaf=leaves, entry=entry)
            return claim

        return listed


@dataclass
class Book:
    """The specimens of one family, in the order in which they are written."""

    name: str
    entries: list[Specimen] = field(default_factory=list)

    def system(
        self,
        name: str,
        f: Callable[..., Any],
        truth: Callable[..., Any],
        point: Point,
        kind: str = "grad",
        argnums: int | tuple[int, ...] | None = None,
        precise: Callable[..., Any] | None = None,
        listed: bool = True,
    ) -> System:
        """A function and its right derivation, listed as "right" unless ``listed`` is False."""
        made = System(self, name, f, truth, point, kind, argnums, precise)
        return made.right() if listed else made

    def kink(
        self, name: str, f: Any, claim: Any, point: Point, kind: str = "grad", argnums: Any = None
    ) -> None:
        """A valid subgradient at a kink."""
        self.entries.append(Specimen(f"{self.name}/{name}", kind, f, claim, point, argnums, "kink"))

    def beyond(
        self, name: str, f: Any, claim: Any, point: Point, leaf: str, kind: str = "grad", argnums: Any = None
    ) -> None:
        """A claim at a kink which is no subgradient."""
        kinds = ("kink", "other", "single_entry", "scale", "sign", "zero", "sparse", "constant")
        self.entries.append(
            Specimen(f"{self.name}/{name}", kind, f, claim, point, argnums, "wrong", kinds, (leaf,))
        )

    def random(
        self, name: str, f: Any, claim: Any, point: Point, kind: str = "grad", argnums: Any = None
    ) -> None:
        """A function that draws random numbers."""
        self.entries.append(
            Specimen(f"{self.name}/{name}", kind, f, claim, point, argnums, "random", ("nondeterministic",))
        )
