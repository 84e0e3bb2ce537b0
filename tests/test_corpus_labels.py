"""The corpus is what it says: labels verified by 80-bit differences and complex steps, not by the library."""

from __future__ import annotations

import contextlib
import copy
import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.corpus import specimens
from tests.corpus.specimen import Specimen, flat

ALL = specimens()
SMOOTH = [s for s in ALL if s.label == "right" or (s.label == "wrong" and s.truth is not None)]
KINKED = [s for s in ALL if s.label == "kink" or (s.label == "wrong" and s.truth is None)]
SECOND = ("jvp", "hessian", "hvp")
FIRST = [s for s in SMOOTH if s.kind not in SECOND]
CONDUCT = {"mutates_input", "nondeterministic", "dtype", "shape", "nonfinite"}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")


def once_per_truth(entries: list[Specimen]) -> Iterator[Any]:
    """A right derivation at a point is verified once, however many wrong ones stand beside it."""
    seen = set()
    for s in entries:
        truth = s.truth
        key = (s.f, truth, s.point, s.kind)
        if key not in seen:
            seen.add(key)
            yield pytest.param(s, truth, id=s.name)


def promoted(tree: Any, kind: type) -> Any:
    """The tree with its floating-point leaves in another type."""
    if isinstance(tree, dict):
        return {key: promoted(child, kind) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(promoted(child, kind) for child in tree)
    array = np.asarray(tree)
    return array.astype(kind)[()] if np.issubdtype(array.dtype, np.floating) else copy.copy(tree)


def checked(s: Specimen, args: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers of the checked arguments."""
    if isinstance(s.argnums, int):
        return (s.argnums,)
    if s.argnums is not None:
        return s.argnums
    return tuple(
        k for k, arg in enumerate(args) if any(np.issubdtype(leaf.dtype, np.floating) for leaf in flat(arg))
    )


def moved(tree: Any, direction: Iterator[np.ndarray], t: Any) -> Any:
    """Tree + t * direction, where the direction is given leaf by leaf."""
    if isinstance(tree, dict):
        return {key: moved(child, direction, t) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(moved(child, direction, t) for child in tree)
    here, step = np.asarray(tree), next(direction)
    return (here + t * (step.astype(float) if here.dtype == complex else step))[()]


class Pairing:
    """phi(t) = <u, F(x + t v)> of a specimen and the value <u, claimed v> of a derivation."""

    def __init__(self, s: Specimen, kind: type) -> None:
        self.s, self.kind = s, kind
        self.args = promoted(s.args, kind)
        self.numbers = checked(s, s.args)
        self.values = [np.array(leaf, dtype=np.longdouble) for k in self.numbers for leaf in flat(s.args[k])]
        self.inputs = promoted(s.inputs(s.args), np.longdouble)

    def at(self, direction: list[np.ndarray], t: Any) -> tuple[Any, ...]:
        parts, args = iter(direction), list(copy.deepcopy(self.args))
        for k in self.numbers:
            args[k] = moved(args[k], parts, t)
        return tuple(args)

    def phi(self, direction: list[np.ndarray]) -> Callable[[Any], Any]:
        f, u = self.s.precise or self.s.f, self.weights()
        return lambda t: sum(np.sum(a * b) for a, b in zip(flat(f(*self.at(direction, t))), u, strict=True))

    def weights(self) -> list[np.ndarray]:
        """The covector on f's outputs: the cotangent, one for a scalar, random ones otherwise."""
        if self.s.kind == "vjp":
            return list(flat(self.inputs[0]))
        rng = np.random.default_rng(7)
        shapes = [leaf.shape for leaf in flat(self.s.f(*self.s.args))]
        return [
            np.ones(()) if self.s.kind in ("grad", "hessian", "hvp") else rng.normal(size=shape)
            for shape in shapes
        ]

    def claimed(self, derivation: Callable[..., Any], args: tuple[Any, ...]) -> list[np.ndarray]:
        """The gradient of phi by the derivation, leaf by leaf."""
        answer = derivation(*self.inputs, *copy.deepcopy(args))
        if self.s.kind == "jacobian":
            (u,) = self.weights()
            parts = answer if isinstance(answer, tuple | list) else (answer,)
            return [np.tensordot(u, np.asarray(part), axes=u.ndim) for part in parts]
        return list(flat(answer))


def steps(values: list[np.ndarray]) -> list[np.ndarray]:
    """The natural scale of each entry: its size, or the leaf's, or 1."""
    scales = []
    for leaf in values:
        rms = np.sqrt(np.mean(leaf**2)) if leaf.size and np.any(leaf) else np.longdouble(1)
        scales.append(np.where(leaf == 0, rms, np.abs(leaf)))
    return scales


def directions(values: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Every leaf along random directions, then entries one by one (a handful in each leaf)."""
    rng = np.random.default_rng(5)
    scales, limit = steps(values), max(2, 12 // len(values))
    for k, leaf in enumerate(values):
        chosen = rng.permutation(leaf.size)[:limit]
        for mask in [rng.choice([-1.0, 1.0], size=leaf.shape), *(unit(leaf.shape, int(i)) for i in chosen)]:
            if leaf.size:
                yield [scales[j] * mask if j == k else np.zeros_like(v) for j, v in enumerate(values)]


def unit(shape: tuple[int, ...], index: int) -> np.ndarray:
    """A basis array."""
    e = np.zeros(shape)
    e.flat[index] = 1
    return e


def romberg(phi: Callable[[Any], Any], start: float = 0.04, rows: int = 12) -> tuple[Any, Any]:
    """phi'(0) by central differences extrapolated in h^2 (Ridders), with an estimate of its error."""
    best, error, last = np.longdouble(np.nan), np.longdouble(np.inf), []
    for k in range(rows):
        h = np.longdouble(start) / 2**k
        ahead, behind = phi(h), phi(-h)
        rounding = np.finfo(np.longdouble).eps * abs(ahead) / h
        row = [(ahead - behind) / (2 * h)]
        for j, coarse in enumerate(last):
            row.append(row[j] + (row[j] - coarse) / (4 ** (j + 1) - 1))
            guess = max(abs(row[j + 1] - row[j]), abs(row[j + 1] - coarse), rounding)
            if guess < error:
                best, error = row[j + 1], guess
        last = row
    return best, error


def complex_step(phi: Callable[[Any], Any]) -> Any:
    """phi'(0) by a complex step; raises where the imaginary part would be dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        return np.imag(phi(1e-40j)) / 1e-40


def gradient(s: Specimen, truth: Callable[..., Any]) -> list[np.ndarray]:
    """The derivation's gradient in 80 bits, or in 64 where it calls what has no 80-bit version."""
    pair = Pairing(s, np.longdouble)
    try:
        return pair.claimed(truth, pair.args)
    except TypeError:
        return pair.claimed(truth, s.args)


def disagreement(s: Specimen, truth: Callable[..., Any], kind: type) -> tuple[float, float]:
    """Worst |exact - truth| over directions in units of what a direction sees, and how exactly known."""
    pair = Pairing(s, kind)
    answer = gradient(s, truth)
    worst, reached = 0.0, 0.0
    for v in directions(pair.values):
        c = sum(np.sum(g * d) for g, d in zip(answer, v, strict=True))
        scale = sum(np.sum(np.abs(g * d)) for g, d in zip(answer, v, strict=True))
        phi = pair.phi(v)
        exact, error = (complex_step(phi), 0.0) if kind is np.complex128 else romberg(phi)
        secant = 0 if kind is np.complex128 else max(abs(phi(t) - phi(0)) for t in (-0.1, 0.1))
        if exact == c:  # also where f is constant, and nothing gives a unit to measure in
            continue
        unit_of = max(scale, secant, 1e-300)
        worst = max(worst, float(abs(exact - c) / unit_of))
        reached = max(reached, float(error / unit_of))
    return worst, reached


@pytest.mark.parametrize(("s", "truth"), list(once_per_truth(FIRST)))
def test_right_derivations_are_right(s: Specimen, truth: Callable[..., Any]) -> None:
    """80-bit differences or, where f leaves 80 bits, a complex step confirm the derivation to 1e-9.

    To 1e-4 where the second derivative jumps (Huber's corner), and extrapolation gains nothing.
    """
    found = []
    with contextlib.suppress(TypeError):  # f calls what has no 80-bit version (np.linalg, SciPy)
        found.append(disagreement(s, truth, np.longdouble))
    if not any(max(pair) <= 1e-9 for pair in found):
        found.append(disagreement(s, truth, np.complex128))

    assert any(reached <= 1e-5 and worst <= 1e-9 + 10 * reached for worst, reached in found), found


def second(phi: Callable[[Any], Any]) -> Any:
    """phi''(0) by extrapolated second differences."""
    return romberg(lambda h: (phi(h) - 2 * phi(np.longdouble(0)) + phi(-h)) / h)[0]


@pytest.mark.parametrize(("s", "truth"), list(once_per_truth([s for s in SMOOTH if s.kind == "jvp"])))
def test_right_pushforwards_are_right(s: Specimen, truth: Callable[..., Any]) -> None:
    """<u, jvp(v)> is the slope of <u, f> along v."""
    pair = Pairing(s, np.longdouble)
    for v in directions(pair.values):
        tangents = tuple(v) if isinstance(s.argnums, tuple) else v[0]
        pushed = flat(truth(tangents, *pair.args))
        c = sum(np.sum(u * out) for u, out in zip(pair.weights(), pushed, strict=True))
        exact, _ = romberg(pair.phi(v))

        assert abs(c - exact) <= 1e-10 * max(abs(c), 1)


@pytest.mark.parametrize(
    ("s", "truth"), list(once_per_truth([s for s in SMOOTH if s.kind in ("hessian", "hvp")]))
)
def test_right_second_derivatives_are_right(s: Specimen, truth: Callable[..., Any]) -> None:
    """V H w is the polarised second derivative of f."""
    pair = Pairing(s, np.longdouble)
    (x,), rng = pair.values, np.random.default_rng(3)
    for _ in range(8):
        v, w = rng.normal(size=(2, *x.shape))
        args = pair.at([0 * x], 0)
        Hw = truth(*args) @ w if s.kind == "hessian" else truth(w, *args)
        c = v @ Hw
        exact = (second(pair.phi([v + w])) - second(pair.phi([v - w]))) / 4

        assert abs(c - exact) <= 1e-9 * np.sum(np.abs(v * Hw))


@pytest.mark.parametrize(
    "s", [s for s in ALL if s.label == "right" and s.claim is not s.truth], ids=lambda s: s.name
)
def test_other_right_derivations_equal_the_first(s: Specimen) -> None:
    """A second way to write a derivation gives the same to a thousand units of rounding in each leaf."""
    args = s.args
    pairs = zip(flat(s.claim(*s.inputs(args), *args)), flat(s.truth(*s.inputs(args), *s.args)), strict=True)
    for ours, exact in pairs:
        assert np.max(np.abs(ours - exact)) <= 1e3 * np.finfo(exact.dtype).eps * np.max(np.abs(exact))


@pytest.mark.parametrize("s", [s for s in ALL if s.label == "wrong"], ids=lambda s: s.name)
def test_wrong_derivations_are_wrong(s: Specimen) -> None:
    """Each differs from the truth by at least 5e-7 in an entry, or misbehaves in the way it names."""
    if s.truth is None or set(s.mistake[:1]) & CONDUCT:
        return
    assert s.size >= 5e-7
    if s.kind in ("grad", "vjp"):
        assert weight(s) >= 1e-15
    if s.leaf and s.truth is not None:
        wrong, _ = wrong_leaves(s)
        assert wrong == set(s.leaf)
    if s.entry is not None:
        assert wrong_leaves(s)[1] == {s.entry}


def weight(s: Specimen) -> float:
    """What the errors move f by over a step of the argument's size, relative to what f itself moves.

    At an optimum the truth is rounding, and another claim that is all rounding would not be wrong.
    """
    pair = Pairing(s, np.longdouble)
    scales, args = steps(pair.values), s.args
    claimed, truth = (list(flat(d(*s.inputs(args), *s.args))) for d in (s.claim, s.truth))
    both = list(zip(claimed, truth, scales, strict=True))
    error = max(float(np.max(np.abs((a - b) * c), initial=0)) for a, b, c in both)
    moves = sum(float(np.sum(np.abs(b * c))) for _, b, c in both)
    with contextlib.suppress(TypeError):
        phi = pair.phi([0.1 * c for c in scales])
        moves = max(moves, *(float(abs(phi(t) - phi(0))) for t in (-1, 1)))
    return error / moves if moves else np.inf


def wrong_leaves(s: Specimen) -> tuple[set[str], set[tuple[int, ...]]]:
    """Paths of the leaves where claim and truth differ by more than rounding, and the indices there."""
    args = s.args
    if s.kind == "jvp":
        return {
            path for path, one in zip(paths(s), one_leaf_tangents(s), strict=True) if differ_along(s, one)
        }, set()
    claimed = list(flat(s.claim(*s.inputs(args), *s.args)))
    truth = list(flat(s.truth(*s.inputs(args), *s.args)))
    names, indices = set(), set()
    scales = steps([np.asarray(leaf, dtype=float) for k in checked(s, args) for leaf in flat(args[k])])
    for path, ours, exact, scale in zip(paths(s), claimed, truth, scales, strict=True):
        floor = 1e-16 * np.max(np.abs(exact * scale), initial=0) / scale
        off = np.abs(ours.astype(float) - exact) > 1e-9 * np.abs(exact) + floor
        if np.any(off):
            names.add(path)
            inner = np.ndim(scale) if s.kind in ("jacobian", "hessian") else off.ndim
            indices |= {tuple(int(i) for i in index[off.ndim - inner :]) for index in np.argwhere(off)}
    return names, indices


def one_leaf_tangents(s: Specimen) -> Iterator[Any]:
    """Tangents that are zero but in one leaf, for each leaf."""
    (tangents,) = s.inputs(s.args)
    if not isinstance(tangents, tuple):
        yield tangents
        return
    for k in range(len(tangents)):
        yield tuple(v if j == k else 0 * v for j, v in enumerate(tangents))


def differ_along(s: Specimen, tangents: Any) -> bool:
    """Whether claim and truth push these tangents forward differently."""
    pushed = [list(flat(derivation(tangents, *s.args))) for derivation in (s.claim, s.truth)]
    return not all(np.allclose(a, b, rtol=1e-9, atol=0) for a, b in zip(*pushed, strict=True))


def paths(s: Specimen) -> list[str]:
    """Names of the checked leaves as the library writes them."""
    names = list(inspect.signature(s.f).parameters)
    return [names[k] + path for k in checked(s, s.args) for path in subpaths(s.args[k])]


def subpaths(tree: Any) -> Iterator[str]:
    """Keys below a root."""
    if isinstance(tree, dict | list | tuple):
        for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from (f"[{key!r}]{rest}" for rest in subpaths(child))
    else:
        yield ""


def one_sided(s: Specimen, v: list[np.ndarray], h: float = 1e-12) -> Any:
    """The slope of phi towards v, by one 80-bit forward difference."""
    phi = Pairing(s, np.longdouble).phi(v)
    return (phi(np.longdouble(h)) - phi(np.longdouble(0))) / np.longdouble(h)


def overshoot(s: Specimen, v: list[np.ndarray]) -> float:
    """How far the claim along v lies outside the interval of the two one-sided slopes."""
    pair = Pairing(s, np.longdouble)
    c = sum(np.sum(g * d) for g, d in zip(pair.claimed(s.claim, pair.args), v, strict=True))
    a, b = one_sided(s, v), -one_sided(s, [-d for d in v])
    return float(max(min(a, b) - c, c - max(a, b)))


def kink_directions(values: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Entries, then pairs of entries with both signs, then random directions."""
    sizes = [v.size for v in values]
    rng = np.random.default_rng(9)

    def split(vector: np.ndarray) -> list[np.ndarray]:
        pieces = np.split(vector, np.cumsum(sizes)[:-1])
        return [p.reshape(v.shape) for p, v in zip(pieces, values, strict=True)]

    total = sum(sizes)
    for i in range(total):
        yield split(np.eye(total)[i])
    for i in range(min(total, 8)):
        for j in range(i):
            yield split(np.eye(total)[i] + np.eye(total)[j])
            yield split(np.eye(total)[i] - np.eye(total)[j])
    for _ in range(20):
        yield split(rng.normal(size=total))


@pytest.mark.parametrize("s", KINKED, ids=lambda s: s.name)
def test_kinks(s: Specimen) -> None:
    """Valid subgradients lie between the one-sided slopes entry by entry, others outside somewhere."""
    pair = Pairing(s, np.longdouble)
    total = sum(v.size for v in pair.values)
    every = list(kink_directions(pair.values))
    if s.label == "kink":
        assert max(overshoot(s, v) for v in every[:total]) < 1e-5
    elif not set(s.mistake[:1]) & CONDUCT:
        assert max(overshoot(s, v) for v in every) > 1e-4


def test_corpus_is_broad() -> None:
    """Enough of every label, unique names, a third held out, at least 35 systems."""
    labels = Counter(s.label for s in ALL)
    names = [s.name for s in ALL]

    assert len(set(names)) == len(names)
    assert labels["wrong"] >= 100 and labels["right"] >= 25 and labels["kink"] >= 15 and labels["random"] >= 4
