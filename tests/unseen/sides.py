"""Ways to square what is positive and cube what is not; where all goes one way, the line that says which is told."""

from __future__ import annotations

import functools
import linecache
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcheck.findings import Blind
from tests.unseen.programs import Program

WAYS: dict[str, Callable[..., Any]] = {}
"""By name; a line that ends in ``# which`` is one that may be told."""


def way(f):
    WAYS[f.__name__] = f
    return f


def slope(x):
    return np.where(x > 0, 2 * x, 3 * x**2)


# --- NumPy's functions ----------------------------------------------------------------------------------------


@way
def where(x):
    return np.sum(np.where(x > 0, x**2, x**3))  # which


@way
def indices_where(x):
    (i,), (j,) = np.where(x > 0), np.where(x <= 0)  # which
    return np.sum(x[i] ** 2) + np.sum(x[j] ** 3)


@way
def by_mask(x):
    positive = x > 0  # which
    return np.sum(x[positive] ** 2) + np.sum(x[~positive] ** 3)


@way
def by_factor(x):
    return np.sum((x > 0) * (x**2 - x**3) + x**3)  # which


@way
def by_name_of_comparison(x):
    positive = np.greater(x, 0)  # which
    return np.sum(positive * (x**2 - x**3) + x**3)


@way
def maximum(x):
    return np.sum(np.maximum(x, 0) ** 2 + np.minimum(x, 0) ** 3)  # which


@way
def bounded(x):
    return np.sum(np.clip(x, 0, None) ** 2 + np.clip(x, a_min=None, a_max=0) ** 3)  # which


@way
def bounded_by_method(x):
    return np.sum(x.clip(0) ** 2 + x.clip(max=0) ** 3)  # which


@way
def halves(x):
    return np.sum(((x + np.abs(x)) / 2) ** 2 + ((x - abs(x)) / 2) ** 3)  # which


@way
def by_sign(x):
    s = np.sign(x)  # which
    return np.sum((1 + s) / 2 * x**2 + (1 - s) / 2 * x**3)


@way
def by_copied_sign(x):
    s = np.copysign(1.0, x)  # which
    return np.sum((1 + s) / 2 * x**2 + (1 - s) / 2 * x**3)


@way
def by_step(x):
    s = np.heaviside(x, 0.5)  # which
    return np.sum(s * x**2 + (1 - s) * x**3)


@way
def selected(x):
    return np.sum(np.select([x > 0], [x**2], x**3))  # which


@way
def by_pieces(x):
    return np.sum(np.piecewise(x, [x > 0], [np.square, lambda t: t**3]))  # which


@way
def into_a_buffer(x):
    y = np.empty_like(x)
    np.maximum(x, 0, out=y)  # which
    return np.sum(y**2) + np.sum((x - y) ** 3)


@way
def over_the_mask(x):
    y = x**3
    y[x > 0] = x[x > 0] ** 2  # which
    return np.sum(y)


@way
def as_floats(x):
    y = np.asarray(x, dtype=float)
    return np.sum(np.where(y > 0, y**2, y**3))  # which


@way
def copied(x):
    y = np.array(x)
    return np.sum(np.maximum(y, 0) ** 2 + np.minimum(y, 0) ** 3)  # which


@way
def listed(x):
    y = np.array([t + 0.0 for t in x])
    return np.sum(np.where(y > 0, y**2, y**3))  # which


@way
def filled(x):
    y = np.zeros(len(x))
    for n in range(len(x)):
        y[n] = 1.0 * x[n]
    return np.sum(np.maximum(y, 0) ** 2 + np.minimum(y, 0) ** 3)  # which


@way
def twice_on_a_line(x):
    return np.sum(np.maximum(x, 0) ** 2 - np.maximum(-x, 0) ** 3)  # which


@way
def steps_on_a_line(x):
    return np.sum(np.heaviside(x, 0.5) * x**2 + np.heaviside(-x, 0.5) * x**3)  # which


# --- statements and expressions -------------------------------------------------------------------------------


@way
def if_and_else(x):
    total = 0.0
    for t in x:
        if t > 0:
            total += t**2
        else:
            total += t**3  # which
    return total


@way
def if_alone(x):
    total = np.sum(x**3)
    for t in x:
        if t > 0:  # which
            total += t**2 - t**3
    return total


@way
def if_alone_in_the_end(x):
    y = x**3

    def mend(n):
        if x[n] > 0 and n >= 0:  # which
            y[n] = x[n] ** 2

    for n in range(len(x)):
        mend(n)
    return np.sum(y)


@way
def skipped(x):
    total = np.sum(x**2)
    for t in x:
        if t > 0:  # which
            continue
        total += t**3 - t**2
    return total


@way
def chained(x):
    total = 0.0
    for t in x:
        if t > 0:
            total += t**2
        elif t == 0:  # which
            raise ValueError("neither")
        else:
            total += t**3
    return total


