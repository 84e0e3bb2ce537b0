"""Out of sample: the corpus's right derivations at moved points, as they are and with one random planted error."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import gradcheck
from benchmarks.verdicts_checkers import Flat
from tests.corpus import specimens
from tests.corpus.specimen import Specimen, flat

Plant = tuple[str, list[np.ndarray]]


@dataclass(frozen=True)
class Trial:
    """One check: the specimen's name, what was planted ("" for nothing), the verdict and why.

    ``size`` is the planted error relative to the leaf's largest entry, ``visible`` its effect on f over a step
    of the argument's own size, in units of f's rounding: below about 10 no difference can see it.
    """

    name: str
    planted: str
    size: float
    visible: float
    verdict: str
    reason: str
    evaluations: int


def trials(name: str, part: str, rounds: int, seed: int) -> list[Trial]:
    """``rounds`` moved points of one specimen, each checked as it is and with an error planted."""
    (s,) = [s for s in specimens(part) if s.name == name]
    found = []
    for k in range(rounds):
        rng = np.random.default_rng([seed, k, *name.encode()])
        args = moved_arguments(s, rng)
        if args is None:
            continue
        found.append(judged(s, args, "", 0.0, np.inf, s.claim))
        plant = planted(s, args, rng)
        if plant is not None:
            found.append(judged(s, args, *plant))
    return found


def moved_arguments(s: Specimen, rng: np.random.Generator) -> tuple[Any, ...] | None:
    """The point with 5 % jitter in every checked entry, scaled as a whole by 0.5 to 2; None outside f's domain."""
    base = Flat(s)
    scale = np.exp(rng.uniform(np.log(0.5), np.log(2)))
    leaves = [(x * scale * (1 + 0.05 * rng.normal(size=x.shape))).astype(x.dtype) for x in base.leaves]
    args = base.arguments(leaves)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            values = [s.f(*base.arguments(leaves)), s.claim(*cotangent(s, args), *base.arguments(leaves))]
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            return None
    return args if all(np.all(np.isfinite(leaf)) for value in values for leaf in flat(value)) else None


def cotangent(s: Specimen, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a pullback takes first; fixed, used for sizes only."""
    return s.inputs(args) if s.kind == "vjp" else ()


def planted(
    s: Specimen, args: tuple[Any, ...], rng: np.random.Generator
) -> tuple[str, float, float, Callable[..., Any]] | None:
    """A claim with one random error, its name, its size and how visible it is; None where nothing can be planted."""
    base = Flat(s)
    with np.errstate(all="ignore"):
        truth = [np.asarray(leaf) for leaf in flat(s.claim(*cotangent(s, args), *args))]
    alive = [k for k, g in enumerate(truth) if g.size and np.any(g != 0)]
    if not alive:
        return None
    k = int(rng.choice(alive))
    least = -2.5 if truth[k].dtype == np.float32 else -6.0
    size = float(10 ** rng.uniform(least, 0))
    kind = str(rng.choice(["entry", "entry", "leaf", "sign", "zero", "shift", "row", "transpose", "swap"]))
    altered = {
        "entry": lambda: entry_off(truth, k, size, rng),
        "leaf": lambda: leaf_off(k, 1 + size),
        "sign": lambda: leaf_off(k, -1.0),
        "zero": lambda: leaf_off(k, 0.0),
        "shift": lambda: shifted(truth, k, size),
        "row": lambda: row_off(truth, k, size, rng),
        "transpose": lambda: transposed(truth, k, rng),
        "swap": lambda: swapped(truth, k, rng),
    }[kind]()
    wrong = altered([leaf.copy() for leaf in truth])
    error = [np.asarray(w, dtype=float) - g for w, g in zip(wrong, truth, strict=True)]
    spoiled = [(e, g) for e, g in zip(error, truth, strict=True) if np.any(e)]
    relative = max(
        (float(np.max(np.abs(e)) / max(np.max(np.abs(g)), 1e-300)) for e, g in spoiled), default=0.0
    )
    if kind in ("transpose", "swap", "shift") and relative < 1e-6:  # what was exchanged was all but equal
        return None
    if relative == 0:
        return None
    leaves = [np.asarray(leaf) for n in base.numbers for leaf in flat(args[n])]
    output = max(float(np.max(np.abs(leaf), initial=0)) for leaf in flat(s.f(*args)))
    unit = float(np.finfo(truth[k].dtype).eps) * output
    effect = sum(float(np.sum(np.abs(e * x))) for e, x in zip(error, leaves, strict=True))
    return (
        f"{kind} in leaf {k}",
        relative,
        effect / unit if unit else np.inf,
        partial(claim_with, s.claim, altered),
    )


def claim_with(
    claim: Callable[..., Any], alter: Callable[[list[np.ndarray]], list[np.ndarray]], *args: Any
) -> Any:
    """The claim's answer with its leaves altered."""
    answer = claim(*args)
    return refilled(answer, iter(alter([np.array(leaf) for leaf in flat(answer)])))


def refilled(tree: Any, leaves: Iterator[np.ndarray]) -> Any:
    """The same containers around other leaves."""
    if isinstance(tree, dict):
        return {key: refilled(child, leaves) for key, child in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(refilled(child, leaves) for child in tree)
    return next(leaves)[()]


def entry_off(truth: list[np.ndarray], k: int, size: float, rng: np.random.Generator) -> Any:
    """One entry that is not 0 is off by ``size`` of itself."""
    index = tuple(rng.choice(np.argwhere(truth[k] != 0)))

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k][index] *= leaves[k].dtype.type(1 + size)
        return leaves

    return alter


def leaf_off(k: int, factor: float) -> Any:
    """A leaf is multiplied."""

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k] = leaves[k] * leaves[k].dtype.type(factor)
        return leaves

    return alter


