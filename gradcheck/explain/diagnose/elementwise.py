"""An element-wise function's derivative misjudged, seen in one leaf without knowing how f is computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.formulas import ACTIVATIONS, DERIVATIVES
from gradcheck.explain.diagnose.guess import EXACT, Guess, thin
from gradcheck.explain.diagnose.subject import Subject

# The derivatives of known activations in terms of the input, as names in DERIVATIVES.
OWN = {
    "sigmoid": "sigmoid(v) * (1 - sigmoid(v))", "tanh": "1 - tanh(v)**2", "relu": "v > 0", "softplus": "sigmoid(v)",
    "log-sigmoid": "sigmoid(-v)", "exp": "exp(v)", "log": "1 / v", "square": "v", "square root": "1 / sqrt(v)",
    "sine": "cos(v)", "elu": "where(v > 0, 1, exp(v))", "arctangent": "1 / (1 + v**2)", "log-cosh": "tanh(v)",
    "absolute value": "sign(v)",
}  # fmt: skip


def elementwise(subject: Subject) -> Iterator[Guess]:
    """Claim over truth is, entry by entry, one known derivative over another, of the leaf's own value."""
    value, truth = subject.leaf.value, subject.truth
    wrong = np.flatnonzero((subject.wrong & (truth != 0.0)).ravel())
    if (
        value.shape != truth.shape
        or not np.all(subject.known)
        or wrong.size < 3
        or not np.any(subject.claimed)
    ):
        return
    few = wrong[np.linspace(0, wrong.size - 1, 4).astype(np.intp)]
    ratio = (subject.claimed.flat[few] / truth.flat[few], value.flat[few])
    for name, own in OWN.items():
        if np.ptp(DERIVATIVES[own](ratio[1])) == 0.0:
            continue
        for words in _fitting(name, own, *ratio):
            predicted = np.where(truth == 0.0, 0.0, truth * _quotient(name, own, words, value))
            if subject.explained_by(predicted, gain=float(np.max(np.abs(ratio[0])))):
                yield _told(subject, name, words)
                return


def through_link(subject: Subject) -> Iterator[Guess]:
    """The truth multiplied by p (1 - p) or 1 - y**2 of the leaf's own value: the gradient of what lies before it."""
    value, truth = subject.leaf.value, subject.truth
    if value.shape != truth.shape or np.count_nonzero(subject.wrong) < 3:
        return
    for words, own in (("p * (1 - p)", value * (1 - value)), ("1 - p**2", 1 - value * value), ("p", value)):
        for power in (1.0, -1.0):
            if subject.explained_by(truth * own**power, gain=float(np.max(np.abs(own**power)))):
                how = "multiplied" if power > 0 else "divided"
                says = f"{{leaves}} {{is}} the truth {how} by {words}, p being {subject.leaf.path} itself"
                remedy = (
                    "Is it the gradient of what goes into an activation, where that of its output is"
                    " due, or the reverse?"
                )
                cost = thin(EXACT + 0.5 + (words == "p"), int(np.count_nonzero(subject.wrong)), 1)
                figures = {"by": words, "power": power}
                first, second = "missing_activation_derivative", "wrong_activation_derivative"
                if words == "p":
                    first, second = "scale", "missing_term"
                yield Guess(first, (subject.number,), cost, says, remedy, figures, (words, power))
                yield Guess(second, (subject.number,), cost + 1.5, says, remedy, figures, (words, power))
                return


def _fitting(name: str, own: str, ratio: Floats, value: Floats) -> Iterator[str]:
    derivative = DERIVATIVES[own](value)
    for words, used in _used(name, value):
        quotient = used / derivative
        if np.ptp(quotient) > 1e-9 * np.max(np.abs(quotient)) and np.all(
            np.abs(quotient - ratio) <= 1e-5 * np.abs(ratio)
        ):
            yield words


def _quotient(name: str, own: str, words: str, value: Floats) -> Floats:
    used = dict(_used(name, value))[words]
    return used / DERIVATIVES[own](value)


def _used(name: str, value: Floats) -> Iterator[tuple[str, Floats]]:
    yield "1", np.ones(value.shape)
    after = ACTIVATIONS[name](value) if name in ACTIVATIONS else value
    for letter, array in (("x", value), ("y", after)):
        for words, formula in DERIVATIVES.items():
            yield words.replace("v", letter), formula(array)


def _told(subject: Subject, name: str, words: str) -> Guess:
    missing = words == "1"
    kind = "missing_activation_derivative" if missing else "wrong_activation_derivative"
    what = "left out (taken as 1)" if missing else f"{words}, x its input, y its output"
    says = f"{{leaves}} {{is}} as if the derivative of the {name} of {subject.leaf.path} were {what}"
    cost = thin(EXACT + (0.5 if missing else 1.0), int(np.count_nonzero(subject.wrong)), 1)
    figures = {"activation": name, "derivative_used": words}
    return Guess(
        kind, (subject.number,), cost, says, "Check that derivative's formula.", figures, (name, words)
    )
