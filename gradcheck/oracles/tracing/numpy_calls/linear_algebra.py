"""Products and linear algebra: rules autograd lacks, and those that answer for another function.

NumPy's cholesky and eigh read one triangle of their argument only; autograd's rules spread the derivative
over both. Here the derivative is that of what NumPy computes.
"""

from __future__ import annotations

import string
from typing import Any

import autograd.numpy as anp
import autograd.numpy.linalg as alg
import numpy as np
from autograd.core import primitive_vjps

from gradcheck.oracles.tracing.array import Traced, plain, wrap
from gradcheck.oracles.tracing.function import handles, through
from gradcheck.oracles.tracing.moves import rule, sum_to
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.refusal import refuse


def _t(a: Any) -> Any:
    return anp.swapaxes(a, -1, -2)


rule(alg.inv, lambda ans, a: lambda g: -anp.matmul(anp.matmul(_t(ans), g), _t(ans)))
rule(
    alg.solve,
    lambda ans, a, b: lambda g: sum_to(-anp.matmul(alg.solve(_t(a), g), _t(ans)), a),
    lambda ans, a, b: lambda g: sum_to(alg.solve(_t(a), g), b),
)


def _one_triangle(g: Any, lower: bool) -> Any:
    """The derivative by a symmetric matrix, for a function that reads one triangle of it."""
    n = np.shape(g)[-1]
    keep = np.tril(np.ones((n, n)), -1) if lower else np.triu(np.ones((n, n)), 1)
    return (g + _t(g)) * keep + g * np.eye(n)


def _triangular(primitive: Any) -> None:
    theirs = primitive_vjps[primitive]

    def maker(ans: Any, a: Any, UPLO: str = "L", **kwargs: Any) -> Any:
        both = theirs((0,), ans, (a,), kwargs)
        return lambda g: _one_triangle(next(iter(both(g))), UPLO == "L")

    rule(primitive, maker)


_triangular(alg.cholesky)
_triangular(alg.eigh)


@handles(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    if upper:
        return np.swapaxes(np.linalg.cholesky(np.swapaxes(a, -1, -2)), -1, -2)
    return through(np.linalg.cholesky, (a,), {})


@handles(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return through(np.linalg.solve, (as_array(a), as_array(b)[:, None]), {})[..., 0]
    return through(np.linalg.solve, (as_array(a), b), {})


@handles(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return through(np.linalg.eigh, (a, UPLO), {})[0]


@handles(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        refuse("np.linalg.svd with hermitian=True cannot be traced")
    if not compute_uv:
        return through(np.linalg.svd, (a,), {"full_matrices": False, "compute_uv": False})
    if full_matrices and a.shape[-1] != a.shape[-2]:
        refuse("np.linalg.svd of a matrix that is not square, with full_matrices=True, cannot be traced")
    return through(np.linalg.svd, (a,), {"full_matrices": False})


@handles(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    solution = np.matmul(np.linalg.pinv(a), b)
    left = b - np.matmul(a, solution)
    rank = np.linalg.matrix_rank(a)
    full = rank == a.shape[1] < a.shape[0]
    residuals = np.sum(left**2, axis=0).reshape(-1) if full else np.zeros(0)
    return solution, residuals, rank, np.linalg.svdvals(a)


@handles(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p not in (None, 2):
        return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))
    s = np.linalg.svdvals(x)
    return s[..., 0] / s[..., -1]


@handles(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    return np.dot(np.conj(np.ravel(as_array(a))), np.ravel(as_array(b)))


@handles(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@handles(np.einsum)
def _einsum(*operands: Any, **kwargs: Any) -> Any:
    kwargs.pop("optimize", None)
    if not isinstance(operands[0], str):
        return np.einsum(*_by_letters(operands), **kwargs)
    terms, arrow, result = operands[0].replace(" ", "").partition("->")
    subscripts = terms.split(",")
    if not arrow and "." not in terms:
        letters = sorted(set(terms) - {","})
        result = "".join(c for c in letters if terms.count(c) == 1)
    pairs = [_without_repeats(s, x) for s, x in zip(subscripts, operands[1:], strict=True)]
    spec = ",".join(s for s, _ in pairs) + ("->" + result if arrow or "." not in terms else "")
    # autograd hands the operands of a constant on as they are
    return wrap(anp.einsum(spec, *[plain(x) for _, x in pairs]))


def _by_letters(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The call ``einsum(x, [0, 1], y, [1, 2], [0, 2])`` as ``einsum("ab,bc->ac", x, y)``."""
    letters = [
        "".join("..." if n is Ellipsis else string.ascii_letters[n] for n in sublist)
        for sublist in (*operands[1::2], *operands[-1:] * (len(operands) % 2))
    ]
    count = len(operands) // 2
    return (
        ",".join(letters[:count]) + "".join("->" + out for out in letters[count:]),
        *operands[: 2 * count : 2],
    )


def _without_repeats(subscript: str, x: Any) -> tuple[str, Any]:
    """Of "ii" the diagonal's "i": the derivative of a repeated index is not of einsum's own form."""
    for letter in dict.fromkeys(subscript):
        while type(x) is Traced and letter != "." and subscript.count(letter) > 1:
            first = subscript.index(letter)
            second = subscript.index(letter, first + 1)
            x = np.diagonal(x, axis1=first, axis2=second)
            subscript = subscript[:first] + subscript[first + 1 : second] + subscript[second + 1 :] + letter
    return subscript, x