def shifted(truth: list[np.ndarray], k: int, size: float) -> Any:
    """A constant, a part of the leaf's largest entry, is added to all of a leaf."""
    constant = size * float(np.max(np.abs(truth[k])))

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k] = leaves[k] + leaves[k].dtype.type(constant)
        return leaves

    return alter


def row_off(truth: list[np.ndarray], k: int, size: float, rng: np.random.Generator) -> Any:
    """One row (one entry of a vector) is multiplied by 1 + size."""
    if truth[k].ndim == 0:
        return leaf_off(k, 1 + size)
    row = int(rng.choice(np.unique(np.argwhere(truth[k] != 0)[:, 0])))

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k][row] = leaves[k][row] * leaves[k].dtype.type(1 + size)
        return leaves

    return alter


def transposed(truth: list[np.ndarray], k: int, rng: np.random.Generator) -> Any:
    """A square leaf is transposed, another one reversed along its first axis."""
    square = truth[k].ndim == 2 and truth[k].shape[0] == truth[k].shape[1]

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k] = leaves[k].T.copy() if square else leaves[k][::-1].copy() if leaves[k].ndim else -leaves[k]
        return leaves

    return alter


def swapped(truth: list[np.ndarray], k: int, rng: np.random.Generator) -> Any:
    """Two leaves of one shape change places; the sign of one where it has no partner."""
    partners = [j for j, g in enumerate(truth) if j != k and g.shape == truth[k].shape]
    if not partners:
        return leaf_off(k, -1.0)
    j = int(rng.choice(partners))

    def alter(leaves: list[np.ndarray]) -> list[np.ndarray]:
        leaves[k], leaves[j] = leaves[j], leaves[k]
        return leaves

    return alter


def judged(s: Specimen, args: tuple[Any, ...], plant: str, size: float, visible: float, claim: Any) -> Trial:
    """Our verdict; a check that raises is a verdict of its own."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            check = getattr(gradcheck, f"check_{s.kind}")
            report = check(s.f, claim, *args, argnums=s.argnums, raise_on_failure=False)
        except Exception as error:
            return Trial(s.name, plant, size, visible, "raised", repr(error), 0)
    reason = "; ".join(report.reasons) or "; ".join(d.message for d in report.diagnoses[:1])
    return Trial(s.name, plant, size, visible, str(report.verdict), reason, report.evaluations)


def run(part: str, checks: int, seed: int, jobs: int) -> int:
    """Run at least ``checks`` checks, print rates and every wrong verdict; 0 where 99.9 % are right."""
    names = [s.name for s in specimens(part) if s.label == "right" and s.kind in ("grad", "vjp")]
    names = [name for name in names if not name.startswith(("large/", "models/locally_constant"))]
    rounds = -(-checks // (2 * len(names))) + 1  # one more, for points outside a domain
    start = time.perf_counter()
    work = partial(trials, part=part, rounds=rounds, seed=seed)
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            found = [t for some in pool.map(work, names) for t in some]
    else:
        found = [t for name in names for t in work(name)]
    report(found, time.perf_counter() - start)
    return 0 if sum(is_right(t) for t in found) >= 0.999 * len(found) else 1


def is_right(t: Trial) -> bool:
    """Whether the verdict is what it should be."""
    return t.verdict == ("fail" if t.planted else "pass")


def report(found: list[Trial], seconds: float) -> None:
    """Rates, then every verdict that is not right with the figures that explain it."""
    right, wrong = [t for t in found if not t.planted], [t for t in found if t.planted]
    print(
        f"{len(found)} checks in {seconds:.0f} s, {100 * np.mean([is_right(t) for t in found]):.2f} % right verdicts"
    )
    print(f"right claims at moved points: {dict(Counter(t.verdict for t in right))}")
    print(f"planted errors: {dict(Counter(t.verdict for t in wrong))}")
    for low, high in ((1e-1, np.inf), (1e-2, 1e-1), (1e-3, 1e-2), (1e-4, 1e-3), (1e-5, 1e-4), (0, 1e-5)):
        chosen = [t for t in wrong if low <= t.size < high]
        if chosen:
            caught = sum(t.verdict == "fail" for t in chosen)
            print(f"  errors of {low:g} to {high:g} of the leaf: {caught}/{len(chosen)} caught")
    calls = [t.evaluations for t in found]
    print(f"evaluations: median {np.median(calls):.0f}, mean {np.mean(calls):.1f}, max {max(calls)}")
    print("not right:")
    drowned = [t for t in wrong if not is_right(t) and t.visible < 10]
    print(f"  ({len(drowned)} of them planted below f's own rounding, where no difference can see them)")
    for t in sorted((t for t in found if not is_right(t)), key=lambda t: (t.verdict, t.name)):
        what = (
            f"{t.planted} of {t.size:.1e}, {t.visible:.0e} units of f's rounding"
            if t.planted
            else "right claim"
        )
        print(f"  {t.verdict:12s} {t.name}: {what}. {t.reason[:200]}")
