"""What the words of a report mean: mistakes by name, and what a pass does not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradcheck.findings import Blind


@dataclass(frozen=True)
class Example:
    """A function of some arguments, its gradient as the mistake has it, and as it should be; each an expression."""

    shapes: str
    f: str
    wrong: str
    right: str


@dataclass(frozen=True)
class Meaning:
    """A word, in a sentence, with what to do about it."""

    what: str
    do: str
    example: Example | None = None


_SQUARES = "w=d, X=n d, y=n"
_MEAN = "np.mean((X @ w - y) ** 2)"
_RIGHT = "2 / len(y) * X.T @ (X @ w - y)"

MISTAKES: Mapping[str, Meaning] = {
    "scale": Meaning(
        "Every entry is the same multiple of the truth.",
        "If the factor is the batch size, or one over it: is the loss a mean where the gradient is a sum, or the other "
        "way round? A factor of 2 or 1/2 is that of a square.",
        Example(_SQUARES, _MEAN, "2 * X.T @ (X @ w - y)", _RIGHT),
    ),
    "sign": Meaning(
        "The gradient has the right size and the wrong sign, everywhere or in some entries.",
        "Look for prediction minus target written the other way round, or a minus of the loss that was lost.",
        Example(_SQUARES, _MEAN, "2 / len(y) * X.T @ (y - X @ w)", _RIGHT),
    ),
    "transpose": Meaning(
        "A matrix is the transpose of the truth.",
        "Write the product with indices: which of them are summed? A square matrix hides this from its shape.",
        Example("W=3 3, x=3, z=3", "z @ W @ x", "np.outer(x, z)", "np.outer(z, x)"),
    ),
    "permutation": Meaning(
        "The entries are right and stand in other places.",
        "Look at reshape, at the order of axes, and at what undoes a sort or a reversal.",
        Example("x=5, c=5", "np.sum(np.sin(x) * c)", "(np.cos(x) * c)[::-1]", "np.cos(x) * c"),
    ),
    "swapped_leaves": Meaning(
        "Gradients are right, and each belongs to another argument.",
        "Return them in the order of the arguments, or of argnums.",
        Example("a=4, b=4", "np.sum(a ** 2 * b)", "(a ** 2, 2 * a * b)", "(2 * a * b, a ** 2)"),
    ),
    "shape": Meaning(
        "What came has other shapes than the arguments.",
        "A gradient has the shape of its argument. Look at sums without an axis or without keepdims, and sum over the "
        "axes that were broadcast.",
        Example("b=d, X=n d", "np.sum((X + b) ** 2)", "2 * (X + b)", "2 * np.sum(X + b, axis=0)"),
    ),
    "dtype": Meaning(
        "What came has entries of another kind, as integers where floats are due.",
        "Make arrays with the dtype of the argument: np.zeros_like(x), not np.zeros(x.shape, int).",
    ),
    "missing_activation_derivative": Meaning(
        "The chain rule owes a factor, the derivative of an activation, which was left out.",
        "Multiply by it where the chain goes through the activation, elementwise.",
        Example(
            _SQUARES,
            "np.sum((np.tanh(X @ w) - y) ** 2)",
            "2 * X.T @ (np.tanh(X @ w) - y)",
            "2 * X.T @ ((np.tanh(X @ w) - y) * (1 - np.tanh(X @ w) ** 2))",
        ),
    ),
    "wrong_activation_derivative": Meaning(
        "There is a derivative of an activation, and it is another one.",
        "Check the formula, and whether it is given the input x or the output y: of tanh it is 1 - tanh(x)**2, "
        "which is 1 - y**2.",
        Example(
            _SQUARES,
            "np.sum((np.tanh(X @ w) - y) ** 2)",
            "2 * X.T @ ((np.tanh(X @ w) - y) * (1 - (X @ w) ** 2))",
            "2 * X.T @ ((np.tanh(X @ w) - y) * (1 - np.tanh(X @ w) ** 2))",
        ),
    ),
    "missing_term": Meaning(
        "The gradient is that of the function without one of its terms, paths, samples or steps.",
        "An argument that is used twice gets the sum of both gradients: look for = where += is due, a penalty, the "
        "last step of a loop.",
        Example(
            _SQUARES,
            f"{_MEAN} + 0.1 * np.sum(w ** 2)",
            _RIGHT,
            f"{_RIGHT} + 0.2 * w",
        ),
    ),
    "extra_term": Meaning(
        "There is a term that the function does not have.",
        "Look for a penalty or a path that the function lacks, and for gradients that are added up over two passes.",
        Example(_SQUARES, _MEAN, f"{_RIGHT} + w", _RIGHT),
    ),
    "zero": Meaning(
        "A gradient is zero that should not be.",
        "Is it ever written? Look for an array that is made and not filled, and for a mask that closes everything.",
        Example(_SQUARES, _MEAN, "np.zeros_like(w)", _RIGHT),
    ),
    "constant": Meaning(
        "Every entry of a gradient is the same number, and should not be.",
        "Look for a mean or a sum over all axes, and for a derivative taken for 1.",
        Example("x=6", "np.sum(np.sin(x))", "np.ones_like(x)", "np.cos(x)"),
    ),
    "single_entry": Meaning(
        "One entry is wrong, all others are right.",
        "Look at what is special about it: the first or last index, a boundary, an index that comes twice.",
        Example(
            "x=6", "np.sum(x ** 2)", "np.concatenate([2 * x[:-1], x[-1:]])", "2 * x",
        ),
    ),
    "rows": Meaning(
        "Some rows are wrong, the others right.",
        "Look at what is special about them: a slice, a gate, a class, a sample.",
        Example("W=5 4", "np.sum(W ** 3)", "3 * W ** 2 * (np.arange(5) != 2)[:, None]", "3 * W ** 2"),
    ),
    "columns": Meaning(
        "Some columns are wrong, the others right.",
        "Look at what is special about them: a feature, an output, a block of a matrix that holds several.",
        Example("W=5 4", "np.sum(W ** 3)", "3 * W ** 2 * (np.arange(4) != 2)", "3 * W ** 2"),
    ),
    "sparse": Meaning(
        "A few scattered entries are wrong.",
        "Look at what these entries have in common: a sign, a tie, a clip, an index that comes twice.",
        Example(
            "W=8 9", "np.sum(np.sin(W))", "np.cos(W) * (np.abs(W) < 1.5)", "np.cos(W)"
        ),
    ),
    "small_relative": Meaning(
        "Everything is right but for a small part, about as large as single precision or a small constant.",
        "Look for float32 within float64, for an epsilon that the function has and the gradient has not, and for an "
        "iteration that stops early. What is meant can be allowed: allow=1e-5.",
        Example("x=6", "np.sum(np.sin(x))", "np.cos(x).astype(np.float32).astype(float)", "np.cos(x)"),
    ),
    "nonfinite": Meaning(
        "There are NaN or infinities in what came, where the function is finite.",
        "Look for 0/0, log(0), exp of something large, and np.where, which computes both sides.",
        Example("x=5", "np.sum(np.maximum(x, 0) ** 2)", "2 * x * (x > 0) / (x > 0)", "2 * x * (x > 0)"),
    ),
    "nondeterministic": Meaning(
        "Two calls with the same arguments gave two answers.",
        "Draw masks and noise once and outside, or from a generator seeded inside; keep nothing between calls.",
    ),
    "mutates_input": Meaning(
        "The function or the claim writes into an array that it was given, or the claim hands out the memory of one: "
        "who then scales the gradient in place changes the argument.",
        "Work on a copy: x = x - 1, not x -= 1; return x.copy(), not x.",
    ),
    "kink": Meaning(
        "The function has a kink at the point, and the claim lies outside the slopes of both sides.",
        "At a kink any value between the two one-sided slopes is right; check also a point beside it.",
    ),
    "other": Meaning(
        "The gradient is wrong in a way that has no name here.",
        "The table shows the worst entries, yours beside the truth; the report names the expression, where it "
        "was found.",
    ),
}  # fmt: skip
"""Every one of `gradcheck.findings.KINDS`."""

UNSEEN: Mapping[str, Meaning] = {
    Blind.AXIS: Meaning(
        "An axis of length 1: a sum over it, or one that is forgotten, changes nothing.",
        "Check at a point whose axes are longer, and of different lengths.",
    ),
    Blind.ROWS: Meaning(
        "Two rows, or columns, are equal: to mix them up changes nothing.", "Check with rows that differ."
    ),
    Blind.CONSTANT: Meaning(
        "A number is zero or one, or all entries are one number: a term or a factor with them does not show.",
        "Check with random entries; also a bias that starts at zero.",
    ),
    Blind.SYMMETRIC: Meaning("The matrix equals its transpose.", "Check with one that does not."),
    Blind.BRANCH: Meaning(
        "A side of a comparison, a mask or an if is never taken, or a loop never runs: what is written there was not "
        "run.",
        "Check a second point that takes it.",
    ),
    Blind.INDEX: Meaning(
        "No index comes twice: writing with g[i] += passes, where np.add.at is due.",
        "Let an index come twice.",
    ),
    Blind.MASK: Meaning("The mask is true everywhere, and may be left out.", "Let it be false somewhere."),
    Blind.DROPOUT: Meaning("Dropout, or training, is off.", "Check with it on, and with a seed inside."),
    Blind.COTANGENT: Meaning(
        "The cotangent is all ones: a backward that ignores it passes.",
        "Use check_vjp, which draws one at random.",
    ),
    Blind.INTEGERS: Meaning(
        "Integers stand where floats are due.", "Write 1.0, or np.array(..., dtype=float)."
    ),
    Blind.UNKNOWN: Meaning(
        "What a pass did not see was asked for after f or the claim had come to answer otherwise (weights that a "
        "closure holds were trained, a file was closed), or could not be looked for.",
        "Read report.unseen, or print the report, right after the check.",
    ),
}
"""Every kind of `gradcheck.findings.Blind`."""
