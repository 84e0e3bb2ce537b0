"""Connectionist temporal classification: a sequence of labels read out of more time steps than it has letters.

A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, "Connectionist temporal classification", ICML 2006. Every step
says one class or "blank"; repeats of one class are one letter, and blanks are dropped. The probability of a sequence
is the sum over all ways of saying it, by a recursion forwards; its derivative needs the same one backwards. All in
logarithms, for the sums run over products of hundreds of probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.activations import log_softmax
from reference_impls.layers.axes import must_have
from reference_impls.targets import must_be_array, must_be_whole, must_be_within

Array = np.ndarray[Any, np.dtype[Any]]


def ctc(logits: Array, labels: Array, steps: Array | None = None, letters: Array | None = None) -> Any:
    """Mean over the batch of ``-log p(labels)``.

    Parameters
    ----------
    logits
        (time, batch, classes); class 0 is the blank.
    labels
        (batch, longest), classes from 1 up; what lies beyond a sequence's length is not looked at.
    steps, letters
        (batch,) each: how many time steps and how many labels of an example count; all where None.
    """
    total, *_ = _forwards(logits, labels, steps, letters)
    return -np.sum(total) / max(1, logits.shape[1])


def ctc_gradient(
    logits: Array, labels: Array, steps: Array | None = None, letters: Array | None = None
) -> Array:
    """Gradient of `ctc` with respect to the logits.

    Write the labels with blanks between and around them, ``l_0 ... l_2L``. A way of saying them is a walk over these
    places that stays, goes on by one, or by two over a blank between different letters. Let ``alpha_t(s)`` be the
    probability of all walks up to step ``t`` that end at place ``s``, ``y_t(l_s)`` included, and ``beta_t(s)`` that of
    all ways on from there. Each walk is at one place at step ``t``, so for every ``t``

        ``p = sum_s alpha_t(s) beta_t(s)``.

    With ``s'`` running over the one, two or three places from which a step leads to ``s``, and over those to which it
    leads from ``s``,

        ``alpha_t(s) = y_t(l_s) sum_s' alpha_{t-1}(s')``, ``beta_t(s) = sum_s' y_{t+1}(l_s') beta_{t+1}(s')``.

    ``y_t(k)`` is a factor of just those walks that are at a place with ``l_s = k`` then. So ``d log p / d log y_t(k) =
    sum_{s: l_s = k} alpha_t(s) beta_t(s) / p``, the share of walks that say ``k`` at ``t``: call it ``c_t(k)``. It adds
    up to 1 over ``k``, and with ``d log y_k / dz_j = delta_jk - y_j`` the loss has the derivative ``y_t(k) - c_t(k)``:
    a softmax with cross-entropy whose targets are the walks' own shares (Graves et al., eq. 16). Divided by the batch.
    """
    total, log_y, places, alpha, said, running, ends = _forwards(logits, labels, steps, letters)
    time, batch, classes = logits.shape
    beta = np.full(said.shape, -np.inf, logits.dtype)
    skips = _skips(places)
    for t in reversed(range(time)):
        if t + 1 < time:
            ahead = said[t + 1] + beta[t + 1]
            beta[t] = np.logaddexp(ahead, _shifted(ahead, -1))
            over = np.where(_shifted(skips, -2, fill=False), _shifted(ahead, -2), -np.inf)
            beta[t] = np.logaddexp(beta[t], over)
        last = running.sum(axis=0) == t + 1
        beta[t, last] = np.where(ends[last], 0, -np.inf)
    shares = np.exp(alpha[1:] + beta - total[:, None]) * running[:, :, None]
    letters_at = (places[:, :, None] == np.arange(classes)).astype(logits.dtype)
    counted = np.matmul(shares.swapaxes(0, 1), letters_at).swapaxes(0, 1)
    gradient: Array = (np.exp(log_y) * running[:, :, None] - counted) / max(1, batch)
    return gradient


def _forwards(logits: Array, labels: Array, steps: Array | None, letters: Array | None) -> tuple[Any, ...]:
    """``log p`` of each example, and what the way back needs: log y, places, log alpha, log y at the places, masks."""
    must_have("logits", logits, time=None, batch=None, classes=None)
    must_be_array("labels", labels)
    time, batch, classes = logits.shape
    steps = np.full(batch, time) if steps is None else np.asarray(steps)
    letters = np.full(batch, labels.shape[-1]) if letters is None else np.asarray(letters)
    for name, values in (("steps", steps), ("letters", letters)):
        must_be_whole(name, values, (batch,))
    must_be_whole("labels", labels, (batch, labels.shape[-1]))
    places = np.zeros((batch, 2 * labels.shape[1] + 1), dtype=np.intp)
    counts = np.arange(labels.shape[1]) < letters[:, None]
    must_be_within("steps", steps, 0, time)
    must_be_within("letters", letters, 0, labels.shape[1])
    must_be_within("labels", labels[counts], 1, classes - 1)
    places[:, 1::2] = np.where(counts, labels, 0)
    _must_fit(places, steps, letters)
    skips = _skips(places)
    log_y = log_softmax(logits)
    said = np.take_along_axis(log_y, np.broadcast_to(places, (time, *places.shape)), axis=2)
    alpha = np.full((time + 1, *places.shape), -np.inf, logits.dtype)
    alpha[0, :, 0] = 0  # before the first step all walks are at the first blank, with nothing said
    running = np.arange(time)[:, None] < steps
    for t, before in enumerate(alpha[:-1]):
        reached = np.logaddexp(before, _shifted(before, 1))
        reached = np.logaddexp(reached, np.where(skips, _shifted(before, 2), -np.inf))
        alpha[t + 1] = np.where(running[t][:, None], reached + said[t], before)
    place = np.arange(places.shape[1])
    ends = (place == 2 * letters[:, None]) | (place == 2 * letters[:, None] - 1)
    total = np.logaddexp.reduce(np.where(ends, alpha[-1], -np.inf), axis=1)
    return total, log_y, places, alpha, said, running, ends


def _skips(places: Array) -> Array:
    """Whether the place before may be left out: a blank between two different letters."""
    skipped: Array = (places != 0) & (places != _shifted(places, 2, fill=0))
    return skipped


def _shifted(values: Array, by: int, fill: Any = -np.inf) -> Array:
    """The last axis moved by so many places, up or down, ``fill`` where nothing comes from."""
    moved = np.full_like(values, fill)
    if by > 0:
        moved[..., by:] = values[..., :-by]
    else:
        moved[..., :by] = values[..., -by:]
    return moved


def _must_fit(places: Array, steps: Array, letters: Array) -> None:
    again = (places[:, 3::2] == places[:, 1:-2:2]) & (places[:, 3::2] != 0)
    needed = letters + again.sum(axis=1)
    if (needed > steps).any():
        example = int(np.flatnonzero(needed > steps)[0])
        raise ValueError(
            f"labels of example {example} need {needed[example]} time steps (a blank goes between equal letters), and "
            f"it has {steps[example]}: give more steps, or leave the example out"
        )


def cases() -> list[Case]:
    """One example, repeated letters, several lengths, and float32."""
    rng = np.random.default_rng(20)
    logits, labels = rng.standard_normal((7, 3, 4)), np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]])
    lengths = (np.array([7, 5, 6]), np.array([3, 2, 1]))
    single = logits.astype(np.float32)
    return [
        Case("ctc/one", ctc, ctc_gradient, (logits[:, :1], labels[:1]), argnums=0),
        Case("ctc/lengths", ctc, ctc_gradient, (logits, labels, *lengths), argnums=0),
        Case("ctc/float32", ctc, ctc_gradient, (single, labels, *lengths), argnums=0),
    ]