@way
def inside_another(x):
    total = np.sum(x**3)
    for t in x:
        if t > 0:  # which
            if t > 1e9:
                raise ValueError("too large")
            total += t**2 - t**3
    return total


@way
def conditional_expression(x):
    return sum(t**2 if t > 0 else t**3 for t in x)  # which


@way
def conditional_on_a_call(x):
    return sum(t**2 if bool(t > 0) else t**3 for t in x)  # which


@way
def filtered(x):
    return np.sum(x**3) + sum([t**2 - t**3 for t in x if t > 0])  # which


@way
def filtered_by_generator(x):
    return np.sum(x**3) + sum(t**2 - t**3 for t in x if t > 0)  # which


@way
def out_of_a_list(x):
    return sum(t**2 if t > 0 else t**3 for t in x.tolist())  # which


@way
def largest(x):
    return sum(max(t, 0.0) ** 2 + min(t, 0.0) ** 3 for t in x)  # which


@way
def largest_of_three(x):
    return sum(max(t, 0.0, -1e9) ** 2 + min(t, 0.0) ** 3 for t in x)  # which


@way
def halves_one_by_one(x):
    return sum(((t + math.fabs(t)) / 2) ** 2 + ((t - abs(t)) / 2) ** 3 for t in x)  # which


@way
def refused(x):
    total = 0.0
    for t in x:
        try:
            math.log(t)
            total += t**2
        except ValueError:
            total += t**3  # which
    return total


@way
def by_case(x):
    total = 0.0
    for t in x:
        match t:
            case size if size > 0:
                total += t**2
            case _:
                total += t**3  # which
    return total


@way
def yielded(x):
    def parts():
        for t in x:
            if t > 0:
                yield t**2
            else:
                yield t**3  # which

    return sum(parts())


# --- in other functions ---------------------------------------------------------------------------------------


def part(t):
    return t**2 if t > 0 else t**3  # which


@functools.cache
def remembered(t):
    return t**2 if t > 0 else t**3  # which


def in_words(function):
    @functools.wraps(function)
    def wrapped(*args):
        return function(*args)

    return wrapped


@in_words
def wrapped(t):
    return t**2 if t > 0 else t**3  # which


each = np.vectorize(lambda t: t**2 if t > 0 else t**3)  # which
positive_part = functools.partial(np.maximum, 0.0)
PARTS = {"both": lambda t: t**2 if t > 0 else t**3}  # which


class Parts:
    """All kinds of methods."""

    def plain(self, x):
        return np.where(x > 0, x**2, x**3)  # which

    @staticmethod
    def static(x):
        return np.where(x > 0, x**2, x**3)  # which

    @classmethod
    def of_class(cls, x):
        return cls.static(x)

    @property
    def held(self):
        return lambda x: np.where(x > 0, x**2, x**3)  # which

    def __call__(self, x):
        return np.where(x > 0, x**2, x**3)  # which


@way
def else_of_a_loop(x):
    total = 0.0
    for t in x:
        for s in (t,):
            if s > 0:  # which
                break
        else:
            total += t**3  # which
            continue
        total += t**2
    return total


class Inheriting(Parts):
    def plain(self, x):
        return super().plain(x)


parts, inheriting = Parts(), Inheriting()


def _by_default(x, square=lambda x: np.where(x > 0, x**2, x**3)):  # which
    return np.sum(square(x))


WAYS |= {
    "helper": lambda x: sum(part(t) for t in x),
    "mapped": lambda x: sum(map(part, x)),
    "remembered": lambda x: sum(remembered(t) for t in x),
    "wrapped": lambda x: sum(wrapped(t) for t in x),
    "vectorized": lambda x: np.sum(each(x)),
    "bound by partial": lambda x: np.sum(positive_part(x) ** 2 + (x - positive_part(x)) ** 3),  # which
    "from a table": lambda x: sum(PARTS["both"](t) for t in x),
    "method": lambda x: np.sum(parts.plain(x)),
    "static method": lambda x: np.sum(Parts.static(x)),
    "class method": lambda x: np.sum(Parts.of_class(x)),
    "property": lambda x: np.sum(parts.held(x)),
    "called object": lambda x: np.sum(parts(x)),
    "inherited": lambda x: np.sum(inheriting.plain(x)),
    "default": _by_default,
}


def sides() -> Iterator[Program]:
    """Programs that take both sides."""
    for number, (name, f) in enumerate(WAYS.items()):
        x = np.random.default_rng([number, 83]).uniform(0.2, 2.0, 4) * [1, -1, 1, -1]
        yield Program(name, f, slope, {"x": x}, ("x",))


def one_sided() -> Iterator[Program]:
    """The same where everything is positive."""
    for one in sides():
        yield one.but(Blind.BRANCH, x=np.abs(one.args["x"]))


def says_which(file: str, line: int) -> bool:
    return linecache.getline(file, line).endswith("# which\n")
